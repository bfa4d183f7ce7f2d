//! The store in one SQLite file: one writer, a few readers, each on a thread of its own.
//!
//! What is acknowledged is on disk (write-ahead log, `synchronous = FULL`). A full disk, a failing one or a file that another program has
//! locked is answered with 503 until it is well again; nothing needs a restart.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use sql_session::sqlite::{self, Settings, failure};
use sql_session::threads::Threads;
use sql_session::{SqlError, newest};

use super::sql::{MIGRATIONS, SqlStore};
use super::store::StoreError;

/// Marks the file as one of machines: "ipwa".
const APPLICATION_ID: i64 = 0x6970_7761;
/// 16 MiB of log before it is moved into the file: a commit a second, which nobody waits for.
const WRITER: Settings =
    Settings { checkpoint_pages: 4096, log_bytes_kept: 16 * 1024 * 1024, cache_kib: Some(4096) };
const READER: Settings = Settings { cache_kib: Some(512), ..WRITER };

/// How a SQLite file is opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    path: PathBuf,
    readers: usize,
    max_bytes: Option<u64>,
}

impl SqliteOptions {
    /// The file at `path`, created when it is absent; 2 readers, no limit but the disk's.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), readers: 2, max_bytes: None }
    }

    /// How many threads read at the same time; at least 1.
    #[must_use]
    pub fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How large the file may grow, in bytes; writes are refused beyond. The write-ahead log comes on top.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }
}

impl SqlStore {
    /// Opens a SQLite file, brings it to the present schema and starts the threads. Other processes may use the file at the same time, as
    /// the commands of a receiver do while it serves. Its folder must exist.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file cannot be opened or written, [`StoreError::Broken`] when it is no database, another
    /// program's, or one of a newer program.
    pub fn open_sqlite(options: SqliteOptions) -> Result<Self, StoreError> {
        let writer = sqlite::open_writer(&options.path, &WRITER)?;
        migrate(&writer)?;
        if let Some(bytes) = options.max_bytes {
            sqlite::limit_size(&writer, bytes)?;
        }
        let readers = (0..options.readers)
            .map(|_| sqlite::open_reader(&options.path, &READER))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self::over(Threads::start("ipwatch", writer, readers)?))
    }
}

fn migrate(connection: &Connection) -> Result<(), SqlError> {
    refuse_foreign(connection)?;
    // The usual case takes no lock: a command may look while a receiver writes.
    if sqlite::version(connection)? == newest(MIGRATIONS) {
        return Ok(());
    }
    sqlite::migrate(connection, MIGRATIONS, |connection| {
        let marked = connection.pragma_update(None, "application_id", APPLICATION_ID);
        marked.map_err(|error| failure(&error))
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
