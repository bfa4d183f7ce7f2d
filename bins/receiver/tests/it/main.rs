//! The receiver through `run()`, and the demo.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may be blunt, their helpers too"
)]

mod check_ins;
mod commands;
mod demo;
mod example;
mod ipwatch;
mod serve;
mod stage;
mod web;
