//! Tests of the shared parts through their public API.
#![allow(missing_docs, reason = "tests")]

mod config;
