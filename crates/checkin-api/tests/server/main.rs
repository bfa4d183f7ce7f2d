//! The server through its service and over sockets, and its stores.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may be blunt, their helpers too"
)]

mod statuses;
mod submission;
mod support;
