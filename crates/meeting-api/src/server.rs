//! The Meeting server: a tower service over any store.
//!
//! [`MeetingServer`] is a `tower_service::Service` of `http` requests with any body. It runs alone under hyper, and mounts
//! in anybody's axum or hyper program; the caller owns listener, connections and shutdown. Its routes and who may call
//! them are the table [`RULES`]; what an operator decides is in [`Settings`]. Futures need a tokio runtime with time.
//!
//! Whoever accepts connections puts a [`PeerAddress`] into the extensions of each request. Without one, a heartbeat that
//! names no address leaves the address as it was.

mod access;
mod authenticate;
mod authorized_keys;
mod bearer;
mod body;
mod call;
mod clock;
mod failures;
mod forwarded;
mod host_keys;
#[cfg(feature = "postgres")]
mod postgres;
mod reply;
mod route;
mod routes;
mod service;
mod settings;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
pub mod store;

use std::sync::{Arc, PoisonError, RwLock};

pub use access::{Access, Principal};
pub use authorized_keys::{AuthorizedKeysOptions, InvalidCommand, authorized_keys};
pub use bearer::{MintedSecret, mint_secret};
pub use clock::{Clock, Random, SystemClock, SystemRandom};
pub use forwarded::{AddressRange, InvalidAddressRange, PeerAddress};
pub use host_keys::{HostKeysRefused, host_key_lines};
#[cfg(feature = "postgres")]
pub use postgres::{InvalidConnectionString, PostgresBackend, PostgresOptions, PostgresStore};
pub use route::{Operation, RULES, Rule};
pub use settings::{DeviceAuth, Settings};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use sql::{DEFAULT_LOG_LIMIT, SqlStore};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteBackend, SqliteOptions, SqliteStore};
pub use store::{Store, StoreError};

use self::failures::Failures;
use self::route::Router;
use crate::{DeviceKey, UtcTimestamp};

/// The OpenAPI document of every route, as it is served at `/api/openapi.json`.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// The Meeting server. Cloning it is cheap; all clones are one server.
#[derive(Debug)]
pub struct MeetingServer<S> {
    shared: Arc<Shared<S>>,
}

impl<S> Clone for MeetingServer<S> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

#[derive(Debug)]
struct Shared<S> {
    store: S,
    settings: RwLock<Arc<Settings>>,
    environment: Environment,
    router: Router,
    failures: Failures,
    started: UtcTimestamp,
}

/// What surrounds a server: time, chance, and somebody who counts.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Tells the time; the system's clock by default.
    pub clock: Arc<dyn Clock>,
    /// Gives random bytes; the system's by default.
    pub random: Arc<dyn Random>,
    /// Is told of every answer; nobody by default.
    pub observer: Option<Arc<dyn Observer>>,
}

impl Default for Environment {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), random: Arc::new(SystemRandom), observer: None }
    }
}

/// Is told of every answer, for metrics.
pub trait Observer: std::fmt::Debug + Send + Sync + 'static {
    /// A request was answered; `None` when it met no route.
    fn answered(&self, operation: Option<Operation>, status: http::StatusCode);
}

impl<S: Store> MeetingServer<S> {
    /// A server over this store, with the system's clock and randomness.
    pub fn new(store: S, settings: Settings) -> Self {
        Self::in_environment(store, settings, Environment::default())
    }

    /// A server over this store, with clock and randomness of the caller's.
    pub fn in_environment(store: S, settings: Settings, environment: Environment) -> Self {
        let started = environment.clock.now();
        let settings = RwLock::new(Arc::new(settings));
        let (router, failures) = (Router::new(), Failures::default());
        Self { shared: Arc::new(Shared { store, settings, environment, router, failures, started }) }
    }

    /// Replaces the settings; requests under way end with the old ones.
    pub fn configure(&self, settings: Settings) {
        *self.shared.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.shared.settings()
    }

    /// The store behind the server.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.shared.store
    }

    /// Does what time brings with it: notices devices that went away, writes that into their logs and names them, and
    /// forgets what has expired. To be called every half minute or so.
    ///
    /// For one `online_window` after its start a server notices nobody: heartbeats had nowhere to go before.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; the next call does what this one did not.
    pub async fn upkeep(&self) -> Result<Vec<DeviceKey>, StoreError> {
        let Shared { store, environment, started, .. } = &*self.shared;
        let (now, window) = (environment.clock.now(), self.settings().online_window);
        store.forget_expired(now).await?;
        if now.seconds_since(*started) < window.as_secs() {
            return Ok(Vec::new());
        }
        store.notice_departures(now, window).await
    }
}

impl<S> Shared<S> {
    fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }
}
