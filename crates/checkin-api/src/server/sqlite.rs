//! The store in one SQLite file: one writer, a few readers, each on a thread of its own.
//!
//! A check-in is acknowledged when the commit that holds it is on disk (write-ahead log, `synchronous = FULL`). A full disk, a
//! failing one or a file that another program has locked refuses check-ins until it is well again; nothing needs a restart.
//! The database of the document's script opens in place. Choice: CI-23, CI-24.

mod connection;
mod import;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::observer::Observer;
use super::sql::{self, SqlStore, Workers};
use super::store::StoreError;

/// How a SQLite file is opened.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    path: PathBuf,
    readers: usize,
    queue: usize,
    max_bytes: Option<u64>,
    observer: Option<Arc<dyn Observer>>,
}

impl SqliteOptions {
    /// The file at `path`, created when it is absent; 2 readers, 4,096 waiting check-ins, no limit but the disk's.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_owned();
        Self { path, readers: 2, queue: 4096, max_bytes: None, observer: None }
    }

    /// How many threads read at the same time; at least 1.
    #[must_use]
    pub fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How many check-ins may wait for the disk before more are refused with 503; at least 1.
    #[must_use]
    pub fn with_queue(mut self, check_ins: usize) -> Self {
        self.queue = check_ins.max(1);
        self
    }

    /// How large the file may grow, in bytes; check-ins are refused beyond. The write-ahead log comes on top.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Who is told of every commit; nobody by default.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }
}

impl SqlStore {
    /// Opens a SQLite file, brings it to the present schema and starts the threads. Other processes may use the file at the
    /// same time, as the commands of a receiver do while it serves. Its folder must exist.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file cannot be opened or written, [`StoreError::Broken`] when it is no
    /// database, another program's, or one of a newer program.
    pub fn open_sqlite(options: SqliteOptions) -> Result<Self, StoreError> {
        let writer = connection::open_writer(&options.path, options.max_bytes)?;
        let readers = (0..options.readers)
            .map(|_| connection::open_reader(&options.path))
            .collect::<Result<Vec<_>, _>>()?;
        let threads = sql::Options { queue: options.queue, observer: options.observer };
        Workers::start(writer, readers, threads).map(Self::over)
    }
}
