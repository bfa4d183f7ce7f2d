//! What is known of the machines now, and whoever follows it.
//!
//! One lock holds the machines and the events about them, so that whoever is shown all machines knows which events come after.

mod events;
mod machine;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::Notify;
use tokio::time::Instant;

pub(super) use self::events::Follower;
use self::events::Ring;
use self::machine::Machine;
use super::fleet::{Heard, Heed, News};
use super::shapes::{DeviceList, DeviceView, LogView, Presence, StrangerView, WakeResult};
use super::store::{DeviceRecord, Ended, Outcome, Sample};

/// Most addresses that are shown though they are nobody's. Choice: IM-90.
const MAX_STRANGERS: usize = 1024;
/// Most samples that wait for the database: a minute of 30,000 machines. The oldest are given up.
const MAX_SAMPLES: usize = 65_536;

#[derive(Debug)]
pub(super) struct Live {
    state: Mutex<State>,
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct State {
    machines: BTreeMap<IpAddr, Machine>,
    strangers: BTreeMap<IpAddr, StrangerView>,
    samples: Vec<Sample>,
    ended: Vec<(Ended, LogView)>,
    ring: Ring,
    counts: Counts,
}

/// How the server is doing: what a page of metrics shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Counts {
    /// Machines that are there.
    pub online: u64,
    /// Machines that are not.
    pub offline: u64,
    /// Machines of which nothing was heard yet.
    pub unknown: u64,
    /// Addresses that speak and are nobody's, or in whose name somebody else speaks.
    pub strangers: u64,
    /// Messages that were taken.
    pub taken: u64,
    /// Messages of machines that are not registered.
    pub unregistered: u64,
    /// Messages of another user than the one that may speak for the machine.
    pub wrong_user: u64,
    /// Samples that were given up because the database did not take them.
    pub samples_lost: u64,
    /// Who follows the events now.
    pub followers: u64,
}

