//! Opens the database that the settings name.

use std::path::{Path, PathBuf};

use daemon::exit::{Exit, Failure};
use meeting_api::server::{SqliteOptions, SqliteStore, StoreError};

use crate::config::Database;

/// The SQLite file of these settings: a relative path is below `$STATE_DIRECTORY`, where systemd sets one.
#[must_use]
pub fn sqlite_path(settings: &Database) -> PathBuf {
    below_state_directory(&settings.path)
}

/// A relative path, below `$STATE_DIRECTORY` where there is one.
pub(crate) fn below_state_directory(path: &Path) -> PathBuf {
    match std::env::var_os("STATE_DIRECTORY") {
        Some(directory) => PathBuf::from(directory).join(path),
        None => path.to_owned(),
    }
}

/// Opens the SQLite file, and makes it if it is not there.
///
/// # Errors
/// 74 when it cannot be opened or written, 65 when it holds something else.
pub fn open_sqlite(settings: &Database) -> Result<SqliteStore, Failure> {
    let path = sqlite_path(settings);
    SqliteStore::open(SqliteOptions::new(&path)).map_err(|error| {
        failed(format!("database {}", path.display()), error)
            .advise("`database.path` must be a file that this user may write, in a folder that exists")
    })
}

/// Connects to PostgreSQL.
///
/// # Errors
/// 78 when the connection string cannot be used, 74 when the database does not answer.
#[cfg(feature = "postgres")]
pub async fn open_postgres(
    source: &daemon::config::SecretSource,
) -> Result<meeting_api::server::PostgresStore, Failure> {
    use meeting_api::server::{PostgresOptions, PostgresStore};
    let text = source.read().map_err(|error| Failure::io("`database.postgres`", error))?;
    let options = PostgresOptions::new(text.expose_secret())
        .map_err(|error| Failure::new(Exit::Configuration, "`database.postgres`").because(error))?;
    PostgresStore::connect(options).await.map_err(|error| failed("PostgreSQL".into(), error))
}

/// What the store said, as the reason why a command fails.
#[must_use]
pub fn failed(what: String, error: StoreError) -> Failure {
    let exit = if error.is_retryable() { Exit::Io } else { Exit::Data };
    Failure::new(exit, what).because(error)
}

/// Runs `$body` with the store that the settings name bound to `$store`; its type differs, what is done with it does not.
macro_rules! with_store {
    ($settings:expr, $store:ident => $body:expr) => {
        match &$settings.postgres {
            None => {
                let $store = $crate::database::open_sqlite($settings)?;
                $body
            }
            #[cfg(feature = "postgres")]
            Some(source) => {
                let $store = $crate::database::open_postgres(source).await?;
                $body
            }
            #[cfg(not(feature = "postgres"))]
            Some(_) => Err($crate::database::no_postgres()),
        }
    };
}
pub(crate) use with_store;

#[cfg(not(feature = "postgres"))]
pub(crate) fn no_postgres() -> Failure {
    Failure::new(Exit::Configuration, "`database.postgres` is set, and this build has no PostgreSQL")
        .advise("build with --features postgres, or remove the setting to use a SQLite file")
}
