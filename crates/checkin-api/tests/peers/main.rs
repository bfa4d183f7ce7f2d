//! The crate against independent implementations. Run with `-- --ignored`; a peer that is missing is a failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may be blunt, their helpers too"
)]

#[cfg(feature = "meshcore")]
mod meshcore;
