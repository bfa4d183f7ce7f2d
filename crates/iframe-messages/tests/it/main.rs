//! Tests of the types and of both ends, in memory.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod limits;
mod properties;
mod vectors;
