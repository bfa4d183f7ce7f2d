//! The crate as its users see it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may be blunt, their helpers too"
)]

mod retry;
mod values;
mod wire;

#[cfg(feature = "ssh-keys")]
mod http_signature;
#[cfg(feature = "ssh-keys")]
mod key_corpus;
#[cfg(feature = "ssh-keys")]
mod known_hosts;
#[cfg(feature = "ssh-keys")]
mod public_key;

#[cfg(feature = "client")]
mod client;
#[cfg(all(feature = "client", unix))]
mod known_hosts_file;
#[cfg(feature = "client")]
mod recorded_server;
