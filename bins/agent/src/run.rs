//! The agent as a library: settings in, events out, until told to stop.

use std::sync::Arc;
use std::time::Duration;

use daemon::admin::{Condition, Readiness};
use daemon::exit::Failure;
use daemon::lifecycle::{Liveness, Stop};
use daemon::serving::Serving;
use daemon::tls::Certificates;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::addresses::{Addresses, Network, SystemNetwork};
use crate::checkin::{CheckInPlan, Forwarder};
use crate::config::Config;
use crate::events::{Event, Observer};
use crate::ipwatch::{self, IpWatchPlan};
use crate::journal::Journal;
use crate::plan::Plan;
use crate::reporter::{Gate, Reporter};
use crate::surroundings::Surroundings;
use crate::tunnel::Keeper;

/// How long an orderly stop may take: the tunnel's last bytes, and a request that is under way.
pub const STOP_GRACE: Duration = Duration::from_secs(5);
/// A reporter that shows no life for this long stands still; its own loop turns at least every 10 s.
const REPORTER_STALL: Duration = Duration::from_secs(60);

/// Runs the agent of `config` until `stop`, telling `observer` what happens.
///
/// ```no_run
/// # async fn example() -> Result<(), daemon::exit::Failure> {
/// use agent::{Config, Event};
/// use daemon::lifecycle::Stop;
///
/// let mut config = Config::default();
/// config.device_key = Some("0123456789abcdef".parse().expect("a device key"));
/// config.meeting.url = Some("https://meeting.example.org".to_owned());
/// let stop = Stop::default();
/// agent::run(config, stop, |event: &Event| println!("{event}")).await
/// # }
/// ```
///
/// # Errors
/// The settings cannot be used, the admin address cannot be listened on, or tasks had to be cut off at the stop. A server or a
/// proxy that is away is no error: the agent goes on trying.
pub async fn run(config: Config, stop: Stop, observer: impl Observer) -> Result<(), Failure> {
    Agent::new(config).run(stop, observer).await
}

/// An agent that is about to run, for those who need more than [`run`].
pub struct Agent {
    config: Config,
    network: Arc<dyn Network>,
    reloads: Option<watch::Receiver<Config>>,
    liveness: Liveness,
    admin: Option<TcpListener>,
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Agent {
    /// An agent with these settings on this machine's network.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            network: Arc::new(SystemNetwork),
            reloads: None,
            liveness: Liveness::default(),
            admin: None,
        }
    }

    /// Another network than the machine's own, for tests.
    #[must_use]
    pub fn network(mut self, network: impl Network) -> Self {
        self.network = Arc::new(network);
        self
    }

    /// Where new settings come from. Each value replaces the settings in force if it can be used, and is told of.
    #[must_use]
    pub fn reloads(mut self, reloads: watch::Receiver<Config>) -> Self {
        self.reloads = Some(reloads);
        self
    }

    /// A listener for health and metrics that is open already.
    #[must_use]
    pub fn admin(mut self, listener: TcpListener) -> Self {
        self.admin = Some(listener);
        self
    }

    /// Whether the agent's own loop turns, for a watchdog.
    #[must_use]
    pub fn liveness(&self) -> Liveness {
        self.liveness.clone()
    }

    /// Runs until `stop`.
    ///
    /// # Errors
    /// As [`run`].
    pub async fn run(self, stop: Stop, observer: impl Observer) -> Result<(), Failure> {
        let plan = Plan::make(self.config)?;
        let mut serving = Serving::new(stop).watched_by(self.liveness);
        let conditions = Conditions::new(serving.readiness(), &plan);
        let observer = Arc::new(move |event: &Event| {
            conditions.note(event);
            observer.event(event);
        });
        let journal = Journal::new(observer);
        let surroundings = Surroundings { journal: journal.clone(), network: self.network };
        let mut registry = Registry::default();
        journal.metrics().register(&mut registry);
        serving.admin(self.admin, &plan.config.admin, registry).await?;
        journal.tell(&Event::Started { device_key: plan.identity.device_key.clone() });
        warn_about(&plan);
        spawn_loops(&mut serving, surroundings, plan, self.reloads);
        let ended = serving.run(STOP_GRACE).await;
        journal.tell(&Event::Stopped);
        ended
    }
}

