//! The proxy as a whole: binds, starts its tasks, applies new settings, ends in order.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use daemon::exit::{Exit, Failure};
use daemon::lifecycle::Stop;
use daemon::serving::{Serving, warn_of_restart};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::assembly::{acceptor, client, edge};
use crate::config::Config;
use crate::edge::{CONTROL, Edge};
use crate::event::{Event, Events, Observer};
use crate::metrics::Metrics;
use crate::ports::{Command, Ports, PublicPorts, SystemPorts};
use crate::{control, follow, housekeeping};

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
        let mut serving = Serving::new(stop.clone()).as_service(self.is_service);
        let listening = serving.readiness().condition("control", "not listening yet");
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        let (ports, commands) = mpsc::channel(COMMANDS);
        let events = Events::new(self.observer);
        let certificates = serving.certificates().clone();
        let edge = Arc::new(edge(self.config, metrics, events, ports, certificates, stop)?);
        let config = edge.config();

        let control = match self.listeners.control {
            Some(listener) => listener,
            None => daemon::net::bind(&config.control.listen).await?,
        };
        let address = control.local_addr().map_err(|error| Failure::io("the control port", error))?;
        let admin = serving.admin(self.listeners.admin, &config.admin, registry).await?;
        edge.set_own_addresses(std::iter::once(address).chain(admin));
        tracing::info!(%address, tls = config.control.tls.is_some(), "agents connect here");
        edge.events.tell(&Event::ControlListening { address });
        if let Some(address) = admin {
            edge.events.tell(&Event::AdminListening { address });
        }
        let pulse = serving.liveness().pulse("control", STANDSTILL);
        serving.spawn("control", control::serve(Arc::clone(&edge), control, pulse));
        listening.met();
        let binder = self.listeners.public.unwrap_or_else(|| Arc::new(SystemPorts));
        spawn_tasks(&mut serving, &edge, Ports::new(Arc::clone(&edge), binder), commands, self.is_service);
        let grace = config.shutdown.grace.duration();
        serving.spawn("drain", drain(Arc::clone(&edge), grace));
        serving.reloads(self.reloads, move |new| apply(Arc::clone(&edge), new));
        serving.run(grace + LAST_TASKS).await
    }
}

fn spawn_tasks(
    serving: &mut Serving,
    edge: &Arc<Edge>,
    owner: Ports,
    commands: mpsc::Receiver<Command>,
    is_service: bool,
) {
    let config = edge.config();
    let pulse = serving.liveness().pulse("ports", STANDSTILL);
    serving.spawn("ports", owner.serve(commands, pulse));
    // A listing takes as long as its request may, and then waits for the next one.
    let patience = STANDSTILL + config.meeting.poll_interval.duration() + config.meeting.timeout.duration();
    let pulse = serving.liveness().pulse("listings", patience);
    serving.spawn("listings", follow::listings(Arc::clone(edge), pulse));
    serving.spawn("looks", follow::looks(Arc::clone(edge)));
    let condition = serving.readiness().condition("meeting", "no answer yet");
    serving.spawn("housekeeping", housekeeping::serve(Arc::clone(edge), condition, is_service));
}

/// Puts new settings in force as far as a running proxy can.
async fn apply(edge: Arc<Edge>, config: Config) -> Result<(), Failure> {
    if let Some(problem) = config.problem() {
        return Err(Failure::new(Exit::Configuration, format!("`{}` {}", problem.key, problem.message)));
    }
    let client = client(&config.meeting)?;
    let acceptor = acceptor(config.control.tls.as_ref())?;
    let before = edge.config();
    warn_of_restart(&[
        ("control.listen", before.control.listen != config.control.listen),
        (
            "control.takeovers_per_minute",
            before.control.takeovers_per_minute != config.control.takeovers_per_minute,
        ),
        ("admin", before.admin != config.admin),
        ("shutdown", before.shutdown != config.shutdown),
    ]);
    if before.tunnels.bind != config.tunnels.bind {
        tracing::warn!(key = "tunnels.bind", "this change takes a restart, as far as ports are open now");
    }
    edge.meeting.set_client(client, config.meeting.cache.duration());
    edge.certificates.set(CONTROL, acceptor);
    edge.certificates.renew();
    edge.set_config(config);
    // The owner of the ports ends only with the proxy.
    let _ = edge.ports.send(Command::Rules).await;
    edge.reloaded.notify_one();
    edge.events.tell(&Event::Reloaded);
    Ok(())
}

/// The orderly end: no new connections, a grace for visits, then the sessions.
async fn drain(edge: Arc<Edge>, grace: Duration) -> Result<(), Failure> {
    edge.stop.gently.cancelled().await;
    edge.events.tell(&Event::Stopping);
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
