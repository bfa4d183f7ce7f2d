//! The store in one SQLite file: one writer, a few readers, each on a thread of its own.
//!
//! Writes that come in while the disk is busy share the next transaction (group commit), and each is acknowledged after
//! the commit that holds it is on disk (write-ahead log, `synchronous = FULL`). Heartbeats, which come again in a minute, are
//! acknowledged when they are committed, and are on disk within a second: the end of this process loses none of them, a loss of
//! power those of the last second. A full disk or a failing one refuses writes until it is well again; nothing needs a
//! restart. Choice: MA-68.

mod connection;
mod workers;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sql_session::{Sql, SqlError};
use tokio::sync::oneshot;

use self::workers::{Job, Kind, Task, Workers};
use super::sql::{Backend, SqlStore};
use super::store::StoreError;

/// The store in one SQLite file.
///
/// Cloning it is cheap; the file is closed when the last clone is dropped. Other processes may use the same file at
/// the same time, as the commands of a receiver do while it serves.
pub type SqliteStore = SqlStore<SqliteBackend>;

/// How a SQLite file is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    path: PathBuf,
    readers: usize,
    queue: usize,
    max_bytes: Option<u64>,
}

impl SqliteOptions {
    /// The file at `path`, created when it is absent; 2 readers, 16,384 waiting jobs, no limit but the disk's.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), readers: 2, queue: 16_384, max_bytes: None }
    }

    /// How many threads read at the same time; at least 1.
    #[must_use]
    pub fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How many jobs may wait for the writer, and as many for the readers, before more are refused; at least 1.
    #[must_use]
    pub fn with_queue(mut self, jobs: usize) -> Self {
        self.queue = jobs.max(1);
        self
    }

    /// How large the file may grow, in bytes; writes are refused beyond. The write-ahead log comes on top.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }
}

/// The threads that own the connections to one SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteBackend {
    workers: Arc<Workers>,
}

impl SqliteStore {
    /// Opens the file, brings it to the present schema and starts the threads.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the file cannot be opened or written, [`StoreError::Broken`] when it is no
    /// database, or one of a newer program.
    pub fn open(options: SqliteOptions) -> Result<Self, StoreError> {
        let writer = connection::open_writer(&options.path, options.max_bytes)?;
        let readers = (0..options.readers)
            .map(|_| connection::open_reader(&options.path))
            .collect::<Result<Vec<_>, _>>()?;
        let workers = Arc::new(Workers::start(writer, readers, options.queue)?);
        Ok(Self::over(SqliteBackend { workers }))
    }
}

impl SqliteBackend {
    async fn submit<T: Send + 'static>(
        &self,
        submit: impl FnOnce(&Workers, Box<dyn Job>) -> Result<(), StoreError>,
        kind: Kind,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        submit(&self.workers, Box::new(Task::new(work, kind, reply)))?;
        answer.await.map_err(|_| StoreError::unavailable("the database is being closed"))?
    }
}

impl Backend for SqliteBackend {
    async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(Workers::read, Kind::Statement, work).await
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(Workers::write, Kind::Transaction, work).await
    }

    async fn write_once<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(Workers::write, Kind::Statement, work).await
    }

    async fn write_soon<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(Workers::write, Kind::Repeating, work).await
    }
}
