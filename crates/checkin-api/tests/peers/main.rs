//! The crate against real databases, disks, signals and tools, and against other implementations. Run with `-- --ignored`; a peer that is missing is
//! a failure.
#![cfg(feature = "sqlite")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests may be blunt, their helpers too"
)]

mod child;
mod disk_full;
mod io_error;
mod kill;
#[cfg(feature = "meshcore")]
mod meshcore;
#[cfg(feature = "client")]
mod outbox;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod reading;
mod reading_csv;
#[cfg(feature = "postgres")]
#[path = "../server/reading_suite.rs"]
mod reading_suite;
mod replay;
mod schemathesis;
#[path = "../server/sockets.rs"]
mod sockets;
#[path = "../server/store_suite.rs"]
#[cfg_attr(
    not(feature = "postgres"),
    allow(
        dead_code,
        unused_macros,
        unused_imports,
        reason = "the suite is shared, and PostgreSQL is what it is here for"
    )
)]
mod store_suite;
mod timing;
