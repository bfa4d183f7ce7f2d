//! The host's side: asks, and matches the answers, without IO, clock or randomness.
//!
//! The caller moves messages and time:
//!
//! * what the window received goes into [`Client::handle`];
//! * what [`Client::poll_output`] gives goes out, to the one origin that it names;
//! * [`Client::poll_timeout`] says when to call [`Client::handle_timeout`];
//! * [`Client::poll_event`] tells how requests ended.
//!
//! A request may be made at any time: before `LISTENING` it waits. Each ends once: with its answer, or with a [`Failure`]; nothing hangs.
//! An access token that has expired is renewed once, and the calls that it held up are sent again.
//!
//! Source: iframe §1, §2.1, §4.

mod config;
mod correlation;
mod event;
mod renewal;
mod requests;
mod session;

pub use config::{ClientConfig, Deadlines, Listening};
pub use event::{Counters, Event, Failure, Output, RequestId, Unable};
pub use session::Client;
