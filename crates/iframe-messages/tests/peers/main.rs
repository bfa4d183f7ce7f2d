//! Against what others made: the TypeScript compiler, a JSON Schema validator, a browser. Installed by `.ci/steps/tools.sh`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod node;
mod types;
