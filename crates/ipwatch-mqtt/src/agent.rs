//! The machine's side, without IO: what comes in goes to [`AgentSession::handle`], what is to be done comes out of
//! [`AgentSession::poll_output`], and [`AgentSession::poll_timeout`] says when [`AgentSession::handle_timeout`] wants to be called.
//!
//! One command's way: the gate lets it through, its memory is stored, the response goes out and is acknowledged by the broker, so does
//! `offline`, and only then the machine goes down.

#[cfg(feature = "client")]
#[cfg_attr(docsrs, doc(cfg(feature = "client")))]
pub mod driver;
mod going_down;
mod io;
mod outbox;
mod session;
mod settings;

pub use io::{AgentEvent, Input, Moment, Output, PowerAction, PublishKey};
pub use session::AgentSession;
pub use settings::AgentSettings;
