//! The multiplexer as a session without IO: bytes and calls in, frames and events out.
//!
//! A [`Session`] is one end of one tunnel connection. Its owner moves bytes between it and a transport
//! ([`Session::handle`], [`Session::poll_output`]), tells it the time ([`Session::poll_timeout`],
//! [`Session::handle_timeout`]) and learns from [`Session::poll_event`] what streams want. It never blocks, spawns
//! nothing and reads no clock.
//!
//! # Ids
//! What a session does with a frame, by what the frame's id is to it. A *live* id has been opened and no `C` was
//! sent or received for it; a *past* id is not live and not above the highest id opened; a *fresh* id is above it.
//!
//! | frame | live | past | fresh |
//! |---|---|---|---|
//! | `N` at the agent | both streams are given up: `C` out, the local side is reset, counted | opens (other proxies may use ids again) | opens |
//! | `N` at the proxy | ignored, counted | ignored, counted | ignored, counted |
//! | `D` | queued for the local side | dropped, counted: late data | dropped, counted, answered with `C` at most ten times a second |
//! | `C` at the agent | the stream ends, `C` is echoed once | ignored | ignored |
//! | `C` at the proxy | the stream ends, no echo | ignored | ignored |
//! | `C` for [`StreamId::PROBE`](crate::StreamId::PROBE) | ends it like any other | ignored, counted: a probe | ignored, counted: a probe |
//!
//! A `C` is never the answer to a `C` for an id that is not live, so two ends cannot echo each other for ever. The
//! proxy role takes ids from 1 upwards, never twice in a connection, and frees an id without waiting for an echo; when
//! they run out it opens no more and the connection is renewed once its streams are done.
//!
//! Source: meeting §4.2.  Choice: TF-5.  Choice: TF-6.  Choice: TF-7.

mod byte_queue;
mod config;
mod counters;
mod inbound;
mod liveness;
mod output;
mod session;
mod stream;

pub use config::{DeadAfter, HalfClose, MuxConfig};
pub use counters::Counters;
pub use output::Output;
pub use session::{Event, OpenError, Role, Session, SessionError};
pub use stream::{Read, StreamEnd, StreamKey};
