//! Schedules: expressions, the clocks of places, and what was missed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may be blunt, their helpers too"
)]

mod clocks;
mod expressions;
mod missed;

use jiff::Timestamp;

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}
