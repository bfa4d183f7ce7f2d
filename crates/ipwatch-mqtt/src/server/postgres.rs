//! The store in PostgreSQL, which several receivers may share.
//!
//! Each connection has a thread; a lost one is made again for the next piece of work. Who runs a slot of a schedule is decided by the
//! database, so that no two receivers run the same.

pub use sql_session::postgres::InvalidConnectionString;
use sql_session::postgres::{Config, PostgresConnection, Runtime};
use sql_session::threads::Threads;

use super::sql::{MIGRATIONS, SqlStore};
use super::store::StoreError;

/// Where the version of the schema stands, and the lock under which it is brought up to date. Any number will do, as long as every
/// receiver takes the same.
const SCHEMA_TABLE: &str = "ipwatch_schema";
const SCHEMA_LOCK: i64 = 7_594_305_117_204_461;

/// How a PostgreSQL database is reached.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    config: Config,
    readers: usize,
}

impl PostgresOptions {
    /// Reads a connection string in either of PostgreSQL's forms: `host=/run/postgresql user=ipwatch dbname=ipwatch`, or
    /// `postgresql://ipwatch@db.example.org/ipwatch`. One connection that writes, 2 that read.
    ///
    /// Connections are not encrypted: reach a database on another machine through a private network or a tunnel.
    ///
    /// # Errors
    /// [`InvalidConnectionString`] when it is neither, or asks for encryption.
    pub fn new(connection: &str) -> Result<Self, InvalidConnectionString> {
        Ok(Self { config: Config::parse(connection, "ipwatch")?, readers: 2 })
    }

    /// How many connections read at the same time; at least 1.
    #[must_use]
    pub fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }
}

impl SqlStore {
    /// Connects to a PostgreSQL database (12 or later), brings it to the present schema and starts the threads.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database cannot be reached, [`StoreError::Broken`] when it holds the schema of a newer program.
    pub async fn connect_postgres(options: PostgresOptions) -> Result<Self, StoreError> {
        let runtime = Runtime::start()?;
        let new = || PostgresConnection::new(options.config.clone(), runtime.clone());
        let readers = (0..options.readers).map(|_| new()).collect();
        let mut writer = new();
        let migrate = move || writer.migrate(SCHEMA_TABLE, SCHEMA_LOCK, MIGRATIONS).map(|()| writer);
        let migrated = tokio::task::spawn_blocking(migrate).await;
        let writer = migrated.map_err(|_| StoreError::unavailable("the migration was given up"))??;
        Ok(Self::over(Threads::start("ipwatch", writer, readers)?))
    }
}
