//! Where machines are kept: opens the database that the settings name, for the server and for the commands.

use std::path::{Path, PathBuf};

use daemon::exit::{Exit, Failure};
use ipwatch_mqtt::server::{SqlStore, SqliteOptions, StoreError};

use crate::config::IpWatch;
use crate::database::below_state_directory;

/// The SQLite file of these settings.
#[must_use]
pub fn sqlite_path(settings: &IpWatch) -> PathBuf {
    below_state_directory(&settings.path)
}

/// Opens the database. A file and its folder are made only if `make` says so; a command may use it while a receiver serves from it.
///
/// # Errors
/// 74 when it cannot be opened or written, 65 when it holds something else, 78 when the settings cannot be used, 1 when there is no file
/// and none is to be made.
pub async fn open(settings: &IpWatch, make: bool) -> Result<SqlStore, Failure> {
    if let Some(source) = &settings.postgres {
        return postgres(source).await;
    }
    let path = sqlite_path(settings);
    if make {
        make_folder(&path)?;
    } else if !path.exists() {
        return Err(Failure::new(Exit::Failed, format!("there is no file {}", path.display()))
            .advise("name the receiver's file with `ipwatch.path`, or add a machine first"));
    }
    SqlStore::open_sqlite(SqliteOptions::new(&path)).map_err(|error| {
        failed(format!("machines in {}", path.display()), &error)
            .advise("it must be a file of machines that this user may write")
    })
}

/// Makes the folder of a file.
pub(crate) fn make_folder(path: &Path) -> Result<(), Failure> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::io(format!("cannot make the folder {}", folder.display()), error))
}

#[cfg(feature = "postgres")]
async fn postgres(source: &daemon::config::SecretSource) -> Result<SqlStore, Failure> {
    use ipwatch_mqtt::server::PostgresOptions;
    let text = source.read().map_err(|error| Failure::io("`ipwatch.postgres`", error))?;
    let options = PostgresOptions::new(text.expose_secret())
        .map_err(|error| Failure::new(Exit::Configuration, "`ipwatch.postgres`").because(error))?;
    SqlStore::connect_postgres(options).await.map_err(|error| failed("PostgreSQL".to_owned(), &error))
}

#[cfg(not(feature = "postgres"))]
async fn postgres(_: &daemon::config::SecretSource) -> Result<SqlStore, Failure> {
    Err(Failure::new(Exit::Configuration, "`ipwatch.postgres` is set, and this build has no PostgreSQL")
        .advise("build with --features postgres, or remove the setting to use a SQLite file"))
}

/// What the store said, as the reason why a command fails.
#[must_use]
pub fn failed(what: String, error: &StoreError) -> Failure {
    let exit = if error.is_retryable() { Exit::Io } else { Exit::Data };
    Failure::new(exit, what).because(error.clone())
}
