//! Connections to a SQLite file: how they are set up, migrated and spoken to.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql};

use crate::server::sql::{Cell, MIGRATIONS, Row, Sql, Value};
use crate::server::store::StoreError;

/// How long a connection waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The write-ahead log is cut back to this size after a burst.
const WAL_BYTES_KEPT: i64 = 64 * 1024 * 1024;
/// Pages in the log before they are moved into the file: 64 MiB. Heartbeats write the same pages again and again, and each is moved
/// once; with SQLite's own 4 MiB a busy writer waits for that, and for two more syncs, at every third commit.
const CHECKPOINT_PAGES: i64 = 16_384;

pub(super) fn open_writer(path: &Path, max_bytes: Option<u64>) -> Result<Connection, StoreError> {
    let connection = Connection::open(path).map_err(|error| failure(&error))?;
    set_up(&connection)?;
    migrate(&connection)?;
    if let Some(bytes) = max_bytes {
        let page: i64 = connection
            .pragma_query_value(None, "page_size", |row| row.get(0))
            .map_err(|error| failure(&error))?;
        let pages = i64::try_from(bytes).unwrap_or(i64::MAX) / page.max(1);
        connection
            .pragma_update_and_check(None, "max_page_count", pages.max(1), |_| Ok(()))
            .map_err(|error| failure(&error))?;
    }
    Ok(connection)
}

pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    // A reader of a write-ahead log needs to write its index, so that it cannot be opened read-only.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| failure(&error))?;
    set_up(&connection)?;
    connection.pragma_update(None, "query_only", true).map_err(|error| failure(&error))?;
    Ok(connection)
}

fn set_up(connection: &Connection) -> Result<(), StoreError> {
    let set = || {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES_KEPT, |_| Ok(()))?;
        connection.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(())
    };
    set().map_err(|error: rusqlite::Error| failure(&error))
}

/// Brings the file to the present schema, one transaction in all: another process sees the old one or the new one.
fn migrate(connection: &Connection) -> Result<(), StoreError> {
    let newest = MIGRATIONS.last().map_or(0, |step| step.version);
    let steps = || {
        // The usual case takes no lock: a command may look while a receiver writes.
        if connection.pragma_query_value(None, "user_version", |row| row.get(0)) == Ok(newest) {
            return Ok(newest);
        }
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        for step in MIGRATIONS.iter().filter(|step| step.version > version) {
            connection.execute_batch(step.sqlite)?;
            connection.pragma_update(None, "user_version", step.version)?;
        }
        connection.execute_batch("COMMIT")?;
        Ok(version)
    };
    match steps() {
        Ok(version) if version > newest => Err(StoreError::broken(format!(
            "the schema is version {version}, and this program knows up to {newest}"
        ))),
        Ok(_) => Ok(()),
        Err(error) => {
            let error: rusqlite::Error = error;
            let failure = failure(&error);
            if !connection.is_autocommit() {
                // The connection is given up right after; nothing is left to do about a failing rollback.
                let _ = connection.execute_batch("ROLLBACK");
            }
            Err(failure)
        }
    }
}

impl Sql for Connection {
    fn run(&mut self, statement: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let rows = || {
            let mut prepared = self.prepare_cached(statement)?;
            let columns = prepared.column_count();
            let mut found = prepared.query(rusqlite::params_from_iter(values))?;
            let mut rows = Vec::new();
            while let Some(row) = found.next()? {
                let cells =
                    (0..columns).map(|index| row.get_ref(index).map(cell)).collect::<Result<_, _>>()?;
                rows.push(Row::new(cells));
            }
            Ok(rows)
        };
        rows().map_err(|error: rusqlite::Error| failure(&error))
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(rusqlite::types::ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        // No statement gives fractions; as text they are refused where a number is expected.
        ValueRef::Real(number) => Cell::Text(number.to_string()),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
    }
}

/// Sorts SQLite's errors into those that pass and those that stay.
pub(super) fn failure(error: &rusqlite::Error) -> StoreError {
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
        ) => StoreError::unavailable(error.to_string()),
        _ => StoreError::broken(error.to_string()),
    }
}
