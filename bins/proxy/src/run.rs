//! The proxy as a whole: binds, starts its tasks, applies new settings, ends in order.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use daemon::admin::Readiness;
use daemon::config::ListenAddress;
use daemon::exit::{Exit, Failure};
use daemon::http::{HttpLimits, Server};
use daemon::lifecycle::{Liveness, Stop, Supervisor};
use daemon::service_manager;
use daemon::tls::{Acceptor, Connector, ServerTls};
use meeting_api::Secret;
use meeting_api::client::{Client, Credential};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::config::{Config, Meeting as MeetingSettings};
use crate::edge::{Edge, Parts};
use crate::event::{Event, Events, Observer};
use crate::lockout::Lockout;
use crate::meeting::Meeting;
use crate::metrics::Metrics;
use crate::ports::{Ports, PublicPorts, SystemPorts};
use crate::{control, follow, housekeeping, known};

/// How long the last tasks may take after the visits have had their grace.
const LAST_TASKS: Duration = Duration::from_secs(5);
/// A loop that is silent for so long stands still.
const STANDSTILL: Duration = Duration::from_secs(30);
/// Commands to the owner of the ports that may wait.
const COMMANDS: usize = 64;

/// Listeners that the caller has opened already; what is missing is opened as configured.
#[derive(Default)]
pub struct Listeners {
    /// Where agents connect.
    pub control: Option<TcpListener>,
    /// Health and metrics.
    pub admin: Option<TcpListener>,
    /// Opens the public ports, by default with the operating system.
    pub public: Option<Arc<dyn PublicPorts>>,
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners")
            .field("control", &self.control)
            .field("admin", &self.admin)
            .finish_non_exhaustive()
    }
}

/// Runs a proxy until it is told to stop.
///
/// # Errors
/// As [`Proxy::run`].
pub async fn run(config: Config, listeners: Listeners, stop: Stop) -> Result<(), Failure> {
    Proxy::new(config).listeners(listeners).run(stop).await
}

/// A proxy before it runs.
///
/// ```no_run
/// use daemon::lifecycle::Stop;
/// use proxy::{Config, Event, Proxy};
///
/// # async fn demo(config: Config) -> Result<(), daemon::exit::Failure> {
/// let stop = Stop::default();
/// Proxy::new(config).observer(|event: &Event| println!("{event}")).run(stop).await
/// # }
/// ```
pub struct Proxy {
    config: Config,
    listeners: Listeners,
    observer: Option<Arc<dyn Observer>>,
    reloads: Option<mpsc::Receiver<Config>>,
    is_service: bool,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Proxy {
    /// A proxy with these settings.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, listeners: Listeners::default(), observer: None, reloads: None, is_service: false }
    }

    /// Uses listeners that are open already.
    #[must_use]
    pub fn listeners(mut self, listeners: Listeners) -> Self {
        self.listeners = listeners;
        self
    }

    /// Tells what happens as it happens.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Applies each set of settings that comes. Listening addresses and `control.takeovers_per_minute` stay as they were.
    #[must_use]
    pub fn reloads(mut self, reloads: mpsc::Receiver<Config>) -> Self {
        self.reloads = Some(reloads);
        self
    }

    /// Tells the service manager of this process how the proxy is: ready, reloading, stopping, alive.
    #[must_use]
    pub fn as_service(mut self) -> Self {
        self.is_service = true;
        self
    }

