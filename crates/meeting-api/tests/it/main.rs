//! The crate as its users see it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may be blunt, their helpers too"
)]

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "tls")]
mod client_tls;
#[cfg(feature = "ssh-keys")]
mod http_signature;
#[cfg(feature = "client")]
mod recorded_server;
