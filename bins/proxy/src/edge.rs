//! What the proxy's tasks share.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use daemon::lifecycle::Stop;
use daemon::tls::{Acceptor, Certificates};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admission::Gate;
use crate::config::Config;
use crate::event::Events;
use crate::lockout::Lockout;
use crate::meeting::Meeting;
use crate::metrics::Metrics;
use crate::places::Places;
use crate::ports::Command;
use crate::sessions::Sessions;
use crate::sparing::Sparing;

/// The control port among the listeners that may have certificates.
pub(crate) const CONTROL: &str = "control";

/// What the proxy's tasks share.
#[derive(Debug)]
pub(crate) struct Edge {
    config: RwLock<Arc<Config>>,
    pub(crate) certificates: Certificates,
    lockout: Mutex<Lockout>,
    pub(crate) meeting: Meeting,
    pub(crate) gate: Gate,
    pub(crate) places: Places,
    pub(crate) sessions: Sessions,
    pub(crate) metrics: Metrics,
    pub(crate) events: Events,
    pub(crate) ports: mpsc::Sender<Command>,
    /// Woken when the settings have changed.
    pub(crate) reloaded: Notify,
    pub(crate) stop: Stop,
    /// Ends the sessions, after the visits have had their grace.
    pub(crate) end_sessions: CancellationToken,
    /// Agents from the first byte to the end of their session.
    pub(crate) agents: TaskTracker,
    /// Visits under way.
    pub(crate) visits: TaskTracker,
    /// Lines about agents who are refused, and about visitors who are turned away.
    pub(crate) refusal_lines: Sparing,
    pub(crate) turned_away_lines: Sparing,
    own: OnceLock<BTreeSet<u16>>,
    visit_numbers: AtomicU64,
    randomness: RandomState,
    draws: AtomicU64,
}

/// What an [`Edge`] is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) certificates: Certificates,
    pub(crate) lockout: Lockout,
    pub(crate) meeting: Meeting,
    pub(crate) metrics: Metrics,
    pub(crate) events: Events,
    pub(crate) ports: mpsc::Sender<Command>,
    pub(crate) stop: Stop,
}

impl Edge {
    pub(crate) fn new(parts: Parts) -> Self {
        let control = &parts.config.control;
        Self {
            gate: Gate::new(control.half_open_per_source, control.half_open_total),
            sessions: Sessions::new(control.takeovers_per_minute),
            config: RwLock::new(Arc::new(parts.config)),
            certificates: parts.certificates,
            lockout: Mutex::new(parts.lockout),
            meeting: parts.meeting,
            places: Places::default(),
            metrics: parts.metrics,
            events: parts.events,
            ports: parts.ports,
            reloaded: Notify::new(),
            stop: parts.stop,
            end_sessions: CancellationToken::new(),
            agents: TaskTracker::new(),
            visits: TaskTracker::new(),
            refusal_lines: Sparing::default(),
            turned_away_lines: Sparing::default(),
            own: OnceLock::new(),
            visit_numbers: AtomicU64::new(1),
            randomness: RandomState::new(),
            draws: AtomicU64::new(0),
        }
    }

    /// The settings in force.
    pub(crate) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_config(&self, config: Config) {
        let control = &config.control;
        self.gate.set_bounds(control.half_open_per_source, control.half_open_total);
        self.lockout().set_limits(config.lockout.limits());
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
    }

    /// What accepts TLS at the control port, if it does.
    pub(crate) fn acceptor(&self) -> Option<Acceptor> {
        self.certificates.of(CONTROL)
    }

    pub(crate) fn lockout(&self) -> MutexGuard<'_, Lockout> {
        self.lockout.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the proxy's own listeners, whose ports are never public ones.
    pub(crate) fn set_own_addresses(&self, addresses: impl IntoIterator<Item = SocketAddr>) {
        // Listeners are bound once; a second call has nothing new to say.
        let _ = self.own.set(addresses.into_iter().map(|address| address.port()).collect());
    }

    pub(crate) fn own_ports(&self) -> BTreeSet<u16> {
        self.own.get().cloned().unwrap_or_default()
    }

    /// A number for a visit.
    pub(crate) fn next_visit(&self) -> u64 {
        self.visit_numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// A draw that a stranger cannot foresee: a keyed hash of a counter. Enough for dropping at random.
    pub(crate) fn draw(&self) -> u32 {
        let hash = self.randomness.hash_one(self.draws.fetch_add(1, Ordering::Relaxed));
        u32::try_from(hash >> 32).unwrap_or(u32::MAX)
    }

    /// Has the owner of the ports look whether `device` has a session.
    pub(crate) async fn look_at(&self, device: &Arc<str>) {
        // The owner ends only when the proxy stops, and then every port is closed anyway.
        let _ = self.ports.send(Command::Look(Arc::clone(device))).await;
    }
}
