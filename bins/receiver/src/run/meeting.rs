//! The Meeting API as a part of the receiver: its server, its first operator, its housekeeping.

use std::path::Path;
use std::sync::Arc;

use daemon::admin::Condition;
use daemon::exit::Failure;
use daemon::http::Mount;
use daemon::lifecycle::{Pulse, Stop};
use daemon::serving::Serving;
use meeting_api::server::{DeviceAuth, Environment, MeetingServer, Settings, Store};
use prometheus_client::registry::Registry;

use super::{Change, HOUSEKEEPING, STANDSTILL, refused};
use crate::config::Config;
use crate::database::sqlite_path;
use crate::first_operator;
use crate::metrics::Metrics;

/// The Meeting API, running.
#[derive(Debug)]
pub(super) struct Meeting<S>(MeetingServer<S>);

impl<S: Store> Meeting<S> {
    /// Makes the first operator of a new database, and starts to keep house.
    pub(super) async fn start(
        store: S,
        config: &Config,
        serving: &mut Serving,
        registry: &mut Registry,
    ) -> Result<Self, Failure> {
        let settings = settings(config)?;
        if let Some(secret) = first_operator::create(&store).await? {
            let path = sqlite_path(&config.database);
            first_operator::show(&secret, path.parent().unwrap_or(Path::new(".")))?;
        }
        let metrics = Metrics::register(registry);
        let environment = Environment { observer: Some(Arc::new(metrics.clone())), ..Environment::default() };
        let server = MeetingServer::in_environment(store, settings, environment);
        let house = House {
            meeting: server.clone(),
            metrics,
            database: serving.readiness().condition("database", "no answer yet"),
            pulse: serving.liveness().pulse("housekeeping", STANDSTILL),
        };
        let stop = serving.stop().clone();
        serving.spawn_certain("housekeeping", house.keep(stop));
        Ok(Self(server))
    }

    pub(super) fn mount(&self, protocols: Mount) -> Mount {
        protocols.at("/api", self.0.clone())
    }

    /// What puts these settings in force.
    pub(super) fn change(&self, new: &Config) -> Result<Change, Failure> {
        let (server, settings) = (self.0.clone(), settings(new)?);
        Ok(Box::new(move || server.configure(settings)))
    }
}

/// What the Meeting server is told; says in the log what the operator should know about it.
fn settings(config: &Config) -> Result<Settings, Failure> {
    let settings = config.meeting.settings().map_err(refused)?;
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

/// What has to be done from time to time.
struct House<S> {
    meeting: MeetingServer<S>,
    metrics: Metrics,
    database: Condition,
    pulse: Pulse,
}

impl<S: Store> House<S> {
    async fn keep(self, stop: Stop) {
        loop {
            self.pulse.beat();
            self.round().await;
            tokio::select! {
                () = stop.gently.cancelled() => return,
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
