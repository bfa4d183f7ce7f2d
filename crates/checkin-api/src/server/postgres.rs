//! The store in PostgreSQL, which several receivers may share.
//!
//! Each connection has a thread; one of them writes, in groups as the SQLite store does. What is a duplicate is decided by
//! the database's own constraints, so that no two receivers take the same check-in for new. A lost connection is made again
//! for the next piece of work. Choice: CI-26.

use std::sync::Arc;

pub use sql_session::postgres::InvalidConnectionString;
use sql_session::postgres::{Config, PostgresConnection, Runtime};

use super::observer::Observer;
use super::sql::{self, MIGRATIONS, SqlStore, Workers};
use super::store::StoreError;

/// Where the version of the schema stands, and the lock under which it is brought up to date. Any number will do, as long as
/// every receiver takes the same.
const SCHEMA_TABLE: &str = "checkin_schema";
const SCHEMA_LOCK: i64 = 7_163_485_530_091_882;

/// How a PostgreSQL database is reached.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    config: Config,
    readers: usize,
    queue: usize,
    observer: Option<Arc<dyn Observer>>,
}

impl PostgresOptions {
    /// Reads a connection string in either of PostgreSQL's forms: `host=/run/postgresql user=checkin dbname=checkin`, or
    /// `postgresql://checkin@db.example.org/checkin`. One connection that writes, 2 that read, 4,096 waiting check-ins.
    ///
    /// Connections are not encrypted: reach a database on another machine through a private network or a tunnel.
    ///
    /// # Errors
    /// [`InvalidConnectionString`] when it is neither, or asks for encryption.
    pub fn new(connection: &str) -> Result<Self, InvalidConnectionString> {
        Ok(Self { config: Config::parse(connection, "checkin")?, readers: 2, queue: 4096, observer: None })
    }

    /// How many connections read at the same time; at least 1.
    #[must_use]
    pub fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How many check-ins may wait for the database before more are refused with 503; at least 1.
    #[must_use]
    pub fn with_queue(mut self, check_ins: usize) -> Self {
        self.queue = check_ins.max(1);
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
    /// Connects to a PostgreSQL database (12 or later), brings it to the present schema and starts the threads.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database cannot be reached, [`StoreError::Broken`] when it holds the schema of
    /// a newer program.
    pub async fn connect_postgres(options: PostgresOptions) -> Result<Self, StoreError> {
        let runtime = Runtime::start()?;
        let new = || PostgresConnection::new(options.config.clone(), runtime.clone());
        let readers = (0..options.readers).map(|_| new()).collect();
        let threads = sql::Options { queue: options.queue, observer: options.observer };
        let mut writer = new();
        let migrate = move || writer.migrate(SCHEMA_TABLE, SCHEMA_LOCK, MIGRATIONS).map(|()| writer);
        let migrated = tokio::task::spawn_blocking(migrate).await;
        let writer = migrated.map_err(|_| StoreError::unavailable("the migration was given up"))??;
        Workers::start(writer, readers, threads).map(Self::over)
    }
}
