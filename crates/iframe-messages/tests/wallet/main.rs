//! The embedded wallet, alone and behind a server with a host in front of it.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod life;
mod processes;
mod proofs;
mod sealed;
mod support;
