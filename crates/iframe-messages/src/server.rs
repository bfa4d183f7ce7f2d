//! The iframe's side: hears one window, answers one origin at a time, and asks a back end, without IO, clock or randomness.
//!
//! 1. [`Server::handle`] takes what was posted: the sender's origin and window are judged first, then the message is read, then its `messageId`
//!    and its token are checked.
//! 2. A request for a link becomes a [`Consent`] to ask the user for; what a linked host asks becomes a [`Job`].
//! 3. [`answer`] checks what the document demands beside the token (paired, committed state) and has a job done by a [`Backend`]. A back
//!    end that takes its time does it in its own way, and says [`Server::complete`] then.
//! 4. [`Server::poll_output`] gives what to post, to the one origin that asked.
//!
//! The page that shows consent must not be covered by others: serve it with `Content-Security-Policy: frame-ancestors` and exactly the origins of the
//! allow-list (threat I5).
//!
//! Source: iframe §1, §2, §3.

mod config;
mod job;
mod listening;
mod prerequisites;
mod roles;
mod session;
mod table;
mod tokens;

pub use config::{Announce, ServerConfig};
pub use job::{Consent, Counters, Decision, Job, Output, Ticket};
pub use prerequisites::{Facts, Prerequisites};
pub use roles::{Backend, Context, Data, Link, Pairing, Processes, Proofs, answer};
pub use session::Server;
pub use tokens::{Lifetimes, SigningKey, TokenAuthority};
