//! The way to the machines: commands out, answers and news in.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use ipwatch_mqtt::server::{Answer, Fleet, Heard, News};
use ipwatch_mqtt::{
    Availability, Command, CommandId, CommandName, Leaf, Properties, Publication, Response, Topic,
};
use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Server;
use super::in_flight::InFlight;
use super::link::{Delivery, Outgoing};
use super::words::{self, Said};
use crate::metrics::IpWatchMetrics;

/// Commands to many go out over at most so long, so that a room does not answer in one moment.
const SPREAD: Duration = Duration::from_secs(2);
/// The next of many goes out after so long, while there are few.
const APART: Duration = Duration::from_millis(10);

/// The way to the machines. Clones are one.
#[derive(Clone)]
pub(super) struct Reach(Arc<Inner>);

struct Inner {
    outgoing: Outgoing,
    open: Mutex<InFlight<IpAddr, oneshot::Sender<Response>>>,
    metrics: IpWatchMetrics,
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reach").finish_non_exhaustive()
    }
}

impl Reach {
    pub(super) fn new(outgoing: Outgoing, metrics: IpWatchMetrics) -> Self {
        Self(Arc::new(Inner { outgoing, open: Mutex::default(), metrics }))
    }

    fn open(&self) -> MutexGuard<'_, InFlight<IpAddr, oneshot::Sender<Response>>> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message that came in.
    pub(super) fn take(&self, server: &Server, message: &Publication) {
        let Some((device, said)) = words::read(message) else {
            tracing::debug!(topic = ?message.topic, "a message that is no machine's is passed over");
            return;
        };
        match said {
            Said::Answer(id, response) => {
                let waiting = self.open().answered(device, id.as_deref(), Instant::now());
                match waiting {
                    // Whoever hung up meanwhile has no use for it.
                    Some(waiting) => drop(waiting.send(response)),
                    None => tracing::debug!(%device, "an answer that nobody waits for"),
                }
            }
            Said::News(news) => {
                if matches!(news, News::Availability(Availability::Online)) && !message.retain {
                    self.open().came_back(device);
                }
                server.heard(Heard { device, user: None, at: Timestamp::now(), news });
            }
        }
    }

    async fn ask(&self, device: IpAddr, command: CommandName, within: Duration) -> Answer {
        let Some(id) = identity() else {
            return Answer::Unsent("the system gives no random numbers".to_owned());
        };
        let (answer, waiting) = oneshot::channel();
        self.open().begin(device, id.to_string(), answer);
        let mut word = Word { reach: self, device, id: id.as_str(), sent: true };
        let topic = Topic::Device(device, Leaf::Command);
        let body = Command { command, timestamp: Some(Timestamp::now()), id: Some(id.clone()) };
        let message = Publication::new(&topic, body.encode()).with(Properties {
            response_topic: Some(Topic::Device(device, Leaf::Response).to_string()),
            correlation: Some(id.to_string().into()),
            // Nobody waits longer: after that the machine is not to do it either.
            expiry: Some(within),
            ..Properties::default()
        });
        let delivered = async {
            match self.0.outgoing.publish(message).await {
                Delivery::Taken => std::future::pending().await,
                other => other,
            }
        };
        let delivery = tokio::select! {
            biased;
            answer = waiting => return answer.map_or(Answer::NoAnswer, Answer::Answered),
            delivery = delivered => delivery,
            () = tokio::time::sleep(within) => return Answer::NoAnswer,
        };
        // A connection that broke may have carried it before.
        word.sent = matches!(delivery, Delivery::Lost);
        match delivery {
            Delivery::NobodyThere | Delivery::Taken => Answer::NoAnswer,
            Delivery::Lost => Answer::Unsent("the connection to the broker broke".to_owned()),
            Delivery::Away => Answer::Unsent("the broker cannot be reached".to_owned()),
            Delivery::Refused(why) => Answer::Unsent(format!("the broker refuses it: {why}")),
        }
    }

    async fn counted(&self, device: IpAddr, command: CommandName, within: Duration) -> Answer {
        let begun = Instant::now();
        let answer = self.ask(device, command, within).await;
        let (outcome, took) = match &answer {
            Answer::Answered(response) if response.success => ("done", Some(begun.elapsed())),
            Answer::Answered(_) => ("refused", Some(begun.elapsed())),
            Answer::NoAnswer => ("no_answer", None),
            Answer::Unsent(_) => ("unsent", None),
        };
        self.0.metrics.commanded(command.as_str(), outcome, took);
        answer
    }
}

impl Fleet for Reach {
    async fn command(&self, device: IpAddr, command: CommandName, within: Duration) -> Answer {
        self.counted(device, command, within).await
    }

    async fn broadcast(&self, devices: Vec<IpAddr>, command: CommandName, within: Duration) -> Vec<Answer> {
        let mut answers = vec![Answer::NoAnswer; devices.len()];
        let apart = SPREAD.checked_div(u32::try_from(devices.len()).unwrap_or(u32::MAX)).unwrap_or(SPREAD);
        let mut asked = JoinSet::new();
        for (place, device) in devices.into_iter().enumerate() {
            let reach = self.clone();
            let wait = apart.min(APART).saturating_mul(u32::try_from(place).unwrap_or(u32::MAX));
            asked.spawn(async move {
                tokio::time::sleep(wait).await;
                (place, reach.counted(device, command, within).await)
            });
        }
        while let Some(ended) = asked.join_next().await {
            let Ok((place, answer)) = ended else { continue };
            if let Some(there) = answers.get_mut(place) {
                *there = answer;
            }
        }
        answers
    }

    /// The broker forgets that the machine is there, or is not.
    async fn retired(&self, device: IpAddr) {
        let topic = Topic::Device(device, Leaf::Availability);
        let delivery = self.0.outgoing.publish(Publication::new(&topic, Bytes::new())).await;
        if !matches!(delivery, Delivery::Taken | Delivery::NobodyThere) {
            tracing::warn!(%device, ?delivery, "what the broker keeps of a retired machine is not cleared");
        }
    }
}

/// The word that is left when nobody waits for an answer any more, for whatever reason.
struct Word<'a> {
    reach: &'a Reach,
    device: IpAddr,
    id: &'a str,
    /// Whether the machine may have seen the command.
    sent: bool,
}

impl Drop for Word<'_> {
    fn drop(&mut self) {
        self.reach.open().give_up(self.device, self.id, self.sent, Instant::now());
    }
}

/// The id of a command: 64 random bits.
fn identity() -> Option<CommandId> {
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).ok()?;
    format!("{:016x}", u64::from_be_bytes(random)).parse().ok()
}
