//! The crate against independent implementations. Run with `-- --ignored`; a peer that is missing is a failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may be blunt, their helpers too"
)]

#[cfg(feature = "ssh-keys")]
#[path = "../it/key_corpus.rs"]
#[allow(dead_code, reason = "the corpus is shared, and not all of it is used here")]
mod key_corpus;
#[cfg(feature = "client")]
mod openssh;