    /// Runs until `stop` says so, or a task that the proxy cannot do without fails.
    ///
    /// # Errors
    /// 78 when the settings cannot be used, 69 or 77 when a port cannot be opened, 70 after a defect, 75 when the
    /// end had to be cut short.
    pub async fn run(self, stop: Stop) -> Result<(), Failure> {
        if let Some(problem) = self.config.problem() {
            return Err(Failure::new(Exit::Configuration, format!("`{}` {}", problem.key, problem.message)));
        }
        let liveness = Liveness::default();
        let readiness = Readiness::default();
        let listening = readiness.condition("control", "not listening yet");
        let mut registry = Registry::default();
        let (ports, commands) = mpsc::channel(COMMANDS);
        let events = Events::new(self.observer);
        let metrics = Metrics::register(&mut registry);
        let edge = Arc::new(edge(self.config, metrics, events, ports, stop.clone())?);
        let config = edge.config();

        let control = opened(self.listeners.control, Some(&config.control.listen)).await?;
        let admin = opened(self.listeners.admin, config.admin.listen.as_ref()).await?;
        let addresses: Vec<SocketAddr> =
            [&control, &admin].into_iter().flatten().filter_map(|l| l.local_addr().ok()).collect();
        edge.set_own_addresses(addresses);

        let mut supervisor = Supervisor::new(stop.clone());
        if let Some(listener) = control {
            if let Ok(address) = listener.local_addr() {
                tracing::info!(%address, "agents connect here");
                edge.events.tell(&Event::ControlListening { address });
            }
            let pulse = liveness.pulse("control", STANDSTILL);
            supervisor.spawn("control", control::serve(Arc::clone(&edge), listener, pulse));
            listening.met();
        }
        let binder = self.listeners.public.unwrap_or_else(|| Arc::new(SystemPorts));
        let owner = Ports::new(Arc::clone(&edge), binder);
        supervisor.spawn("ports", owner.serve(commands, liveness.pulse("ports", STANDSTILL)));
        // A listing takes as long as its request may, and then waits for the next one.
        let patience =
            STANDSTILL + config.meeting.poll_interval.duration() + config.meeting.timeout.duration();
        let pulse = liveness.pulse("listings", patience);
        supervisor.spawn("listings", follow::listings(Arc::clone(&edge), pulse));
        supervisor.spawn("looks", follow::looks(Arc::clone(&edge)));
        let condition = readiness.condition("meeting", "no answer yet");
        supervisor.spawn("housekeeping", housekeeping::serve(Arc::clone(&edge), condition, self.is_service));
        if let Some(listener) = admin {
            let service = daemon::admin::Admin::new(liveness.clone(), readiness, registry);
            let server = admin_server(config.admin.tls.as_ref())?;
            if let Ok(address) = listener.local_addr() {
                tracing::info!(%address, "health and metrics here");
                edge.events.tell(&Event::AdminListening { address });
            }
            let stop = stop.clone();
            supervisor.spawn("admin", async move {
                server.serve(listener, service, stop).await;
                Ok(())
            });
        }
        if let Some(reloads) = self.reloads {
            supervisor.spawn("reload", reload(Arc::clone(&edge), reloads, self.is_service));
        }
        let grace = config.shutdown.grace.duration();
        supervisor.spawn("drain", drain(Arc::clone(&edge), grace, self.is_service));
        let watchdog = self.is_service.then(|| tokio::spawn(service_manager::watchdog(liveness)));
        if self.is_service {
            service_manager::ready("serving");
        }
        let result = supervisor.run(grace + LAST_TASKS).await;
        if let Some(watchdog) = watchdog {
            watchdog.abort();
        }
        result
    }
}

async fn opened(
    given: Option<TcpListener>,
    configured: Option<&ListenAddress>,
) -> Result<Option<TcpListener>, Failure> {
    match (given, configured) {
        (Some(listener), _) => Ok(Some(listener)),
        (None, Some(address)) => daemon::net::bind(address).await.map(Some),
        (None, None) => Ok(None),
    }
}

fn edge(
    config: Config,
    metrics: Metrics,
    events: Events,
    ports: mpsc::Sender<crate::ports::Command>,
    stop: Stop,
) -> Result<Edge, Failure> {
    let client = client(&config.meeting)?;
    let acceptor = acceptor(config.control.tls.as_ref())?;
    let mut lockout = Lockout::new(config.lockout.limits());
    if let Some(path) = &config.lockout.state_file {
        let text = known::read(path)
            .map_err(|error| Failure::io(format!("`lockout.state_file` {}", path.display()), error))?;
        let unreadable = known::decode(&text, &mut lockout, Instant::now());
        if unreadable > 0 {
            tracing::warn!(path = %path.display(), lines = unreadable, "lines of the state file cannot be read");
        }
    }
    if config.meeting.secret.is_none() && !config.meeting.accept_without_token_check {
        tracing::warn!(
            "`meeting.secret` is not set: a Meeting server that tells tokens to nobody leaves no agent to accept"
        );
    }
    if config.meeting.accept_without_token_check {
        tracing::warn!(
            "`meeting.accept_without_token_check` is on: whoever knows a device's key can pass for a device whose token is not told"
        );
    }
    let meeting = Meeting::new(client, config.meeting.cache.duration(), metrics.clone(), events.clone());
    Ok(Edge::new(Parts { config, acceptor, lockout, meeting, metrics, events, ports, stop }))
}

