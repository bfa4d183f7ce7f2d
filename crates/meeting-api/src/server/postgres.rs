//! The store in PostgreSQL, which several receivers may share.
//!
//! Each connection has a thread, which runs one piece of work after the other. Ports, nonces and keys are decided by the
//! database's own constraints, so that no two receivers give the same answer twice. A lost connection is made
//! again for the next piece of work.

mod workers;

use std::sync::Arc;

use sql_session::postgres::Config;
pub use sql_session::postgres::InvalidConnectionString;
use sql_session::{Sql, SqlError};
use tokio::sync::oneshot;

use self::workers::{Job, Kind, Task, Workers};
use super::sql::{Backend, SqlStore};
use super::store::StoreError;

/// The store in PostgreSQL 12 or later. Cloning it is cheap; the connections are closed when the last clone is dropped.
pub type PostgresStore = SqlStore<PostgresBackend>;

/// How a PostgreSQL database is reached.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    config: Config,
    connections: usize,
    queue: usize,
}

impl PostgresOptions {
    /// Reads a connection string in either of PostgreSQL's forms: `host=/run/postgresql user=meeting dbname=meeting`, or
    /// `postgresql://meeting@db.example.org/meeting`. 8 connections, 4,096 waiting jobs.
    ///
    /// Connections are not encrypted: reach a database on another machine through a private network or a tunnel.
    ///
    /// # Errors
    /// [`InvalidConnectionString`] when it is neither, or asks for encryption.
    pub fn new(connection: &str) -> Result<Self, InvalidConnectionString> {
        Ok(Self { config: Config::parse(connection, "meeting")?, connections: 8, queue: 4096 })
    }

    /// How many connections, and so how many pieces of work at the same time; at least 1.
    #[must_use]
    pub fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// How many pieces of work may wait before more are refused; at least 1.
    #[must_use]
    pub fn with_queue(mut self, jobs: usize) -> Self {
        self.queue = jobs.max(1);
        self
    }
}

/// The threads that own the connections to one database.
#[derive(Debug, Clone)]
pub struct PostgresBackend {
    workers: Arc<Workers>,
}

impl PostgresStore {
    /// Connects, brings the database to the present schema and starts the threads.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database cannot be reached, [`StoreError::Broken`] when it holds the schema of
    /// a newer program.
    pub async fn connect(options: PostgresOptions) -> Result<Self, StoreError> {
        let workers = Arc::new(Workers::start(&options.config, options.connections, options.queue)?);
        let backend = PostgresBackend { workers };
        backend.submit(Kind::Migrate, |_| Ok(())).await?;
        Ok(Self::over(backend))
    }
}

impl PostgresBackend {
    async fn submit<T: Send + 'static>(
        &self,
        kind: Kind,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job: Box<dyn Job> = Box::new(Task::new(kind, work, reply));
        self.workers.submit(job)?;
        answer.await.map_err(|_| StoreError::unavailable("the database is being closed"))?
    }
}

impl Backend for PostgresBackend {
    async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(Kind::Single, work).await
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(Kind::Transaction, work).await
    }

    async fn write_once<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(Kind::Single, work).await
    }

    async fn write_soon<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.submit(Kind::Repeating, work).await
    }
}
