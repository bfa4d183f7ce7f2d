//! The real programs, as processes, between real peers: OpenSSH, git, nginx, curl, iperf3, Node.js, Python,
//! PostgreSQL, Mosquitto.
//!
//! They need the three programs beside each other (`cargo build --workspace --bins`) and the peers from Debian's packages, so
//! they run only when asked for, as `.ci/run` does. They fail when a peer is missing.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that fails may say so in any way"
)]

mod authority;
mod check_ins;
mod document;
mod durability;
mod encrypted;
mod foreign;
mod ipwatch;
mod nginx;
#[cfg(feature = "postgres")]
mod postgres;
mod pressure;
mod program;
mod recovery;
mod signature;
mod ssh;
mod sshd;
mod uploads;
mod web;
mod wire;
mod world;
