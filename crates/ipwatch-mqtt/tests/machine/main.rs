//! What touches the machine: its figures against an independent reading, and the programs that switch it off.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may be blunt, their helpers too"
)]

#[cfg(target_os = "linux")]
mod figures;
#[cfg(unix)]
mod power;
