//! Keeps the machine at its broker, by the newest plan.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use daemon::exit::Failure;
use daemon::lifecycle::Stop;
use daemon::serving::Serving;
use ipwatch_mqtt::agent::driver::Agent;
use ipwatch_mqtt::system::Sampler;
use prometheus_client::registry::Registry;
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::IpWatchEvent;
use super::machine::ThisMachine;
use super::plan::{IpWatchPlan, needed};
use crate::addresses::SystemNetwork;
use crate::config::Config;
use crate::events::{Event, Observer};
use crate::journal::Journal;
use crate::run::STOP_GRACE;
use crate::surroundings::Surroundings;

/// After the broker's address or the state directory could not be used.
const AGAIN: Duration = Duration::from_secs(30);

/// Keeps the machine at its broker, for as long as there is a plan for it.
pub(crate) struct Keeper {
    pub(crate) surroundings: Surroundings,
    pub(crate) plans: watch::Receiver<Option<Arc<IpWatchPlan>>>,
}

impl Keeper {
    /// Runs until `stop`, and says `offline` before it ends. A new plan is a new connection.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let plan = self.plans.borrow_and_update().clone();
            let plans = &mut self.plans;
            let until = async {
                tokio::select! {
                    () = stop.cancelled() => {}
                    changed = plans.changed() => if changed.is_err() {
                        stop.cancelled().await;
                    },
                }
            };
            match plan {
                Some(plan) => attend(&plan, &self.surroundings, until).await,
                None => until.await,
            }
        }
    }
}

async fn attend(plan: &IpWatchPlan, surroundings: &Surroundings, until: impl Future<Output = ()>) {
    let journal = &surroundings.journal;
    let mut until = std::pin::pin!(until);
    loop {
        let trouble = match begin(plan, surroundings).await {
            Ok(agent) => {
                let tell = |event| {
                    if let Some(event) = IpWatchEvent::of(&event) {
                        journal.tell(&Event::IpWatch(event));
                    }
                };
                return agent.run(until, tell).await;
            }
            Err(reason) => Event::ChoreFailed { chore: "ipwatch", reason, retry_in: AGAIN },
        };
        journal.tell(&trouble);
        tokio::select! {
            () = &mut until => return,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

async fn begin(plan: &IpWatchPlan, surroundings: &Surroundings) -> Result<Agent<ThisMachine>, String> {
    let address = match plan.settings.address {
        Some(address) => address,
        None => way_to(&plan.broker.host, plan.broker.port)
            .await
            .map_err(|error| format!("{}: {error}", plan.broker.host))?,
    };
    let machine = ThisMachine::new(Sampler::new(&plan.settings.disk), plan.power.clone());
    let settings = plan.agent_settings(address, surroundings.random());
    let agent = Agent::new(settings, plan.broker(address), machine, plan.memory.clone());
    let agent = agent.map_err(|error| error.to_string())?;
    let broker = plan.broker.host.clone();
    surroundings.journal.tell(&Event::IpWatch(IpWatchEvent::Starting { broker, address }));
    Ok(agent)
}

/// The address from which this machine would reach that one. Nothing is sent.
async fn way_to(host: &str, port: u16) -> std::io::Result<IpAddr> {
    let mut last = std::io::Error::other("the name has no address");
    for there in tokio::net::lookup_host((host, port)).await? {
        let here = if there.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(here).await?;
        match socket.connect(there).await.and_then(|()| socket.local_addr()) {
            Ok(here) => return Ok(here.ip().to_canonical()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Keeps the machine at its broker and does nothing else, until `stop`. New settings that can be used replace the old ones.
///
/// # Errors
/// The settings cannot be used, the admin address cannot be listened on, or tasks had to be cut off at the stop. A broker that is away is no error.
pub async fn run(
    config: Config,
    mut reloads: watch::Receiver<Config>,
    stop: Stop,
    observer: impl Observer,
) -> Result<(), Failure> {
    let plan = needed(&config)?;
    let mut serving = Serving::new(stop);
    let journal = Journal::new(Arc::new(observer));
    let surroundings = Surroundings { journal: journal.clone(), network: Arc::new(SystemNetwork) };
    let mut registry = Registry::default();
    journal.metrics().register(&mut registry);
    serving.admin(None, &config.admin, registry).await?;
    let (new_plans, plans) = watch::channel(Some(Arc::new(plan)));
    let stop = serving.stop().gently.clone();
    serving.spawn_certain("ipwatch", Keeper { surroundings, plans }.run(stop.clone()));
    let told = journal.clone();
    serving.spawn_certain("reload", async move {
        let take_over = async {
            while reloads.changed().await.is_ok() {
                let config = reloads.borrow_and_update().clone();
                match needed(&config) {
                    Ok(plan) => {
                        new_plans.send_replace(Some(Arc::new(plan)));
                        told.tell(&Event::Reloaded);
                    }
                    Err(failure) => told.tell(&Event::ReloadRefused { reason: failure.to_string() }),
                }
            }
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = take_over => {}
            () = stop.cancelled() => {}
        }
    });
    let ended = serving.run(STOP_GRACE).await;
    journal.tell(&Event::Stopped);
    ended
}
