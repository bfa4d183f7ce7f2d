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
#[cfg(feature = "ssh-keys")]
mod known_hosts;
#[cfg(feature = "client")]
mod known_hosts_file;
#[cfg(feature = "client")]
mod recorded_server;
