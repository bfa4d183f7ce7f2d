//! Commands, from their entry in the log to what came of them.

use std::net::IpAddr;

use jiff::Timestamp;
use tokio::time::Instant;

use super::fleet::{Answer, Fleet};
use super::settings::Settings;
use super::shapes::LogView;
use super::store::{Begun, DeviceRecord, Ended, LogEntry, Origin, Outcome, Store, StoreError};
use super::{Shared, wake};
use crate::schedule::{Action, Target};
use crate::{CommandName, Response};

/// What came of a command to one machine.
#[derive(Debug, Clone)]
pub(super) struct Done {
    pub(super) ip: IpAddr,
    pub(super) outcome: Outcome,
    pub(super) message: String,
    pub(super) code: Option<String>,
    pub(super) timestamp: Option<Timestamp>,
    pub(super) took_ms: u64,
}

impl Done {
    fn new(ip: IpAddr, outcome: Outcome, message: impl Into<String>, code: Option<&str>) -> Self {
        let code = code.map(str::to_owned);
        Self { ip, outcome, message: message.into(), code, timestamp: None, took_ms: 0 }
    }

    /// Whether the machine does it, or was sent what wakes it.
    pub(super) const fn is_good(&self) -> bool {
        matches!(self.outcome, Outcome::Done | Outcome::Sent)
    }

    fn of(ip: IpAddr, answer: Answer) -> Self {
        match answer {
            Answer::Answered(response) => Self::answered(ip, &response),
            Answer::NoAnswer => {
                Self::new(ip, Outcome::NoAnswer, "the machine did not answer in time", Some("no_answer"))
            }
            Answer::Unsent(why) => Self::new(ip, Outcome::Unsent, why, Some("no_broker")),
        }
    }

    fn answered(ip: IpAddr, response: &Response) -> Self {
        let code = response.code.as_ref().map(ToString::to_string);
        // A machine that names its reason decided; one that does not may have failed.
        let outcome = match (&code, response.success) {
            (_, true) => Outcome::Done,
            (Some(code), false) if code != "failed" => Outcome::Refused,
            (_, false) => Outcome::Failed,
        };
        let mut done = Self::new(ip, outcome, response.message.clone(), code.as_deref());
        done.timestamp = response.timestamp;
        done
    }
}

/// The document's commands; waking is none of them.
fn command_name(action: Action) -> Option<CommandName> {
    match action {
        Action::Shutdown => Some(CommandName::Shutdown),
        Action::Reboot => Some(CommandName::Reboot),
        Action::Status => Some(CommandName::Status),
        Action::Wol => None,
    }
}

impl<S: Store, F: Fleet> Shared<S, F> {
    /// Does something to machines: written down first where it switches them on or off, then sent, then what came of it.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written down: then nothing is sent.
    ///
    /// Choice: IM-85.
    pub(super) async fn act(
        &self,
        settings: &Settings,
        origin: Origin,
        action: Action,
        devices: Vec<DeviceRecord>,
    ) -> Result<Vec<Done>, StoreError> {
        let now = self.environment.clock.now();
        let entries =
            if action.is_power() { self.begin(now, origin, action, &devices).await? } else { Vec::new() };
        let begun = Instant::now();
        let mut done = match command_name(action) {
            Some(command) => self.send(settings, command, &devices).await,
            None => self.wake(settings, &devices, &entries).await,
        };
        let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        for done in &mut done {
            done.took_ms = took;
        }
        self.end(entries, &done).await;
        Ok(done)
    }

    async fn begin(
        &self,
        now: Timestamp,
        origin: Origin,
        action: Action,
        devices: &[DeviceRecord],
    ) -> Result<Vec<LogView>, StoreError> {
        let begun = |device: &DeviceRecord| Begun {
            at: now,
            origin: origin.clone(),
            target: Target::Device(device.address),
            action,
            outcome: Outcome::Sent,
            message: None,
        };
        let begun: Vec<Begun> = devices.iter().map(begun).collect();
        let ids = self.store.begin_commands(begun.clone()).await?;
        let entries = ids.into_iter().zip(begun);
        let entries =
            entries.map(|(id, begun)| LogView::of(LogEntry { id, begun, code: None, took_ms: None }));
        let entries: Vec<_> = entries.collect();
        self.live.tell("log", &entries);
        Ok(entries)
    }

