//! The receiver of check-ins: a tower service over any store.
//!
//! [`CheckInServer`] is a `tower_service::Service` of `http` requests with any body. It runs alone under hyper, and mounts in
//! anybody's axum or hyper program; the caller owns listener, connections and shutdown. Its routes and who may call them are the
//! tables [`SUBMISSION_RULES`] and [`RULES`]; what an operator decides is in [`Settings`]. Futures need a tokio runtime with time.

mod access;
mod body;
mod clock;
mod limit;
mod observer;
#[cfg(feature = "postgres")]
mod postgres;
mod reading;
mod rejected;
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

pub use access::{Access, MintedKey, mint_key};
pub use clock::{Clock, SystemClock};
pub use observer::{Observer, Rejection};
#[cfg(feature = "postgres")]
pub use postgres::{InvalidConnectionString, PostgresOptions};
pub use reply::ReplyBody;
pub use route::{Operation, RULES, Rule, SUBMISSION_RULES};
pub use settings::{RateLimit, Settings, SharedSecret};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use sql::SqlStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteOptions;
pub use store::{CheckInStore, StoreError};

use self::access::KnownKeys;
use self::limit::Buckets;
use self::reading::Reader;
use self::rejected::Rejected;
use self::route::Router;
use self::store::Outcome;

/// The OpenAPI document of every route, as it is served at `/v1/checkins/openapi.json`, with the usual submission paths.
pub const OPENAPI: &str = include_str!("../openapi.json");

/// The receiver of check-ins. Cloning it is cheap; all clones are one server.
#[derive(Debug)]
pub struct CheckInServer<S> {
    shared: Arc<Shared<S>>,
}

impl<S> Clone for CheckInServer<S> {
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
    known_keys: KnownKeys,
    buckets: Buckets,
    rejected: Rejected,
    reader: Reader,
}

/// What surrounds a server: time, and somebody who counts.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Tells the time; the system's clock by default.
    pub clock: Arc<dyn Clock>,
    /// Is told what happens; nobody by default. A store is given its own, which may be the same.
    pub observer: Option<Arc<dyn Observer>>,
}

impl Default for Environment {
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), observer: None }
    }
}

impl<S: CheckInStore> CheckInServer<S> {
    /// A server over this store, with the system's clock.
    pub fn new(store: S, settings: Settings) -> Self {
        Self::in_environment(store, settings, Environment::default())
    }

    /// A server over this store, with a clock and an observer of the caller's.
    pub fn in_environment(store: S, settings: Settings, environment: Environment) -> Self {
        let shared = Shared {
            store,
            settings: RwLock::new(Arc::new(settings)),
            environment,
            router: Router::new(),
            known_keys: KnownKeys::default(),
            buckets: Buckets::default(),
            rejected: Rejected::default(),
            reader: Reader::default(),
        };
        Self { shared: Arc::new(shared) }
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

    /// Does what time brings with it: writes down how many check-ins of each bot were refused. To be called every half minute or so,
    /// and once at the end.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails; the next call does what this one did not.
    pub async fn upkeep(&self) -> Result<(), StoreError> {
        let Shared { store, rejected, .. } = &*self.shared;
        let counts = rejected.take();
        let written = store.add_rejected(counts.clone()).await;
        if written.is_err() {
            for count in counts {
                rejected.add(&count.bot, count.count, count.last_at);
            }
        }
        written
    }
}

impl<S> Shared<S> {
    fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn observe_accepted(&self, outcome: Outcome) {
        if let Some(observer) = &self.environment.observer {
            observer.accepted(outcome);
        }
    }
}
