//! The store in PostgreSQL, which several receivers may share.
//!
//! Each connection has a thread; one of them writes, in groups as the SQLite store does. What is a duplicate is decided by
//! the database's own constraints, so that no two receivers take the same check-in for new. A lost connection is made again
//! for the next piece of work. Choice: CI-26.

mod session;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio_postgres::Config;

use self::session::{PostgresConnection, Runtime};
use super::observer::Observer;
use super::sql::{self, SqlStore, Workers};
use super::store::StoreError;

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
        let mut config = Config::from_str(connection)
            .map_err(|error| InvalidConnectionString { reason: error.to_string() })?;
        if config.get_ssl_mode() == tokio_postgres::config::SslMode::Require {
            return Err(InvalidConnectionString { reason: "sslmode=require is not supported".to_owned() });
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        if config.get_application_name().is_none() {
            config.application_name("checkin");
        }
        config.keepalives_idle(Duration::from_secs(60));
        config.tcp_user_timeout(Duration::from_secs(30));
        Ok(Self { config, readers: 2, queue: 4096, observer: None })
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

/// The text is no connection string. Passwords are not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a connection string: {reason}")]
pub struct InvalidConnectionString {
    reason: String,
}

impl SqlStore {
    /// Connects to a PostgreSQL database (12 or later), brings it to the present schema and starts the threads.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database cannot be reached, [`StoreError::Broken`] when it holds the schema of
    /// a newer program.
    pub async fn connect_postgres(options: PostgresOptions) -> Result<Self, StoreError> {
        let no_thread =
            |error: std::io::Error| StoreError::unavailable(format!("no thread for the database: {error}"));
        // The connections' own tasks run here, so that a connection which the server closes is noticed at once.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres-io")
            .enable_all()
            .build()
            .map_err(no_thread)?;
        let runtime = Runtime::new(runtime);
        let new = || PostgresConnection::new(options.config.clone(), runtime.clone());
        let readers = (0..options.readers).map(|_| new()).collect();
        let threads = sql::Options { queue: options.queue, observer: options.observer };
        let mut writer = new();
        let migrated = tokio::task::spawn_blocking(move || writer.migrate().map(|()| writer)).await;
        let writer = migrated.map_err(|_| StoreError::unavailable("the migration was given up"))??;
        Workers::start(writer, readers, threads).map(Self::over)
    }
}
