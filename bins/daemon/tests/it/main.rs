//! Tests of the shared parts through their public API.
#![allow(missing_docs, reason = "tests")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may be blunt, and so may what it calls"
)]

mod admin;
mod config;
mod config_errors;
mod descriptors;
mod http;
mod http_refusals;
mod service_manager;
mod serving;
mod tls;
mod world;
