//! The backend through its service, its events, and its stores.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may be blunt, their helpers too"
)]

mod access;
mod commands;
mod events;
mod heard;
mod history;
mod hostile;
mod openapi;
mod registry;
mod schedules;
mod sessions;
mod sockets;
mod sqlite_store;
mod store_suite;
mod stream;
mod support;
mod wake;
