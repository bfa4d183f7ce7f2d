//! Connections to PostgreSQL 12 or later, spoken to from threads that may block.

mod connection;
mod session;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Handle};

use crate::SqlError;

pub use connection::PostgresConnection;

/// Where a database is, and how it is reached.
#[derive(Debug, Clone)]
pub struct Config(tokio_postgres::Config);

impl Config {
    /// Reads a connection string in either of PostgreSQL's forms: `host=/run/postgresql user=meeting dbname=meeting`, or
    /// `postgresql://meeting@db.example.org/meeting`. `application` is what the database shows where the string names none.
    ///
    /// Connections are not encrypted: reach a database on another machine through a private network or a tunnel.
    ///
    /// # Errors
    /// [`InvalidConnectionString`] when it is neither, or asks for encryption.
    pub fn parse(connection: &str, application: &str) -> Result<Self, InvalidConnectionString> {
        let mut config = tokio_postgres::Config::from_str(connection)
            .map_err(|error| InvalidConnectionString { reason: error.to_string() })?;
        if config.get_ssl_mode() == tokio_postgres::config::SslMode::Require {
            return Err(InvalidConnectionString { reason: "sslmode=require is not supported".to_owned() });
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        if config.get_application_name().is_none() {
            config.application_name(application);
        }
        config.keepalives_idle(Duration::from_secs(60));
        config.tcp_user_timeout(Duration::from_secs(30));
        Ok(Self(config))
    }
}

/// The text is no connection string. Passwords are not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a connection string: {reason}")]
pub struct InvalidConnectionString {
    reason: String,
}

/// The runtime of the connections' own tasks, so that a connection which the server closes is noticed at once. It ends with the
/// last clone.
#[derive(Debug, Clone)]
pub struct Runtime(Arc<Owned>);

#[derive(Debug)]
struct Owned(Option<tokio::runtime::Runtime>);

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Dropping a runtime inside another one's task is not allowed; this way it is.
            runtime.shutdown_background();
        }
    }
}

impl Runtime {
    /// Starts its one thread.
    ///
    /// # Errors
    /// [`SqlError::Unavailable`] when the system gives no thread.
    pub fn start() -> Result<Self, SqlError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres-io")
            .enable_all()
            .build()
            .map_err(|error| SqlError::unavailable(format!("no thread for the database: {error}")))?;
        Ok(Self(Arc::new(Owned(Some(runtime)))))
    }

    fn handle(&self) -> Result<&Handle, SqlError> {
        let runtime = self.0.0.as_ref().ok_or_else(|| SqlError::unavailable("the store is closed"))?;
        Ok(runtime.handle())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may be blunt")]

    use super::Config;

    #[test]
    fn both_forms_are_read_and_passwords_are_not_repeated() {
        for text in ["host=/run/postgresql user=a dbname=b", "postgresql://a@db.example.org/b"] {
            assert!(Config::parse(text, "things").is_ok(), "{text}");
        }
        for text in ["postgresql://a:hunter2@db.example.org:port/b", "host=x password=hunter2 colour=red"] {
            let error = Config::parse(text, "things").unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        let error = Config::parse("host=db.example.org sslmode=require", "things").unwrap_err();
        assert_eq!(error.to_string(), "not a connection string: sslmode=require is not supported");
    }
}
