//! The receiver as a whole: opens the database, listens, keeps house, applies new settings, ends in order.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use daemon::admin::{Admin, Readiness};
use daemon::exit::{Exit, Failure};
use daemon::http::{HttpLimits, Mount, Peer, Server};
use daemon::lifecycle::{Liveness, Pulse, Stop, Supervisor};
use daemon::service_manager;
use daemon::tls::Acceptor;
use meeting_api::server::{DeviceAuth, Environment, MeetingServer, PeerAddress, Settings, Store};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::config::{Config, Problem};
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
        let (liveness, readiness) = (Liveness::default(), Readiness::default());

        let http = match listeners.http {
            Some(listener) => listener,
            None => daemon::net::bind(&config.http.listen).await?,
        };
        let admin = match (listeners.admin, &config.admin.listen) {
            (Some(listener), _) => Some(listener),
            (None, Some(address)) => Some(daemon::net::bind(address).await?),
            (None, None) => None,
        };
        let certificates = Certificates::load(&config)?;

        let mut supervisor = Supervisor::new(stop.clone());
        if let Ok(address) = http.local_addr() {
            tracing::info!(%address, tls = certificates.http.is_some(), "the Meeting API is here");
        }
        let server = encrypted(Server::new(config.http.limits), certificates.http.as_ref()).extend(
            |peer: &Peer, extensions| {
                extensions.insert(PeerAddress(peer.address));
            },
        );
        let protocols = Mount::new().at("/api", meeting.clone());
        supervisor.spawn("http", done(server.serve(http, protocols, stop.clone())));
        if let Some(listener) = admin {
            if let Ok(address) = listener.local_addr() {
                tracing::info!(%address, "health and metrics are here");
            }
            let limits = HttpLimits { max_connections: 64, ..HttpLimits::default() };
            let server = encrypted(Server::new(limits), certificates.admin.as_ref());
            let service = Admin::new(liveness.clone(), readiness.clone(), registry);
            supervisor.spawn("admin", done(server.serve(listener, service, stop.clone())));
        }
        let house = House {
            meeting: meeting.clone(),
            metrics,
            database: readiness.condition("database", "no answer yet"),
            pulse: liveness.pulse("housekeeping", STANDSTILL),
        };
        supervisor.spawn("housekeeping", house.keep(stop.clone()));
        if let Some(reloads) = reloads {
            supervisor.spawn(
                "reload",
                reload(meeting, certificates, config.clone(), reloads, stop.clone(), is_service),
            );
        }
        live(supervisor, liveness, config.shutdown.grace.duration(), stop, is_service).await
    }
}

/// Runs the tasks to their end, and tells the service manager about it.
async fn live(
    supervisor: Supervisor,
    liveness: Liveness,
    grace: Duration,
    stop: Stop,
    is_service: bool,
) -> Result<(), Failure> {
    if !is_service {
        return supervisor.run(grace + LAST_TASKS).await;
    }
    let watchdog = tokio::spawn(service_manager::watchdog(liveness));
    let farewell = tokio::spawn(async move {
        stop.gently.cancelled().await;
        service_manager::stopping(grace + LAST_TASKS);
    });
    service_manager::ready("serving");
    let result = supervisor.run(grace + LAST_TASKS).await;
    watchdog.abort();
    farewell.abort();
    result
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

struct Certificates {
    http: Option<Acceptor>,
    admin: Option<Acceptor>,
}

impl Certificates {
    fn load(config: &Config) -> Result<Self, Failure> {
        let load = |tls: &Option<daemon::tls::ServerTls>| {
            tls.as_ref().map(|tls| Acceptor::new(tls.clone(), &["http/1.1"])).transpose()
        };
        Ok(Self { http: load(&config.http.tls)?, admin: load(&config.admin.tls)? })
    }

    fn reload(&self) -> Result<(), Failure> {
        [&self.http, &self.admin].into_iter().flatten().try_for_each(Acceptor::reload)
    }
}

fn encrypted(server: Server, certificates: Option<&Acceptor>) -> Server {
    match certificates {
        Some(acceptor) => server.tls(acceptor.clone()),
        None => server,
    }
}

async fn done(task: impl Future<Output = ()>) -> Result<(), Failure> {
    task.await;
    Ok(())
}

/// What has to be done from time to time.
struct House<S> {
    meeting: MeetingServer<S>,
    metrics: Metrics,
    database: daemon::admin::Condition,
    pulse: Pulse,
}

impl<S: Store> House<S> {
    async fn keep(self, stop: Stop) -> Result<(), Failure> {
        loop {
            self.pulse.beat();
            self.round().await;
            tokio::select! {
                () = stop.gently.cancelled() => return Ok(()),
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

/// Applies new settings; what cannot be used leaves the old ones in force.
async fn reload<S: Store>(
    meeting: MeetingServer<S>,
    certificates: Certificates,
    mut in_force: Config,
    mut reloads: mpsc::Receiver<Config>,
    stop: Stop,
    is_service: bool,
) -> Result<(), Failure> {
    loop {
        let config = tokio::select! {
            biased;
            () = stop.gently.cancelled() => return Ok(()),
            config = reloads.recv() => config,
        };
        let Some(config) = config else {
            stop.gently.cancelled().await;
            return Ok(());
        };
        if is_service {
            service_manager::reloading();
        }
        match meeting_settings(&config).and_then(|settings| certificates.reload().map(|()| settings)) {
            Ok(settings) => {
                meeting.configure(settings);
                for (key, changed) in [
                    ("http", in_force.http != config.http),
                    ("database", in_force.database != config.database),
                    ("admin", in_force.admin != config.admin),
                    ("shutdown", in_force.shutdown != config.shutdown),
                ] {
                    if changed {
                        tracing::warn!(key, "this change takes a restart");
                    }
                }
                in_force.meeting = config.meeting;
                tracing::info!("new settings are in force");
            }
            Err(failure) => tracing::error!(%failure, "the new settings are not used"),
        }
        if is_service {
            service_manager::ready("serving");
        }
    }
}