fn spawn_loops(
    serving: &mut Serving,
    surroundings: Surroundings,
    plan: Plan,
    reloads: Option<watch::Receiver<Config>>,
) {
    let stop = serving.stop().gently.clone();
    let (check_in_plans, check_in_plan) = watch::channel(plan.checkin.clone());
    let (ipwatch_plans, ipwatch_plan) = watch::channel(plan.ipwatch.clone());
    let (plans, plan) = watch::channel(Arc::new(plan));
    let (open, gate) = watch::channel(Gate::Wait);
    let (seen, addresses) = watch::channel(Addresses::default());
    let reporter = Reporter::new(surroundings.clone(), plan.clone(), open, seen);
    let keeper = Keeper { surroundings: surroundings.clone(), plans: plan, gate, addresses };
    let pulse = serving.liveness().pulse("reporter", REPORTER_STALL);
    serving.spawn_certain("reporter", reporter.run(stop.clone(), pulse));
    serving.spawn_certain("tunnel", keeper.run(stop.clone()));
    let forwarder = Forwarder { surroundings: surroundings.clone(), plans: check_in_plan };
    serving.spawn_certain("check-ins", forwarder.run(stop.clone()));
    let machine = ipwatch::Keeper { surroundings: surroundings.clone(), plans: ipwatch_plan };
    serving.spawn_certain("ipwatch", machine.run(stop.clone()));
    let new = NewPlans { plans, check_ins: check_in_plans, ipwatch: ipwatch_plans };
    let certificates = serving.certificates().clone();
    serving.spawn_certain("reload", async move {
        tokio::select! {
            () = take_reloads(reloads, &new, &certificates, &surroundings.journal) => {}
            () = stop.cancelled() => {}
        }
    });
}

/// Where new plans go.
struct NewPlans {
    plans: watch::Sender<Arc<Plan>>,
    check_ins: watch::Sender<Option<Arc<CheckInPlan>>>,
    ipwatch: watch::Sender<Option<Arc<IpWatchPlan>>>,
}

/// Takes over new settings as they come; never ends by itself.
async fn take_reloads(
    reloads: Option<watch::Receiver<Config>>,
    new: &NewPlans,
    certificates: &Certificates,
    journal: &Journal,
) {
    if let Some(mut reloads) = reloads {
        while reloads.changed().await.is_ok() {
            let config = reloads.borrow_and_update().clone();
            match Plan::make(config).and_then(|plan| certificates.reload().map(|()| plan)) {
                Ok(plan) => {
                    warn_about(&plan);
                    new.check_ins.send_replace(plan.checkin.clone());
                    new.ipwatch.send_replace(plan.ipwatch.clone());
                    new.plans.send_replace(Arc::new(plan));
                    journal.tell(&Event::Reloaded);
                }
                Err(failure) => journal.tell(&Event::ReloadRefused { reason: failure.to_string() }),
            }
        }
    }
    std::future::pending().await
}

/// Says at the start what is allowed and yet worth knowing.
fn warn_about(plan: &Plan) {
    match &plan.tunnel {
        None if plan.config.tunnel.enabled => tracing::info!("no token, so no tunnel"),
        Some(tunnel) if tunnel.tls.is_none() && !is_loopback(&tunnel.host) => tracing::warn!(
            proxy = %tunnel.host,
            "the tunnel is not encrypted: its token can be read on the way (tunnel.tls = true, where the proxy has it)"
        ),
        _ => {}
    }
    if plan.config.meeting.credential == crate::config::CredentialKind::None {
        tracing::info!("heartbeats carry no credential, as the document has it (meeting.credential)");
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// What must hold for the agent to be ready, from events.
struct Conditions {
    heartbeat: Condition,
    tunnel: Option<Condition>,
}

impl Conditions {
    fn new(readiness: &Readiness, plan: &Plan) -> Self {
        let tunnel = plan.tunnel.as_ref().map(|_| readiness.condition("tunnel", "not up yet"));
        Self { heartbeat: readiness.condition("heartbeat", "none accepted yet"), tunnel }
    }

    fn note(&self, event: &Event) {
        match event {
            Event::HeartbeatAccepted { .. } => self.heartbeat.met(),
            Event::HeartbeatFailed { .. } => self.heartbeat.unmet("the last one failed"),
            Event::NotProvisioned { .. } => self.heartbeat.unmet("the device is not provisioned"),
            _ => {}
        }
        let Some(tunnel) = &self.tunnel else { return };
        match event {
            Event::TunnelUp { .. } => tunnel.met(),
            Event::TunnelDown { .. } => tunnel.unmet("down"),
            Event::TunnelRefused { .. } => tunnel.unmet("refused by the proxy"),
            Event::TunnelContested { .. } => tunnel.unmet("another agent uses this device_key"),
            _ => {}
        }
    }
}
