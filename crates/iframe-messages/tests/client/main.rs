//! The host's side against iframes that are played here.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod hostile;
mod model;
mod sessions;
mod support;