/// A client of the Meeting server with the proxy's own secret.
pub(crate) fn client(settings: &MeetingSettings) -> Result<Client, Failure> {
    let usage =
        |error| Failure::new(Exit::Configuration, format!("Meeting server {}", settings.url)).because(error);
    let mut builder = Client::builder(&settings.url)
        .map_err(usage)?
        .timeout(settings.timeout.duration())
        .connect_timeout(settings.timeout.duration())
        .user_agent(concat!("meeting-proxy/", env!("CARGO_PKG_VERSION")))
        .allow_insecure(settings.allow_insecure);
    if settings.url.starts_with("https:") {
        let connector = Connector::new(&settings.tls, &[])?;
        builder = builder.tls_config((*connector.config()).clone());
    }
    if let Some(source) = &settings.secret {
        let secret = source.read().map_err(|error| Failure::io("`meeting.secret`", error))?;
        builder = builder.credential(Credential::Bearer(Secret::new(secret.expose_secret())));
    }
    builder.build().map_err(usage)
}

pub(crate) fn acceptor(settings: Option<&ServerTls>) -> Result<Option<Acceptor>, Failure> {
    settings.map(|tls| Acceptor::new(tls.clone(), &[])).transpose()
}

fn admin_server(tls: Option<&ServerTls>) -> Result<Server, Failure> {
    let server = Server::new(HttpLimits { max_connections: 64, ..HttpLimits::default() });
    match tls {
        Some(tls) => Ok(server.tls(Acceptor::new(tls.clone(), &["http/1.1"])?)),
        None => Ok(server),
    }
}

/// Applies new settings; what cannot be applied leaves the old ones in force.
async fn reload(
    edge: Arc<Edge>,
    mut reloads: mpsc::Receiver<Config>,
    is_service: bool,
) -> Result<(), Failure> {
    loop {
        let config = tokio::select! {
            biased;
            () = edge.stop.gently.cancelled() => return Ok(()),
            config = reloads.recv() => config,
        };
        let Some(config) = config else {
            // Nobody reloads any more; the proxy goes on.
            edge.stop.gently.cancelled().await;
            return Ok(());
        };
        if is_service {
            service_manager::reloading();
        }
        match apply(&edge, config).await {
            Ok(()) => {
                tracing::info!("new settings are in force");
                edge.events.tell(&Event::Reloaded);
            }
            Err(failure) => tracing::error!(%failure, "the new settings are not used"),
        }
        if is_service {
            service_manager::ready("serving");
        }
    }
}

async fn apply(edge: &Edge, config: Config) -> Result<(), Failure> {
    if let Some(problem) = config.problem() {
        return Err(Failure::new(Exit::Configuration, format!("`{}` {}", problem.key, problem.message)));
    }
    let client = client(&config.meeting)?;
    let acceptor = acceptor(config.control.tls.as_ref())?;
    let before = edge.config();
    for (key, changed) in [
        ("control.listen", before.control.listen != config.control.listen),
        (
            "control.takeovers_per_minute",
            before.control.takeovers_per_minute != config.control.takeovers_per_minute,
        ),
        ("admin", before.admin != config.admin),
        ("shutdown", before.shutdown != config.shutdown),
        ("tunnels.bind", before.tunnels.bind != config.tunnels.bind),
    ] {
        if changed {
            tracing::warn!(
                key,
                "this change takes a restart (for `tunnels.bind`: as far as ports are open now)"
            );
        }
    }
    edge.meeting.set_client(client, config.meeting.cache.duration());
    edge.set_acceptor(acceptor);
    edge.set_config(config);
    // The owner of the ports ends only with the proxy.
    let _ = edge.ports.send(crate::ports::Command::Rules).await;
    edge.reloaded.notify_one();
    Ok(())
}

/// The orderly end: no new connections, a grace for visits, then the sessions.
async fn drain(edge: Arc<Edge>, grace: Duration, is_service: bool) -> Result<(), Failure> {
    edge.stop.gently.cancelled().await;
    edge.events.tell(&Event::Stopping);
    if is_service {
        service_manager::stopping(grace + LAST_TASKS);
    }
    edge.visits.close();
    let left = edge.visits.len();
    if left > 0 {
        tracing::info!(visits = left, seconds = grace.as_secs_f64(), "visits may go on for a moment");
    }
    tokio::select! {
        () = edge.visits.wait() => {}
        () = tokio::time::sleep(grace) => {}
        () = edge.stop.at_once.cancelled() => {}
    }
    edge.end_sessions.cancel();
    edge.agents.close();
    edge.agents.wait().await;
    housekeeping::save(&edge);
    Ok(())
}
