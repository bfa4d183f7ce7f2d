//! The receiver as a whole: its parts, one file each, on one listener; new settings; the end.

mod check_ins;
mod ipwatch;
mod meeting;

use std::future::ready;
use std::time::Duration;

use daemon::exit::{Exit, Failure};
use daemon::http::{Mount, Peer};
use daemon::lifecycle::Stop;
use daemon::serving::{Serving, warn_of_restart};
use meeting_api::server::{PeerAddress, Store};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use self::check_ins::CheckIns;
use self::ipwatch::IpWatch;
use self::meeting::Meeting;
use crate::config::{Config, Problem};
use crate::console::{self, Console, Section};
use crate::database::with_store;

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
    /// 78 when the settings cannot be used, 65 or 74 when a database cannot, 69 or 77 when a port cannot be opened,
    /// 70 after a defect, 75 when the end had to be cut short.
    pub async fn run(self, stop: Stop) -> Result<(), Failure> {
        with_store!(&self.config.database, store => self.serve(store, stop).await)
    }

    async fn serve<S: Store>(self, store: S, stop: Stop) -> Result<(), Failure> {
        let config = self.config.clone();
        let (mut serving, mut registry) = self.begin(stop);
        let meeting = Meeting::start(store, &config, &mut serving, &mut registry).await?;
        let check_ins = match &config.checkin {
            Some(settings) => Some(CheckIns::start(settings, &mut serving, &mut registry).await?),
            None => None,
        };
        let machines = match &config.ipwatch {
            Some(settings) => Some(IpWatch::start(settings, &mut serving, &mut registry).await?),
            None => None,
        };
        let mut protocols = meeting.mount(Mount::new());
        let mut sections = Vec::new();
        if let Some(check_ins) = &check_ins {
            protocols = check_ins.mount(protocols);
            sections.push(Section::CheckIns);
        }
        if let Some(machines) = &machines {
            protocols = machines.mount(protocols);
            sections.push(Section::Machines);
        }
        if !sections.is_empty() {
            protocols = protocols.at(console::PREFIX, Console::new(&sections));
        }
        self.live(serving, registry, protocols, move |new| {
            let of_meeting = meeting.change(new)?;
            let of_check_ins = match (&check_ins, &new.checkin) {
                (Some(check_ins), Some(new)) => Some(check_ins.change(new)?),
                _ => None,
            };
            let of_machines = match (&machines, &new.ipwatch) {
                (Some(machines), Some(new)) => Some(machines.change(new)?),
                _ => None,
            };
            Ok(Box::new(|| {
                of_meeting();
                of_check_ins.into_iter().chain(of_machines).for_each(|change| change());
            }))
        })
        .await
    }

    /// Takes check-ins and nothing else, as the document's script does: `receiver checkin`.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    ///
    /// Source: checkin §7. Choice: CI-81.
    pub async fn run_check_ins(self, stop: Stop) -> Result<(), Failure> {
        let mut settings = self.config.checkin.clone().unwrap_or_default();
        if !settings.paths.iter().any(|path| path == "/") {
            settings.paths.insert(0, "/".to_owned());
        }
        let (mut serving, mut registry) = self.begin(stop);
        let check_ins = CheckIns::start(&settings, &mut serving, &mut registry).await?;
        let protocols = check_ins.mount(Mount::new()).at(console::PREFIX, Console::new(&[Section::CheckIns]));
        self.live(serving, registry, protocols, move |new| {
            check_ins.change(new.checkin.as_ref().unwrap_or(&settings))
        })
        .await
    }

    fn begin(&self, stop: Stop) -> (Serving, Registry) {
        (Serving::new(stop).as_service(self.is_service), Registry::default())
    }

    /// Serves the parts on the listener; `prepare` makes what gives them new settings.
    async fn live(
        self,
        mut serving: Serving,
        registry: Registry,
        protocols: Mount,
        prepare: impl Fn(&Config) -> Result<Change, Failure> + Send + 'static,
    ) -> Result<(), Failure> {
        let Self { config, listeners, reloads, .. } = self;
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
            tracing::info!(%address, tls = config.http.tls.is_some(), ?protocols, "listening");
        }
        let stop = serving.stop().clone();
        serving.spawn_certain("http", server.serve(http, protocols, stop));
        serving.admin(listeners.admin, &config.admin, registry).await?;
        let grace = config.shutdown.grace.duration() + LAST_TASKS;
        let certificates = serving.certificates().clone();
        serving.reloads(reloads, move |new: Config| {
            let prepared = prepare(&new).and_then(|change| certificates.reload().map(|()| change));
            ready(prepared.map(|change| {
                change();
                tell_of_restart(&config, &new);
            }))
        });
        serving.run(grace).await
    }
}

/// Puts new settings in force. Nothing of it can fail, so that all parts change or none does.
type Change = Box<dyn FnOnce() + Send>;

/// What a running receiver cannot change.
fn tell_of_restart(at_start: &Config, new: &Config) {
    let place = |config: &Config| {
        let check_ins = config.checkin.as_ref()?;
        Some((
            check_ins.path.clone(),
            check_ins.postgres.clone(),
            check_ins.paths.clone(),
            check_ins.limits.queue,
        ))
    };
    let machines = |config: &Config| {
        let machines = config.ipwatch.as_ref()?;
        let place = (machines.path.clone(), machines.postgres.clone());
        Some((place, machines.broker.clone(), machines.machine_metrics))
    };
    warn_of_restart(&[
        ("http", at_start.http != new.http),
        ("database", at_start.database != new.database),
        ("checkin", place(at_start) != place(new)),
        ("ipwatch", machines(at_start) != machines(new)),
        ("admin", at_start.admin != new.admin),
        ("shutdown", at_start.shutdown != new.shutdown),
    ]);
}

/// Settings that cannot be used.
fn refused(Problem { key, message }: Problem) -> Failure {
    Failure::new(Exit::Configuration, format!("`{key}`: {message}"))
}
