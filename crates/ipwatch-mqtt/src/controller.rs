//! The backend's side, without IO: commands go in and come back with what became of them, and what the machines say is handed on.
//!
//! An answer is given to the command that it answers and to no other: by its `id` or its correlation data, and for agents that know neither, by
//! order, but never to a command that came after one that is still unanswered.

mod flight;
mod io;
mod presence;
mod session;

pub use io::{ControllerSettings, Input, Order, Outcome, Output, Ticket};
pub use session::ControllerSession;