impl Live {
    pub(super) fn new(boot: String) -> Self {
        let state = State {
            machines: BTreeMap::new(),
            strangers: BTreeMap::new(),
            samples: Vec::new(),
            ended: Vec::new(),
            ring: Ring::new(boot),
            counts: Counts::default(),
        };
        Self { state: Mutex::new(state), changed: Arc::new(Notify::new()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the store says about which machines there are.
    pub(super) fn reload(&self, records: Vec<DeviceRecord>) {
        let mut state = self.state();
        let mut kept = BTreeMap::new();
        for record in records.into_iter().filter(|record| record.retired_at.is_none()) {
            let address = record.address;
            let machine = match state.machines.remove(&address) {
                Some(machine) if machine.record == record => machine,
                known => {
                    let machine = match known {
                        Some(known) => known.with(record),
                        None => Machine::new(record),
                    };
                    state.strangers.remove(&address);
                    state.emit("device", &machine.view());
                    machine
                }
            };
            kept.insert(address, machine);
        }
        let gone = std::mem::replace(&mut state.machines, kept);
        for ip in gone.into_keys() {
            state.emit("removed", &Removed { ip });
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Takes what was heard, if it is a registered machine's and comes from whoever may speak for it.
    pub(super) fn heard(&self, heard: Heard) -> Heed {
        let mut state = self.state();
        let state = &mut *state;
        let heed = match state.machines.get_mut(&heard.device) {
            None => Heed::Unregistered,
            Some(machine) if !machine.may_speak(heard.user.as_deref()) => Heed::WrongUser,
            Some(machine) => {
                if let News::Status(status) = &heard.news {
                    if state.samples.len() >= MAX_SAMPLES {
                        state.samples.drain(..MAX_SAMPLES / 16);
                        state.counts.samples_lost += MAX_SAMPLES as u64 / 16;
                    }
                    state.samples.push(machine.sample(status, heard.at));
                }
                let came_up = machine.take(heard.news, heard.at);
                let view = machine.view();
                state.ring.push("device", &view);
                if let Some(ended) = came_up {
                    state.ring.push("log", &ended.1);
                    state.ended.push(ended);
                }
                state.counts.taken += 1;
                self.changed.notify_waiters();
                return Heed::Taken;
            }
        };
        let reason = match heed {
            Heed::WrongUser => {
                state.counts.wrong_user += 1;
                "wrong_user"
            }
            _ => {
                state.counts.unregistered += 1;
                "unregistered"
            }
        };
        if state.note_stranger(heard.device, reason, heard.user, heard.at) {
            self.changed.notify_waiters();
        }
        heed
    }

    /// Notes that a machine is being woken: what came of it is known when it comes up, or when the time is over.
    pub(super) fn waking(&self, device: IpAddr, entry: LogView, within: Duration) {
        let mut state = self.state();
        let Some(machine) = state.machines.get_mut(&device) else { return };
        let before = machine.wake(entry, within);
        let view = machine.view();
        state.emit("device", &view);
        state.ended.extend(before);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Nothing was sent after all.
    pub(super) fn not_waking(&self, device: IpAddr) {
        let mut state = self.state();
        let Some(machine) = state.machines.get_mut(&device) else { return };
        machine.forget_wake();
        let view = machine.view();
        state.emit("device", &view);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Gives up on the machines that should have come up by now, and hands over what is to be written down.
    pub(super) fn sweep(&self) -> Vec<Ended> {
        let now = Instant::now();
        let mut state = self.state();
        let late: Vec<IpAddr> =
            state.machines.iter().filter(|(_, machine)| machine.is_late(now)).map(|(ip, _)| *ip).collect();
        let any = !late.is_empty();
        for ip in late {
            let Some(machine) = state.machines.get_mut(&ip) else { continue };
            let ended = machine.end_wake(WakeResult::NoSign, Outcome::NoSign);
            let view = machine.view();
            state.emit("device", &view);
            if let Some(ended) = ended {
                state.emit("log", &ended.1);
                state.ended.push(ended);
            }
        }
        let ended = std::mem::take(&mut state.ended);
        drop(state);
        if any {
            self.changed.notify_waiters();
        }
        ended.into_iter().map(|(ended, _)| ended).collect()
    }

    /// Tells whoever follows.
    pub(super) fn tell(&self, event: &'static str, values: &[impl Serialize]) {
        let mut state = self.state();
        for value in values {
            state.emit(event, value);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// The samples that wait for the database.
    pub(super) fn take_samples(&self) -> Vec<Sample> {
        std::mem::take(&mut self.state().samples)
    }

    /// Gives back samples that the database did not take, as many as there is room for.
    pub(super) fn give_back(&self, mut samples: Vec<Sample>) {
        let mut state = self.state();
        samples.append(&mut state.samples);
        let lost = samples.len().saturating_sub(MAX_SAMPLES);
        samples.drain(..lost);
        state.counts.samples_lost += lost as u64;
        state.samples = samples;
    }

    pub(super) fn list(&self) -> DeviceList {
        self.state().list()
    }

    pub(super) fn view(&self, device: IpAddr) -> Option<DeviceView> {
        self.state().machines.get(&device).map(Machine::view)
    }

    /// The registered machine with this address.
    pub(super) fn record(&self, device: IpAddr) -> Option<DeviceRecord> {
        self.state().machines.get(&device).map(|machine| machine.record.clone())
    }

    /// The registered machines that this is true of, by address.
    pub(super) fn records(&self, is_wanted: impl Fn(&DeviceRecord) -> bool) -> Vec<DeviceRecord> {
        let state = self.state();
        state
            .machines
            .values()
            .map(|machine| &machine.record)
            .filter(|record| is_wanted(record))
            .cloned()
            .collect()
    }

    pub(super) fn counts(&self) -> Counts {
        let state = self.state();
        let mut counts = state.counts;
        counts.strangers = state.strangers.len() as u64;
        for machine in state.machines.values() {
            match machine.presence {
                Presence::Online => counts.online += 1,
                Presence::Offline => counts.offline += 1,
                Presence::Unknown => counts.unknown += 1,
            }
        }
        counts
    }
}

#[derive(Serialize)]
struct Removed {
    ip: IpAddr,
}

impl State {
    fn emit(&mut self, event: &'static str, value: &impl Serialize) {
        self.ring.push(event, value);
    }

    fn list(&self) -> DeviceList {
        DeviceList {
            devices: self.machines.values().map(Machine::view).collect(),
            strangers: self.strangers.values().cloned().collect(),
        }
    }

    /// Whether there is something new to show: an address that was not there, or another reason.
    fn note_stranger(
        &mut self,
        ip: IpAddr,
        reason: &'static str,
        user: Option<String>,
        at: Timestamp,
    ) -> bool {
        if let Some(known) = self.strangers.get_mut(&ip) {
            let news = known.reason != reason;
            (known.reason, known.user, known.last_seen) = (reason, user, at);
            known.messages += 1;
            let view = known.clone();
            if news {
                self.emit("stranger", &view);
            }
            return news;
        }
        if self.strangers.len() >= MAX_STRANGERS {
            return false;
        }
        let view = StrangerView { ip, reason, user, first_seen: at, last_seen: at, messages: 1 };
        self.emit("stranger", &view);
        self.strangers.insert(ip, view);
        true
    }
}
