//! The machines as a part of the receiver: their server, the way to them through a broker, the page that shows them, and what time brings.

mod in_flight;
mod link;
mod reach;
mod words;

use daemon::admin::Condition;
use daemon::exit::Failure;
use daemon::http::Mount;
use daemon::lifecycle::{Pulse, Stop};
use daemon::serving::Serving;
use ipwatch_mqtt::server::store::Keys;
use ipwatch_mqtt::server::{IpWatchServer, SqlStore, Store};
use prometheus_client::registry::Registry;

use self::link::{Link, Outgoing};
use self::reach::Reach;
use super::{Change, HOUSEKEEPING, STANDSTILL, refused};
use crate::config::IpWatch as Settings;
use crate::ipwatch::{failed, open};
use crate::metrics::{Figures, IpWatchMetrics};

/// What is ours, and the document's addresses.
const PATHS: [&str; 2] = ["/v1/ipwatch", "/api/tracking"];

type Server = IpWatchServer<SqlStore, Reach>;

/// Whoever looks after the machines, running.
#[derive(Debug)]
pub(super) struct IpWatch {
    server: Server,
}

impl IpWatch {
    /// Opens the database, the broker and the way to it, and starts to keep house.
    pub(super) async fn start(
        config: &Settings,
        serving: &mut Serving,
        registry: &mut Registry,
    ) -> Result<Self, Failure> {
        let settings = config.settings().map_err(refused)?;
        let metrics = IpWatchMetrics::register(registry);
        let store = open(config, true).await?;
        if settings.secret.is_none() && store.keys().await.is_ok_and(|keys| keys.is_empty()) {
            tracing::warn!(
                "nobody has a key yet: `receiver ipwatch keys add NAME --role administer` makes one"
            );
        }
        let access = config.broker.access().map_err(refused)?;
        // What cannot be read now is an operator's mistake, and no reason to try again for ever.
        access.password()?;
        access.connector()?;
        let outgoing = Outgoing::default();
        let link = Link::new(access, outgoing.clone(), metrics.clone());
        let reach = Reach::new(outgoing, metrics);
        let server = IpWatchServer::open(store, reach.clone(), settings)
            .await
            .map_err(|error| failed("the machines".to_owned(), &error))?;
        let looked = server.clone();
        Figures::register(
            registry,
            config.machine_metrics,
            Box::new(move || (looked.counts(), looked.devices().devices)),
        );
        tracing::info!(page = "/console/machines/", "machines are looked after");
        let (stop, listening) = (serving.stop().clone(), server.clone());
        serving.spawn_certain("broker", link.keep(stop, move |message| reach.take(&listening, message)));
        let house = House {
            server: server.clone(),
            database: serving.readiness().condition("machines", "no answer yet"),
            pulse: serving.liveness().pulse("machines", STANDSTILL),
        };
        let stop = serving.stop().clone();
        serving.spawn_certain("machines", house.keep(stop));
        Ok(Self { server })
    }

    /// The service under its paths.
    pub(super) fn mount(&self, protocols: Mount) -> Mount {
        PATHS.iter().fold(protocols, |protocols, path| protocols.at(path, self.server.clone()))
    }

    /// What puts these settings in force. Database and broker stay as they are.
    pub(super) fn change(&self, new: &Settings) -> Result<Change, Failure> {
        let (server, settings) = (self.server.clone(), new.settings().map_err(refused)?);
        Ok(Box::new(move || server.configure(settings)))
    }
}

/// What has to be done from time to time.
struct House {
    server: Server,
    database: Condition,
    pulse: Pulse,
}

impl House {
    async fn keep(self, stop: Stop) {
        tokio::select! {
            () = stop.gently.cancelled() => {}
            // Once a second, and never at an end by itself.
            () = self.server.run() => {}
            () = self.watch() => {}
        }
        self.server.finish().await;
    }

    async fn watch(&self) {
        loop {
            self.pulse.beat();
            match self.server.store().check().await {
                Ok(()) => self.database.met(),
                Err(error) => {
                    tracing::error!(%error, "the database of machines does not answer");
                    self.database.unmet("the database does not answer");
                }
            }
            tokio::time::sleep(HOUSEKEEPING).await;
        }
    }
}
