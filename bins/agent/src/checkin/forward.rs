//! Forwarding: from the spool folder into the outbox, from the outbox to the receiver.

use std::sync::Arc;
use std::time::Duration;

use checkin_api::client::Accepted;
use checkin_api::outbox::{Outbox, OutboxError, OutboxEvent};
use daemon::exit::Failure;
use daemon::lifecycle::Stop;
use daemon::serving::Serving;
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::spool::{Spool, Taken};
use super::{CheckInEvent, CheckInPlan, commands};
use crate::addresses::SystemNetwork;
use crate::config::Config;
use crate::events::{Event, Observer};
use crate::journal::Journal;
use crate::run::STOP_GRACE;
use crate::surroundings::Surroundings;

/// After the receiver refused the key or the address: a person has to do something. Up to a minute is added.
const REFUSED: Duration = Duration::from_secs(300);
/// After the disk failed, or while another program sends from the outbox.
const DISK: Duration = Duration::from_secs(30);
/// How often the number of those that wait is looked up.
const COUNT_EVERY: Duration = Duration::from_secs(10);

/// Forwards by the newest plan, for as long as there is one.
pub(crate) struct Forwarder {
    pub(crate) surroundings: Surroundings,
    pub(crate) plans: watch::Receiver<Option<Arc<CheckInPlan>>>,
}

impl Forwarder {
    /// Runs until `stop`. What is under way is dropped then: it is in the outbox, and is sent again.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            let plan = self.plans.borrow_and_update().clone();
            let forwarding = async {
                match &plan {
                    Some(plan) => carry(plan, &self.surroundings).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = forwarding => {}
                changed = self.plans.changed() => if changed.is_err() {
                    return stop.cancelled().await;
                },
            }
        }
    }
}

/// Forwards check-ins and does nothing else, until `stop`: for bots that have no Meeting server. New settings that can be used replace the
/// old ones.
///
/// # Errors
/// The settings cannot be used, the admin address cannot be listened on, or tasks had to be cut off at the stop.
pub async fn forward(
    config: Config,
    mut reloads: watch::Receiver<Config>,
    stop: Stop,
    observer: impl Observer,
) -> Result<(), Failure> {
    let plan = commands::plan(&config)?;
    let mut serving = Serving::new(stop);
    let journal = Journal::new(Arc::new(observer));
    let surroundings = Surroundings { journal: journal.clone(), network: Arc::new(SystemNetwork) };
    let mut registry = Registry::default();
    journal.metrics().register(&mut registry);
    serving.admin(None, &config.admin, registry).await?;
    let (new_plans, plans) = watch::channel(Some(Arc::new(plan)));
    let stop = serving.stop().gently.clone();
    serving.spawn_certain("check-ins", Forwarder { surroundings, plans }.run(stop.clone()));
    let told = journal.clone();
    serving.spawn_certain("reload", async move {
        let take_over = async {
            while reloads.changed().await.is_ok() {
                let config = reloads.borrow_and_update().clone();
                match commands::plan(&config) {
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

/// Never ends by itself.
async fn carry(plan: &CheckInPlan, surroundings: &Surroundings) {
    let journal = &surroundings.journal;
    let outbox = loop {
        match plan.outbox() {
            Ok(outbox) => break outbox,
            Err(error) => trouble(journal, "check-in outbox", &error, DISK).await,
        }
    };
    journal.tell(&Event::CheckIn(CheckInEvent::Forwarding { receiver: plan.client.host().to_owned() }));
    tokio::join!(take(plan, &outbox, journal), send(plan, &outbox, surroundings), count(&outbox, journal));
}

async fn trouble(journal: &Journal, chore: &'static str, error: &OutboxError, wait: Duration) {
    journal.tell(&Event::ChoreFailed { chore, reason: error.to_string(), retry_in: wait });
    tokio::time::sleep(wait).await;
}

async fn take(plan: &CheckInPlan, outbox: &Outbox, journal: &Journal) {
    let Some(folder) = &plan.spool else { return };
    let mut spool = loop {
        match Spool::open(folder.clone(), plan.source_bot.clone()) {
            Ok(spool) => break spool,
            Err(error) => trouble(journal, "check-in spool", &OutboxError::Io(error), DISK).await,
        }
    };
    loop {
        let tell = |taken| match taken {
            Taken::Accepted(packet_hash) => {
                journal.tell(&Event::CheckIn(CheckInEvent::Taken { packet_hash: packet_hash.to_string() }));
            }
            Taken::Refused { file, reason } => {
                journal.tell(&Event::CheckIn(CheckInEvent::FileRefused { file, reason }))
            }
            Taken::Stuck { file, reason } => {
                journal.tell(&Event::CheckIn(CheckInEvent::FileStuck { file, reason }))
            }
        };
        match spool.take(outbox, tell).await {
            // More may wait than are taken at once.
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(plan.poll_every).await,
            Err(error) => trouble(journal, "check-in spool", &error, DISK).await,
        }
    }
}

async fn send(plan: &CheckInPlan, outbox: &Outbox, surroundings: &Surroundings) {
    let journal = &surroundings.journal;
    loop {
        let ended = match outbox.sender() {
            Ok(mut sender) => sender.run(&plan.client, |event| tell(journal, &event)).await,
            Err(error) => error,
        };
        match ended {
            OutboxError::Stopped(error) => {
                let retry_in = REFUSED + Duration::from_millis(surroundings.random() % 60_000);
                surroundings
                    .journal
                    .tell(&Event::CheckIn(CheckInEvent::Refused { reason: error.to_string(), retry_in }));
                tokio::time::sleep(retry_in).await;
            }
            error => trouble(journal, "check-in outbox", &error, DISK).await,
        }
    }
}

fn tell(journal: &Journal, event: &OutboxEvent<'_>) {
    match event {
        OutboxEvent::Delivered { packet_hash, accepted } => {
            journal.tell(&Event::CheckIn(CheckInEvent::Delivered {
                packet_hash: packet_hash.to_string(),
                created: *accepted == Accepted::Created,
            }))
        }
        OutboxEvent::SetAside { packet_hash, reason } => {
            journal.tell(&Event::CheckIn(CheckInEvent::SetAside {
                packet_hash: packet_hash.map(ToString::to_string),
                reason: (*reason).to_owned(),
            }))
        }
        OutboxEvent::Waiting { error, wait } => {
            journal
                .tell(&Event::CheckIn(CheckInEvent::Failed { reason: error.to_string(), retry_in: *wait }));
        }
        _ => {}
    }
}

async fn count(outbox: &Outbox, journal: &Journal) {
    loop {
        if let Ok(waiting) = outbox.waiting().await {
            journal.metrics().set_check_ins_waiting(waiting);
        }
        tokio::time::sleep(COUNT_EVERY).await;
    }
}
