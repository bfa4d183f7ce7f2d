//! The server through its service and over sockets, and its stores.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may be blunt, their helpers too"
)]

mod batch;
#[cfg(feature = "client")]
mod client;
mod commits;
mod import;
mod openapi;
#[cfg(feature = "client")]
mod reading_client;
mod reading_http;
mod reading_store;
mod reading_suite;
mod sockets;
mod sqlite_store;
mod statuses;
mod store_suite;
mod submission;
mod support;
mod wire;
