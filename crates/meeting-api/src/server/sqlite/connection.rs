//! How the store's connections are set up.

use std::path::Path;

use rusqlite::Connection;
use sql_session::newest;
use sql_session::sqlite::{self, Settings};

use crate::server::sql::MIGRATIONS;
use crate::server::store::StoreError;

/// 64 MiB of log before it is moved into the file: heartbeats write the same pages again and again, and each is moved once.
const SETTINGS: Settings =
    Settings { checkpoint_pages: 16_384, log_bytes_kept: 64 * 1024 * 1024, cache_kib: None };

pub(super) fn open_writer(path: &Path, max_bytes: Option<u64>) -> Result<Connection, StoreError> {
    let connection = sqlite::open_writer(path, &SETTINGS)?;
    // The usual case takes no lock: a command may look while a receiver writes.
    if sqlite::version(&connection)? != newest(MIGRATIONS) {
        sqlite::migrate(&connection, MIGRATIONS, |_| Ok(()))?;
    }
    if let Some(bytes) = max_bytes {
        sqlite::limit_size(&connection, bytes)?;
    }
    Ok(connection)
}

pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    Ok(sqlite::open_reader(path, &SETTINGS)?)
}
