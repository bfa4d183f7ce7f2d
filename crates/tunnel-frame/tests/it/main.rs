//! Tests of the crate from outside, one module a question.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that fails may say so in any way"
)]

mod drivers;
mod mux_model;
mod mux_pressure;
mod mux_table;
mod simulated;
mod support;
mod threats;
