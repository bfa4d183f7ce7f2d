//! How the store's connections are set up, and how a file becomes one of check-ins.

use std::path::Path;

use rusqlite::Connection;
use sql_session::sqlite::{self, Settings, failure};
use sql_session::{SqlError, newest};

use super::import;
use crate::server::sql::MIGRATIONS;

/// Marks the file as one of check-ins: "ckin".
const APPLICATION_ID: i64 = 0x636b_696e;
/// 128 MiB of log before it is moved into the file, of which 64 stay after a burst. Everybody waits for that move: with half as much it came
/// often enough to be one wait in a hundred. Little memory for pages, for the system caches the file.
const WRITER: Settings =
    Settings { checkpoint_pages: 32_768, log_bytes_kept: 64 * 1024 * 1024, cache_kib: Some(2048) };
const READER: Settings = Settings { cache_kib: Some(512), ..WRITER };

pub(super) fn open_writer(path: &Path, max_bytes: Option<u64>) -> Result<Connection, SqlError> {
    let connection = sqlite::open_writer(path, &WRITER)?;
    migrate(&connection)?;
    if let Some(bytes) = max_bytes {
        sqlite::limit_size(&connection, bytes)?;
    }
    Ok(connection)
}

pub(super) fn open_reader(path: &Path) -> Result<Connection, SqlError> {
    sqlite::open_reader(path, &READER)
}

fn migrate(connection: &Connection) -> Result<(), SqlError> {
    refuse_foreign(connection)?;
    // The usual case takes no lock: a command may look while a receiver writes.
    if sqlite::version(connection)? == newest(MIGRATIONS) && !import::is_wanted(connection)? {
        return Ok(());
    }
    sqlite::migrate(connection, MIGRATIONS, |connection| {
        let marked = connection.pragma_update(None, "application_id", APPLICATION_ID);
        marked.map_err(|error| failure(&error))?;
        if import::is_wanted(connection)? { import::run(connection) } else { Ok(()) }
    })
}

/// Refuses the file of another program.
fn refuse_foreign(connection: &Connection) -> Result<(), SqlError> {
    let owner: i64 = connection
        .pragma_query_value(None, "application_id", |row| row.get(0))
        .map_err(|error| failure(&error))?;
    if owner != APPLICATION_ID && (owner != 0 || sqlite::version(connection)? != 0) {
        return Err(SqlError::broken("the file is another program's database"));
    }
    Ok(())
}
