//! The receiver as a whole: opens the database, listens, keeps house, applies new settings, ends in order.

use std::future::ready;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use daemon::exit::{Exit, Failure};
use daemon::http::{Mount, Peer};
use daemon::lifecycle::{Pulse, Stop};
use daemon::serving::{Serving, warn_of_restart};
use daemon::tls::Certificates;
use meeting_api::server::{DeviceAuth, Environment, MeetingServer, PeerAddress, Settings, Store};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::config::{Config, Problem};
use crate::console::{self, Console};
use crate::database::{sqlite_path, with_store};
use crate::first_operator;
use crate::metrics::Metrics;

/// Between two rounds of housekeeping.
const HOUSEKEEPING: Duration = Duration::from_secs(15);
/// Housekeeping that has not come round for so long stands still.
const STANDSTILL: Duration = Duration::from_secs(120);
/// How long the last tasks may take after requests have had their grace.
const LAST_TASKS: Duration = Duration::from_secs(2);

/// Listeners that the caller has opened already; what is missing is opened as configured.
#[derive(Debug, Default)]
pub struct Listeners {
    /// The listener of every protocol.
    pub http: Option<TcpListener>,
    /// Health and metrics.
    pub admin: Option<TcpListener>,
}

/// Runs a receiver until it is told to stop.
///
/// # Errors
/// As [`Receiver::run`].
pub async fn run(config: Config, listeners: Listeners, stop: Stop) -> Result<(), Failure> {
    Receiver::new(config).listeners(listeners).run(stop).await
}

/// A receiver before it runs.
#[derive(Debug)]
pub struct Receiver {
    config: Config,
    listeners: Listeners,
    reloads: Option<mpsc::Receiver<Config>>,
    is_service: bool,
}

impl Receiver {
    /// A receiver with these settings.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, listeners: Listeners::default(), reloads: None, is_service: false }
    }

    /// Uses listeners that are open already.
    #[must_use]
    pub fn listeners(mut self, listeners: Listeners) -> Self {
        self.listeners = listeners;
        self
    }

    /// Applies each set of settings that comes. Listeners, limits and database stay as they were.
    #[must_use]
    pub fn reloads(mut self, reloads: mpsc::Receiver<Config>) -> Self {
        self.reloads = Some(reloads);
        self
    }

    /// Tells the service manager of this process how the receiver is: ready, reloading, stopping, alive.
    #[must_use]
    pub fn as_service(mut self) -> Self {
        self.is_service = true;
        self
    }

    /// Runs until `stop` says so, or a task that the receiver cannot do without fails.
    ///
    /// # Errors
    /// 78 when the settings cannot be used, 65 or 74 when the database cannot, 69 or 77 when a port cannot be opened,
    /// 70 after a defect, 75 when the end had to be cut short.
    pub async fn run(self, stop: Stop) -> Result<(), Failure> {
        with_store!(&self.config.database, store => self.serve(store, stop).await)
    }

    async fn serve<S: Store>(self, store: S, stop: Stop) -> Result<(), Failure> {
        let Self { config, listeners, reloads, is_service } = self;
        let settings = meeting_settings(&config)?;
        if let Some(secret) = first_operator::create(&store).await? {
            let path = sqlite_path(&config.database);
            first_operator::show(&secret, path.parent().unwrap_or(Path::new(".")))?;
        }
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        let environment = Environment { observer: Some(Arc::new(metrics.clone())), ..Environment::default() };
        let meeting = MeetingServer::in_environment(store, settings, environment);

        let mut serving = Serving::new(stop.clone()).as_service(is_service);
        let http = match listeners.http {
            Some(listener) => listener,
            None => daemon::net::bind(&config.http.listen).await?,
        };
        let server = serving.http_server("http", config.http.limits, config.http.tls.as_ref())?.extend(
            |peer: &Peer, extensions| {
                extensions.insert(PeerAddress(peer.address));
            },
        );
        if let Ok(address) = http.local_addr() {
            tracing::info!(%address, tls = config.http.tls.is_some(), "the Meeting API is here");
        }
        let protocols = Mount::new().at("/api", meeting.clone()).at(console::PREFIX, Console::new());
        serving.spawn_certain("http", server.serve(http, protocols, stop.clone()));
        serving.admin(listeners.admin, &config.admin, registry).await?;
        let house = House {
            meeting: meeting.clone(),
            metrics,
            database: serving.readiness().condition("database", "no answer yet"),
            pulse: serving.liveness().pulse("housekeeping", STANDSTILL),
        };
        serving.spawn_certain("housekeeping", house.keep(stop));
        let grace = config.shutdown.grace.duration() + LAST_TASKS;
        let certificates = serving.certificates().clone();
        serving.reloads(reloads, move |new| ready(apply(&meeting, &certificates, &config, &new)));
        serving.run(grace).await
    }
}

/// What the Meeting server is told; says in the log what the operator should know about it.
fn meeting_settings(config: &Config) -> Result<Settings, Failure> {
    let settings = config.meeting.settings().map_err(|Problem { key, message }| {
        Failure::new(Exit::Configuration, format!("`{key}`: {message}"))
    })?;
    if settings.device_auth == DeviceAuth::Compatible {
        tracing::warn!(
            "`meeting.device_credentials` is \"compatible\": as the document has it, whoever knows a device key may report for that device"
        );
    }
    if settings.host_keys.is_empty() {
        tracing::info!("`meeting.host_keys.files` names no file: devices that ask for host keys get 404");
    }
    Ok(settings)
}

/// What has to be done from time to time.
struct House<S> {
    meeting: MeetingServer<S>,
    metrics: Metrics,
    database: daemon::admin::Condition,
    pulse: Pulse,
}

impl<S: Store> House<S> {
    async fn keep(self, stop: Stop) {
        loop {
            self.pulse.beat();
            self.round().await;
            tokio::select! {
                () = stop.gently.cancelled() => return,
                () = tokio::time::sleep(HOUSEKEEPING) => {}
            }
        }
    }

    async fn round(&self) {
        match self.meeting.store().check().await {
            Ok(()) => self.database.met(),
            Err(error) => {
                tracing::error!(%error, "the database does not answer");
                self.database.unmet("it does not answer");
                return;
            }
        }
        match self.meeting.upkeep().await {
            Ok(devices) => {
                self.metrics.departed(devices.len());
                for device in devices {
                    tracing::info!(%device, "no heartbeat any more");
                }
            }
            Err(error) => tracing::error!(%error, "housekeeping failed; it is tried again"),
        }
    }
}

/// Puts new settings in force as far as a running receiver can.
fn apply<S: Store>(
    meeting: &MeetingServer<S>,
    certificates: &Certificates,
    at_start: &Config,
    new: &Config,
) -> Result<(), Failure> {
    let settings = meeting_settings(new)?;
    certificates.reload()?;
    meeting.configure(settings);
    warn_of_restart(&[
        ("http", at_start.http != new.http),
        ("database", at_start.database != new.database),
        ("admin", at_start.admin != new.admin),
        ("shutdown", at_start.shutdown != new.shutdown),
    ]);
    Ok(())
}
