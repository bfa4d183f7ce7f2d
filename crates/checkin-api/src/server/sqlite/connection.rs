//! Connections: how they are set up, how the schema is brought up to date, and how they run statements.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::import;
use crate::server::sql::{self, Cell, MIGRATIONS, Mode, Row, Sql, Value, newest};
use crate::server::store::StoreError;

/// How long a connection waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Marks the file as one of check-ins: "ckin".
const APPLICATION_ID: i64 = 0x636b_696e;
/// The write-ahead log is cut back to this size after a burst.
const WAL_BYTES_KEPT: i64 = 16 * 1024 * 1024;
/// Pages in the log before they are moved into the file: 16 MiB. With SQLite's own 4 MiB a busy writer would wait for that, and for
/// two more syncs, four times as often.
const CHECKPOINT_PAGES: i64 = 4096;
/// Memory for pages, in KiB, of the writer and of each reader. More is the system's business, which caches the file.
const WRITER_CACHE_KIB: i64 = 2048;
const READER_CACHE_KIB: i64 = 512;

pub(super) fn open_writer(path: &Path, max_bytes: Option<u64>) -> Result<Connection, StoreError> {
    let connection = Connection::open(path).map_err(|error| failure(&error))?;
    set_up(&connection, WRITER_CACHE_KIB)?;
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
    set_up(&connection, READER_CACHE_KIB)?;
    connection.pragma_update(None, "query_only", true).map_err(|error| failure(&error))?;
    Ok(connection)
}

fn set_up(connection: &Connection, cache_kib: i64) -> Result<(), StoreError> {
    let set = || {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Where fsync alone does not reach the disk, on macOS, this does.
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "cache_size", -cache_kib)?;
        connection.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES_KEPT, |_| Ok(()))?;
        connection.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(())
    };
    set().map_err(|error: rusqlite::Error| failure(&error))
}

/// Brings the file to the present schema, one transaction in all: another process sees the old one or the new one.
fn migrate(connection: &Connection) -> Result<(), StoreError> {
    check_owner(connection)?;
    // The usual case takes no lock: a command may look while a receiver writes.
    if version(connection)? == newest() && !import::is_wanted(connection)? {
        return Ok(());
    }
    connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| failure(&error))?;
    let done = migrate_in_transaction(connection)
        .and_then(|()| connection.execute_batch("COMMIT").map_err(|error| failure(&error)));
    if done.is_err() && !connection.is_autocommit() {
        // The connection is given up right after; nothing is left to do about a failing rollback.
        let _ = connection.execute_batch("ROLLBACK");
    }
    done
}

fn migrate_in_transaction(connection: &Connection) -> Result<(), StoreError> {
    let version = version(connection)?;
    for step in MIGRATIONS.iter().filter(|step| step.version > version) {
        let apply = || {
            connection.execute_batch(step.sqlite)?;
            connection.pragma_update(None, "user_version", step.version)
        };
        apply().map_err(|error| failure(&error))?;
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID).map_err(|error| failure(&error))?;
    if import::is_wanted(connection)? { import::run(connection) } else { Ok(()) }
}

/// Refuses the file of another program, and of a newer one.
fn check_owner(connection: &Connection) -> Result<(), StoreError> {
    let owner: i64 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(|error| failure(&error))?;
    let version = version(connection)?;
    if owner != APPLICATION_ID && (owner != 0 || version != 0) {
        return Err(StoreError::broken("the file is another program's database"));
    }
    if version > newest() {
        return Err(StoreError::broken(format!(
            "the schema is version {version}, and this program knows up to {}",
            newest()
        )));
    }
    Ok(())
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(|error| failure(&error))
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

impl sql::Connection for Connection {
    fn begin(&mut self, mode: Mode) -> Result<(), StoreError> {
        execute(self, if mode == Mode::Write { "BEGIN IMMEDIATE" } else { "BEGIN" })
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        execute(self, "COMMIT")
    }

    fn rollback(&mut self) {
        // A full disk may have undone the transaction already.
        if !self.is_autocommit()
            && let Err(error) = execute(self, "ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be undone");
        }
    }
}

fn execute(connection: &Connection, statement: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(statement)
        .and_then(|mut prepared| prepared.execute([]))
        .map(drop)
        .map_err(|error| failure(&error))
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
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
