//! The life of a program that serves: its log, its signals, its settings read anew, its end.

use crate::config::{ConfigError, Loaded, Settings};
use crate::exit::Failure;
use crate::lifecycle::Stop;
use crate::logging::{self, LogSettings};
use crate::signals;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

/// Settings on which a program runs, and which it can be given anew.
pub trait Configuration: DeserializeOwned + Send + 'static {
    /// What is written to the log.
    fn log(&self) -> &LogSettings;

    /// Checks what depends on more than the form of one value.
    ///
    /// # Errors
    /// A [`ConfigError`] that points at the value which cannot be used.
    fn validate(loaded: &Loaded<Self>) -> Result<(), ConfigError>;
}

/// The runtime of a program.
///
/// # Errors
/// The operating system gives no threads.
pub fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("cannot start the runtime", error))
}

/// Runs a program with this process's log and signals. INT and TERM stop it; at each HUP, `settings` are loaded again, and if
/// they can be used `run` receives them.
///
/// # Errors
/// What `run` ends with; or the log or the signals cannot be taken over.
pub async fn serve<C, F>(
    version: &str,
    loaded: Loaded<C>,
    settings: Settings,
    run: impl FnOnce(C, mpsc::Receiver<C>, Stop) -> F,
) -> Result<(), Failure>
where
    C: Configuration,
    F: Future<Output = Result<(), Failure>>,
{
    let log = logging::init(loaded.settings.log())?;
    for name in loaded.stray_variables() {
        tracing::warn!(name, "this environment variable sets nothing");
    }
    let file = loaded.file().map(|path| path.display().to_string());
    tracing::info!(version, file, "starting");
    let stop = Stop::default();
    let (hangup, mut hangups) = watch::channel(());
    let signals = signals::listen(stop.clone(), move || {
        hangup.send_replace(());
    })
    .map_err(|error| Failure::io("cannot take over signals", error))?;
    let signals = tokio::spawn(signals);
    let (reload, reloads) = mpsc::channel(1);
    let reloader = tokio::spawn(async move {
        while hangups.changed().await.is_ok() {
            let read = settings.load::<C>().and_then(|loaded| {
                C::validate(&loaded)?;
                Ok(loaded.settings)
            });
            match read {
                Ok(config) => {
                    log.set_filter(&config.log().level);
                    if reload.send(config).await.is_err() {
                        return;
                    }
                }
                Err(error) => tracing::error!(%error, "the new configuration is not used"),
            }
        }
    });
    let result = run(loaded.settings, reloads, stop).await;
    signals.abort();
    reloader.abort();
    match &result {
        Ok(()) => tracing::info!("ended"),
        Err(failure) => tracing::error!(%failure, "ended"),
    }
    result
}
