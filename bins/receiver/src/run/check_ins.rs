//! Check-ins as a part of the receiver: their server, the page that shows them, their housekeeping.

use std::sync::Arc;

use checkin_api::server::store::Keys;
use checkin_api::server::{CheckInServer, CheckInStore, Environment, SqlStore};
use daemon::admin::Condition;
use daemon::exit::Failure;
use daemon::http::Mount;
use daemon::lifecycle::{Pulse, Stop};
use daemon::serving::Serving;
use prometheus_client::registry::Registry;

use super::{Change, HOUSEKEEPING, STANDSTILL, refused};
use crate::check_ins;
use crate::config::CheckIn;
use crate::metrics::CheckInMetrics;

/// Below it are reading and batches, whatever the submission paths are.
const API: &str = "/v1/checkins";

/// The receiver of check-ins, running.
#[derive(Debug)]
pub(super) struct CheckIns {
    server: CheckInServer<SqlStore>,
    paths: Vec<String>,
}

impl CheckIns {
    /// Opens the database, and starts to keep house.
    pub(super) async fn start(
        config: &CheckIn,
        serving: &mut Serving,
        registry: &mut Registry,
    ) -> Result<Self, Failure> {
        let settings = config.settings().map_err(refused)?;
        let metrics = Arc::new(CheckInMetrics::register(registry));
        let store = check_ins::serve_from(config, metrics.clone()).await?;
        let environment = Environment { observer: Some(metrics), ..Environment::default() };
        if settings.secret.is_none() && store.keys().await.is_ok_and(|keys| keys.is_empty()) {
            tracing::warn!("no bot has a key yet: `receiver checkin keys add NAME` makes one");
        }
        if settings.nets.is_empty() {
            tracing::info!("no net is set up: `[[checkin.net]]` gives the page its weeks");
        }
        let paths = settings.submission_paths.clone();
        tracing::info!(?paths, page = "/console/checkins/", "check-ins are taken");
        let server = CheckInServer::in_environment(store, settings, environment);
        let house = House {
            server: server.clone(),
            database: serving.readiness().condition("check-ins", "no answer yet"),
            pulse: serving.liveness().pulse("check-ins", STANDSTILL),
        };
        let stop = serving.stop().clone();
        serving.spawn_certain("check-ins", house.keep(stop));
        Ok(Self { server, paths })
    }

    /// A submission path `/` takes all that nothing else is mounted at.
    pub(super) fn mount(&self, protocols: Mount) -> Mount {
        let protocols = protocols.at(API, self.server.clone());
        self.paths
            .iter()
            .filter(|path| *path != API)
            .fold(protocols, |protocols, path| protocols.at(path, self.server.clone()))
    }

    /// What puts these settings in force. Paths stay as they are mounted.
    pub(super) fn change(&self, new: &CheckIn) -> Result<Change, Failure> {
        let server = self.server.clone();
        let mut settings = new.settings().map_err(refused)?;
        settings.submission_paths.clone_from(&self.paths);
        Ok(Box::new(move || server.configure(settings)))
    }
}

/// What has to be done from time to time.
struct House {
    server: CheckInServer<SqlStore>,
    database: Condition,
    pulse: Pulse,
}

impl House {
    async fn keep(self, stop: Stop) {
        loop {
            self.pulse.beat();
            self.round().await;
            tokio::select! {
                () = stop.gently.cancelled() => return self.upkeep().await,
                () = tokio::time::sleep(HOUSEKEEPING) => {}
            }
        }
    }

    async fn round(&self) {
        match self.server.store().check().await {
            Ok(()) => {
                self.database.met();
                self.upkeep().await;
            }
            Err(error) => {
                tracing::error!(%error, "check-ins cannot be stored; bots are told to come back");
                self.database.unmet("they cannot be stored");
            }
        }
    }

    async fn upkeep(&self) {
        if let Err(error) = self.server.upkeep().await {
            tracing::error!(%error, "the counts of refused check-ins were not written; it is tried again");
        }
    }
}
