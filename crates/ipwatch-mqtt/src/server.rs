//! The backend of the document's section 3: a tower service over any store and any way to reach the machines.
//!
//! [`IpWatchServer`] is a `tower_service::Service` of `http` requests with any body. It runs alone under hyper, and mounts in anybody's axum
//! or hyper program; the caller owns listener, connections and shutdown. Three things go with it: whatever the machines say is given to
//! [`heard`](IpWatchServer::heard); what is to be said to them goes through a [`Fleet`]; and [`run`](IpWatchServer::run) does what time
//! brings with it. Its routes and who may call them are the table [`RULES`], the JSON is in [`shapes`], what an operator decides is in
//! [`Settings`]. Futures need a tokio runtime with time and network.
//!
//! Source: ipwatch §3, §11.

mod access;
mod clock;
mod fleet;
mod live;
#[cfg(feature = "postgres")]
mod postgres;
mod power;
mod refusal;
mod reply;
mod route;
mod routes;
mod service;
mod settings;
pub mod shapes;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
pub mod store;
mod upkeep;
mod wake;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

pub use access::{Access, MintedKey, mint_key};
pub use clock::{Clock, SystemClock};
pub use fleet::{Answer, Fleet, Heard, Heed, News};
pub use live::Counts;
#[cfg(feature = "postgres")]
pub use postgres::{InvalidConnectionString, PostgresOptions};
pub use refusal::Refusal;
pub use reply::ReplyBody;
pub use route::{Operation, RULES, Rule};
pub use settings::{PowerRate, Settings, SharedSecret};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use sql::SqlStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteOptions;
pub use store::{Store, StoreError};

use self::access::KnownKeys;
use self::live::Live;
use self::route::Router;
use self::upkeep::Upkeep;

/// The OpenAPI document of every route, as it is served at `/v1/ipwatch/openapi.json`.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// The backend. Cloning it is cheap; all clones are one server.
#[derive(Debug)]
pub struct IpWatchServer<S, F> {
    shared: Arc<Shared<S, F>>,
}

impl<S, F> Clone for IpWatchServer<S, F> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

#[derive(Debug)]
struct Shared<S, F> {
    store: S,
    fleet: F,
    settings: RwLock<Arc<Settings>>,
    environment: Environment,
    router: Router,
    known_keys: KnownKeys,
    live: Arc<Live>,
    followers: Arc<AtomicU64>,
    upkeep: Mutex<Upkeep>,
    /// Held from the reading of machines and schedules until they are known, so that an older reading never undoes a newer one.
    reloading: tokio::sync::Mutex<()>,
}

/// What surrounds a server: time.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Tells the time; the system's clock by default.
    pub clock: Arc<dyn Clock>,
}

impl Default for Environment {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock) }
    }
}

impl<S: Store, F: Fleet> IpWatchServer<S, F> {
    /// A server over this store, with the system's clock. It knows the machines and the schedules when this returns.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub async fn open(store: S, fleet: F, settings: Settings) -> Result<Self, StoreError> {
        Self::in_environment(store, fleet, settings, Environment::default()).await
    }

    /// The same, with a clock of the caller's.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn in_environment(
        store: S,
        fleet: F,
        settings: Settings,
        environment: Environment,
    ) -> Result<Self, StoreError> {
        let boot = access::random_hex::<4>().map_err(|error| StoreError::unavailable(error.to_string()))?;
        let shared = Shared {
            store,
            fleet,
            settings: RwLock::new(Arc::new(settings)),
            environment,
            router: Router::new(),
            known_keys: KnownKeys::default(),
            live: Arc::new(Live::new(boot.to_string())),
            followers: Arc::default(),
            upkeep: Mutex::default(),
            reloading: tokio::sync::Mutex::default(),
        };
        shared.reload().await?;
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Takes what was heard from a machine, or in its name: shown, sent to whoever follows the events, and a status kept in the history. What
    /// comes from an address that is not registered, or from another user than the one that may speak for it, is not taken; that it spoke
    /// is shown beside the machines (threats M3, M5).
    ///
    /// Choice: IM-90.
    pub fn heard(&self, heard: Heard) -> Heed {
        self.shared.live.heard(heard)
    }

    /// Reads again which machines and schedules there are; [`run`](Self::run) does so every ten seconds.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read.
    pub async fn reload(&self) -> Result<(), StoreError> {
        self.shared.reload().await
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

    /// The way to the machines.
    #[must_use]
    pub fn fleet(&self) -> &F {
        &self.shared.fleet
    }

    /// The machines and whoever else speaks, as they are shown.
    #[must_use]
    pub fn devices(&self) -> shapes::DeviceList {
        self.shared.live.list()
    }

    /// How the server is doing: what a page of metrics shows.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts { followers: self.shared.followers.load(Ordering::Relaxed), ..self.shared.live.counts() }
    }
}

impl<S, F> Shared<S, F> {
    fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }
}