    async fn send(&self, settings: &Settings, command: CommandName, devices: &[DeviceRecord]) -> Vec<Done> {
        let within = settings.answer_within;
        if let [device] = devices {
            let answer = self.fleet.command(device.address, command, within).await;
            return vec![Done::of(device.address, answer)];
        }
        let addresses: Vec<IpAddr> = devices.iter().map(|device| device.address).collect();
        let mut answers = self.fleet.broadcast(addresses.clone(), command, within).await.into_iter();
        let answer = |ip| Done::of(ip, answers.next().unwrap_or(Answer::NoAnswer));
        addresses.into_iter().map(answer).collect()
    }

    async fn wake(&self, settings: &Settings, devices: &[DeviceRecord], entries: &[LogView]) -> Vec<Done> {
        let mut done = Vec::with_capacity(devices.len());
        for (device, entry) in devices.iter().zip(entries) {
            if !done.is_empty() {
                tokio::time::sleep(settings.wake_apart).await;
            }
            done.push(self.wake_one(settings, device, entry).await);
        }
        done
    }

    async fn wake_one(&self, settings: &Settings, device: &DeviceRecord, entry: &LogView) -> Done {
        let ip = device.address;
        let Some(mac) = device.mac else {
            return Done::new(ip, Outcome::Unsent, "the machine has no MAC address", Some("no_mac"));
        };
        // Before it is sent: the machine may be quick.
        self.live.waking(ip, entry.clone(), settings.up_within);
        match wake::send(mac, &settings.wake_destinations).await {
            Ok(()) => Done::new(ip, Outcome::Sent, "the magic packet is sent", None),
            Err(error) => {
                self.live.not_waking(ip);
                let words = format!("the magic packet could not be sent: {error}");
                Done::new(ip, Outcome::Unsent, words, Some("not_sent"))
            }
        }
    }

    /// Writes down what came of it. What cannot be written down now is kept for the next upkeep.
    async fn end(&self, entries: Vec<LogView>, done: &[Done]) {
        let mut ended = Vec::new();
        let mut shown = Vec::new();
        for (mut entry, done) in entries.into_iter().zip(done) {
            // A machine that is being woken has not come up yet: the upkeep notices.
            if done.outcome == Outcome::Sent {
                continue;
            }
            (entry.outcome, entry.took_ms) = (done.outcome.as_str(), Some(done.took_ms));
            (entry.message, entry.code) = (Some(done.message.clone()), done.code.clone());
            ended.push(Ended {
                id: entry.id,
                outcome: done.outcome,
                message: entry.message.clone(),
                code: entry.code.clone(),
                took_ms: done.took_ms,
            });
            shown.push(entry);
        }
        self.live.tell("log", &shown);
        self.write_ended(ended).await;
    }

    pub(super) async fn write_ended(&self, ended: Vec<Ended>) {
        if ended.is_empty() {
            return;
        }
        if let Err(error) = self.store.end_commands(ended.clone()).await {
            tracing::warn!(%error, entries = ended.len(), "what came of commands is not written down yet");
            self.keep_ended(ended);
        }
    }
}

impl LogView {
    pub(super) fn of(entry: LogEntry) -> Self {
        let LogEntry { id, begun, code, took_ms } = entry;
        let (who, schedule) = match begun.origin {
            Origin::Key(name) => (name, None),
            Origin::Schedule(id, name) => (name, Some(id)),
        };
        let ip = match begun.target {
            Target::Device(ip) => Some(ip),
            _ => None,
        };
        let target = begun.target.to_string();
        let (at, command, outcome) = (begun.at, begun.action, begun.outcome.as_str());
        Self { id, at, who, schedule, ip, target, command, outcome, message: begun.message, code, took_ms }
    }
}
