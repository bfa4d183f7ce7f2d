//! The proxy through `run()`: a Meeting server and agents in this process, real sockets on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may be blunt, and so may what it calls"
)]

mod admin;
mod exposure;
mod fake_meeting;
mod outage;
mod program;
mod proof;
mod real_meeting;
mod secrets;
mod stage;
mod takeover;
mod tls;
mod visits;
