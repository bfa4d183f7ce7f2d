//! Connections to a SQLite file: how they are set up, brought up to date, and spoken to.
//!
//! A connection is rusqlite's own; this module makes it a [`Connection`](crate::Connection).

mod statements;

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::migration::missing;
use crate::{Migration, SqlError};

pub use statements::execute;

/// How long a connection waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Prepared statements that a connection keeps.
const STATEMENTS_KEPT: usize = 64;

/// How a connection uses memory and disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Pages in the write-ahead log before they are moved into the file. SQLite's own 1,000 make a busy writer wait for that, and
    /// for two more syncs, at every few commits.
    pub checkpoint_pages: i64,
    /// The log is cut back to this size after a burst, in bytes.
    pub log_bytes_kept: i64,
    /// Memory for pages, in KiB; SQLite's own 2,000 where it is `None`.
    pub cache_kib: Option<i64>,
}

/// Opens a file for writing. Where it is absent it is made for this user's eyes only; SQLite gives the files that it keeps beside
/// it the same rights.
///
/// # Errors
/// [`SqlError::Unavailable`] when it cannot be opened, [`SqlError::Broken`] when it is no database.
pub fn open_writer(path: &Path, settings: &Settings) -> Result<Connection, SqlError> {
    make_private(path);
    let connection = Connection::open(path).map_err(|error| failure(&error))?;
    set_up(&connection, settings)?;
    Ok(connection)
}

/// What is there already, or cannot be made, is SQLite's to report.
fn make_private(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let _ = options.write(true).create_new(true).open(path);
}

/// Opens a file for reading only. It must exist.
///
/// # Errors
/// As [`open_writer`].
pub fn open_reader(path: &Path, settings: &Settings) -> Result<Connection, SqlError> {
    // A reader of a write-ahead log needs to write its index, so that it cannot be opened read-only.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failure(&error))?;
    set_up(&connection, settings)?;
    connection.pragma_update(None, "query_only", true).map_err(|error| failure(&error))?;
    Ok(connection)
}

/// Sets how large the file may grow, in bytes; writes are refused beyond. The write-ahead log comes on top.
///
/// # Errors
/// [`SqlError`] when the database fails.
pub fn limit_size(connection: &Connection, bytes: u64) -> Result<(), SqlError> {
    let limit = || {
        let page: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
        connection.pragma_update_and_check(None, "max_page_count", pages.max(1), |_| Ok(()))
    };
    limit().map_err(|error: rusqlite::Error| failure(&error))
}

fn set_up(connection: &Connection, settings: &Settings) -> Result<(), SqlError> {
    let set = || {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Where fsync alone does not reach the disk, on macOS, this does.
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        if let Some(kib) = settings.cache_kib {
            connection.pragma_update(None, "cache_size", -kib)?;
        }
        let (kept, pages) = (settings.log_bytes_kept, settings.checkpoint_pages);
        connection.pragma_update_and_check(None, "journal_size_limit", kept, |_| Ok(()))?;
        connection.pragma_update_and_check(None, "wal_autocheckpoint", pages, |_| Ok(()))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        Ok(())
    };
    set().map_err(|error: rusqlite::Error| failure(&error))
}

/// The version of the file's schema; 0 when it has none.
///
/// # Errors
/// [`SqlError`] when the database fails.
pub fn version(connection: &Connection) -> Result<i64, SqlError> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(|error| failure(&error))
}

/// Brings the file to the present schema and does what comes after, one transaction in all: another process sees the old file or
/// the new one. Where nothing is to be done, not to call it spares the lock.
///
/// # Errors
/// [`SqlError::Broken`] when the schema is a newer program's, [`SqlError`] when a step fails: the file is as it was.
pub fn migrate(
    connection: &Connection,
    steps: &[Migration],
    after: impl FnOnce(&Connection) -> Result<(), SqlError>,
) -> Result<(), SqlError> {
    let batch = |statements: &str| connection.execute_batch(statements).map_err(|error| failure(&error));
    batch("BEGIN IMMEDIATE")?;
    let migrated = || {
        for step in missing(steps, version(connection)?)? {
            batch(step.sqlite)?;
            let noted = connection.pragma_update(None, "user_version", step.version);
            noted.map_err(|error| failure(&error))?;
        }
        after(connection)?;
        batch("COMMIT")
    };
    let done = migrated();
    if done.is_err() && !connection.is_autocommit() {
        // The connection is given up right after; nothing is left to do about a failing rollback.
        let _ = connection.execute_batch("ROLLBACK");
    }
    done
}

/// Sorts SQLite's errors into those that pass and those that stay.
#[must_use]
pub fn failure(error: &rusqlite::Error) -> SqlError {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory
            | ErrorCode::OperationInterrupted
            | ErrorCode::OperationAborted
            | ErrorCode::FileLockingProtocolFailed,
        ) => SqlError::unavailable(error.to_string()),
        _ => SqlError::broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests;
