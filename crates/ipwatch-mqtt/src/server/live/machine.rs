use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::server::fleet::News;
use crate::server::shapes::{DeviceView, LogView, Presence, WakeResult, WakeView};
use crate::server::store::{DeviceRecord, Ended, Outcome, Sample};
use crate::{Availability, Status};

/// A registered machine, and what it said last.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) record: DeviceRecord,
    pub(super) presence: Presence,
    since: Option<Timestamp>,
    last_seen: Option<Timestamp>,
    status: Option<(Status, Timestamp)>,
    wake: Option<Wake>,
}

/// An attempt to wake it.
#[derive(Debug)]
struct Wake {
    view: WakeView,
    begun: Instant,
    until: Instant,
    entry: LogView,
}

impl Machine {
    pub(super) const fn new(record: DeviceRecord) -> Self {
        Self { record, presence: Presence::Unknown, since: None, last_seen: None, status: None, wake: None }
    }

    /// The same machine, as the store knows it now.
    pub(super) fn with(self, record: DeviceRecord) -> Self {
        Self { record, ..self }
    }

    /// Where the broker tells who speaks, and somebody is named who may, it must be that one (threats M3, M5).
    pub(super) fn may_speak(&self, user: Option<&str>) -> bool {
        match (&self.record.user, user) {
            (Some(may), Some(speaks)) => may == speaks,
            _ => true,
        }
    }

    /// Takes what it says; when that ends an attempt to wake it, what is to be written down.
    pub(super) fn take(&mut self, news: News, at: Timestamp) -> Option<(Ended, LogView)> {
        self.last_seen = Some(at);
        let presence = match news {
            News::Availability(Availability::Online) => Presence::Online,
            News::Availability(Availability::Offline) => Presence::Offline,
            News::Status(status) => {
                self.status = Some((*status, at));
                // A status that overtakes the word that it is there, or is the first that is heard.
                if self.presence == Presence::Unknown { Presence::Online } else { self.presence }
            }
        };
        if presence != self.presence {
            self.presence = presence;
            self.since = Some(at);
        }
        if presence == Presence::Online { self.end_wake(WakeResult::Up, Outcome::Up) } else { None }
    }

    /// A new attempt; what came of the one before, if that was still under way.
    pub(super) fn wake(&mut self, entry: LogView, within: Duration) -> Option<(Ended, LogView)> {
        let before = self.end_wake(WakeResult::NoSign, Outcome::NoSign);
        let begun = Instant::now();
        let view = WakeView { at: entry.at, result: WakeResult::Waiting };
        self.wake = Some(Wake { view, begun, until: begun + within, entry });
        before
    }

    pub(super) fn forget_wake(&mut self) {
        self.wake = None;
    }

    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.wake.as_ref().is_some_and(|wake| wake.view.result == WakeResult::Waiting && wake.until <= now)
    }

    pub(super) fn end_wake(&mut self, result: WakeResult, outcome: Outcome) -> Option<(Ended, LogView)> {
        let wake = self.wake.as_mut().filter(|wake| wake.view.result == WakeResult::Waiting)?;
        wake.view.result = result;
        let took_ms = u64::try_from(wake.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let message = match outcome {
            Outcome::Up => "the machine came up",
            _ => "the machine gave no sign",
        };
        let entry = &mut wake.entry;
        (entry.outcome, entry.took_ms) = (outcome.as_str(), Some(took_ms));
        entry.message = Some(message.to_owned());
        let ended = Ended {
            id: entry.id,
            outcome,
            message: entry.message.clone(),
            code: entry.code.clone(),
            took_ms,
        };
        Some((ended, entry.clone()))
    }

    pub(super) fn sample(&self, status: &Status, at: Timestamp) -> Sample {
        Sample {
            device: self.record.id,
            at,
            cpu: share(status.cpu_percent),
            memory: share(status.memory_percent),
            disk: share(status.disk_percent),
            uptime: status.uptime,
        }
    }

    pub(super) fn view(&self) -> DeviceView {
        let record = &self.record;
        DeviceView {
            ip: record.address,
            name: record.name.clone(),
            mac: record.mac,
            groups: record.groups.clone(),
            user: record.user.clone(),
            availability: self.presence,
            since: self.since,
            last_seen: self.last_seen,
            status: self.status.as_ref().map(|(status, _)| status.clone()),
            status_at: self.status.as_ref().map(|(_, at)| *at),
            wake: self.wake.as_ref().map(|wake| wake.view),
        }
    }
}

/// Percent in hundredths. What is no share is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked before")]
fn share(percent: Option<f64>) -> Option<u16> {
    percent.filter(|percent| (0.0..=100.0).contains(percent)).map(|percent| (percent * 100.0).round() as u16)
}
