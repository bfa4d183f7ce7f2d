//! The iframe's side against hosts that are played here, and against our own.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod hostile;
mod listening;
mod origins;
mod prerequisites;
mod support;
mod tokens;
