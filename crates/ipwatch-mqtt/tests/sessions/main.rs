//! Agent and controller, each alone and back to back, without a broker.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may be blunt, their helpers too"
)]

mod agent;
mod controller;
mod pair;
mod support;
