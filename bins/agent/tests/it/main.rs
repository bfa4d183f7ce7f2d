//! The agent through `run()`, against a Meeting server and a proxy in this process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may be blunt, and so may what it calls"
)]

mod addresses;
mod check;
mod checkin;
mod checkin_commands;
mod credentials;
mod example;
mod fake_meeting;
mod fake_proxy;
mod harness;
mod keys;
mod receiver;
mod reporting;
mod secrets;
mod settings;
mod tls;
mod tunnel;
