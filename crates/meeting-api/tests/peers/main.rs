//! The crate against independent implementations. Run with `-- --ignored`; a peer that is missing is a failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may be blunt, their helpers too"
)]

#[cfg(feature = "sqlite")]
mod disk_full;
#[cfg(feature = "ssh-keys")]
#[path = "../it/key_corpus.rs"]
#[allow(dead_code, reason = "the corpus is shared, and not all of it is used here")]
mod key_corpus;
#[cfg(feature = "client")]
mod openssh;
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
