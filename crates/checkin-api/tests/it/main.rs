//! The crate as its users see it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may be blunt, their helpers too"
)]

mod check_in;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "meshcore")]
mod meshcore;
#[cfg(feature = "client")]
mod outbox;
#[cfg(feature = "client")]
mod outbox_kill;
#[cfg(feature = "client")]
mod receiver;
