//! The server through its service, mostly without sockets, on a clock of the tests' own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may be blunt, their helpers too"
)]

mod access;
mod devices;
mod forwarded;
mod keys;
mod limits;
mod openapi;
mod signatures;
mod sockets;
mod sqlite_store;
mod store_suite;
mod support;
