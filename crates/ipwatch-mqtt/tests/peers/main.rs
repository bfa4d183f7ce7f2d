//! The crate against real peers. Run with `-- --ignored`; a peer that is missing is a failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may be blunt, their helpers too"
)]

#[cfg(feature = "client")]
mod agent;
#[cfg(feature = "client")]
mod mosquitto;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod schemathesis;
#[cfg(feature = "sqlite")]
#[path = "../server/sockets.rs"]
mod sockets;
#[cfg(feature = "postgres")]
#[path = "../server/store_suite.rs"]
mod store_suite;
