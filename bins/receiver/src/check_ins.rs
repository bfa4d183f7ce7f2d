//! Where check-ins are kept: opens the database that the settings name, for the server and for the commands.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use checkin_api::server::{Observer, SqlStore, SqliteOptions, StoreError};
use daemon::exit::{Exit, Failure};

use crate::config::CheckIn;
use crate::database::below_state_directory;

/// The SQLite file of these settings.
#[must_use]
pub fn sqlite_path(settings: &CheckIn) -> PathBuf {
    below_state_directory(&settings.path)
}

/// Opens the database for a server; a SQLite file and its folder are made when they are not there.
///
/// # Errors
/// 74 when it cannot be opened or written, 65 when it holds something else, 78 when the settings cannot be used.
pub async fn serve_from(settings: &CheckIn, observer: Arc<dyn Observer>) -> Result<SqlStore, Failure> {
    if let Some(source) = &settings.postgres {
        return postgres(source, Some(observer)).await;
    }
    let path = sqlite_path(settings);
    make_folder(&path)?;
    let queue = usize::try_from(settings.limits.queue).unwrap_or(usize::MAX);
    open(&path, |options| options.with_queue(queue).with_observer(observer))
}

/// Opens the database for a command, while a receiver serves from it or while none does. A file is made only if `make` says so.
///
/// # Errors
/// As [`serve_from`]; 1 when there is no file and none is to be made.
pub async fn work_on(settings: &CheckIn, make: bool) -> Result<SqlStore, Failure> {
    if let Some(source) = &settings.postgres {
        return postgres(source, None).await;
    }
    let path = sqlite_path(settings);
    if make {
        make_folder(&path)?;
    } else if !path.exists() {
        return Err(Failure::new(Exit::Failed, format!("there is no file {}", path.display()))
            .advise("name the receiver's file with --db, CHECKIN_DB_PATH or `checkin.path`"));
    }
    open(&path, |options| options)
}

fn open(path: &Path, adjust: impl FnOnce(SqliteOptions) -> SqliteOptions) -> Result<SqlStore, Failure> {
    SqlStore::open_sqlite(adjust(SqliteOptions::new(path))).map_err(|error| {
        failed(format!("check-ins in {}", path.display()), &error)
            .advise("it must be a file of check-ins that this user may write")
    })
}

fn make_folder(path: &Path) -> Result<(), Failure> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::io(format!("cannot make the folder {}", folder.display()), error))
}

#[cfg(feature = "postgres")]
async fn postgres(
    source: &daemon::config::SecretSource,
    observer: Option<Arc<dyn Observer>>,
) -> Result<SqlStore, Failure> {
    use checkin_api::server::PostgresOptions;
    let text = source.read().map_err(|error| Failure::io("`checkin.postgres`", error))?;
    let mut options = PostgresOptions::new(text.expose_secret())
        .map_err(|error| Failure::new(Exit::Configuration, "`checkin.postgres`").because(error))?;
    if let Some(observer) = observer {
        options = options.with_observer(observer);
    }
    SqlStore::connect_postgres(options).await.map_err(|error| failed("PostgreSQL".to_owned(), &error))
}

#[cfg(not(feature = "postgres"))]
async fn postgres(
    _: &daemon::config::SecretSource,
    _: Option<Arc<dyn Observer>>,
) -> Result<SqlStore, Failure> {
    Err(Failure::new(Exit::Configuration, "`checkin.postgres` is set, and this build has no PostgreSQL")
        .advise("build with --features postgres, or remove the setting to use a SQLite file"))
}

/// What the store said, as the reason why a command fails.
#[must_use]
pub fn failed(what: String, error: &StoreError) -> Failure {
    let exit = if error.is_retryable() { Exit::Io } else { Exit::Data };
    Failure::new(exit, what).because(error.clone())
}
