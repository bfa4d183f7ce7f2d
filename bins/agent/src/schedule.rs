//! What the agent does when. A plain state machine: it is told the time and what came out, and says what is due.
//!
//! Only the monotonic clock is used, so a wall clock that jumps (NTP after boot, a battery that died) moves nothing.
//! How long to wait after an outcome is the retry policy's matter; this table keeps the appointments and one rule
//! of its own: while the server says that the device is not provisioned, the heartbeat alone asks again, rarely (R7).
//!
//! Choice: AG-4.

use std::time::Duration;

use tokio::time::Instant;

/// The least time between two starts of the same chore, however often it is hastened.
pub const MIN_SPACING: Duration = Duration::from_secs(5);

/// Something the agent does over and over. The tunnel is not among them: it is one long session with its own backoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Chore {
    /// `POST /api/devices/{device_key}/online` (§3.1).
    Heartbeat,
    /// `GET /api/ssh-hostkey` and the update of `known_hosts` (§3.2).
    HostKeys,
    /// `PUT /api/devices/{device_key}/ssh-key`, when the server's copy differs (§3.3).
    KeyPublication,
    /// `GET /api/ssh/pubkey` and the marked line of `authorized_keys`.
    ServerKey,
}

impl Chore {
    /// Every chore, in the order in which they run when all are due.
    pub const ALL: [Self; 4] = [Self::Heartbeat, Self::HostKeys, Self::KeyPublication, Self::ServerKey];

    /// The chore in a word or two.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::HostKeys => "host keys",
            Self::KeyPublication => "key publication",
            Self::ServerKey => "server key",
        }
    }
}

/// What the server's last answer said about the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// No answer yet. Only the heartbeat runs.
    Unknown,
    /// The server knows the device, or at least did not deny it.
    Known,
    /// 404: the device is not provisioned. Only the heartbeat runs, at the policy's long interval.
    NotProvisioned,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Off,
    Due(Instant),
    Running { hastened: bool },
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    chore: Chore,
    state: State,
    started: Option<Instant>,
}

/// The appointments.
#[derive(Clone, Debug)]
pub struct Schedule {
    slots: [Slot; 4],
    standing: Standing,
}

impl Schedule {
    /// A schedule of the heartbeat and of those other chores that `wanted` says are switched on, all due at `now`.
    #[must_use]
    pub fn new(wanted: impl Fn(Chore) -> bool, now: Instant) -> Self {
        let slot = |chore| {
            let on = chore == Chore::Heartbeat || wanted(chore);
            Slot { chore, state: if on { State::Due(now) } else { State::Off }, started: None }
        };
        Self { slots: Chore::ALL.map(slot), standing: Standing::Unknown }
    }

    /// The next chore that is due at `now`, if any. It counts as running until [`Schedule::finished`].
    pub fn take_due(&mut self, now: Instant) -> Option<Chore> {
        let standing = self.standing;
        let is_due = |slot: &&mut Slot| {
            allowed(standing, slot.chore) && matches!(slot.state, State::Due(at) if at <= now)
        };
        let slot = self.slots.iter_mut().find(is_due)?;
        slot.state = State::Running { hastened: false };
        slot.started = Some(now);
        Some(slot.chore)
    }

    /// When to look again; `None` when everything that may run is running.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Instant> {
        let due = |slot: &Slot| match slot.state {
            State::Due(at) if allowed(self.standing, slot.chore) => Some(at),
            _ => None,
        };
        self.slots.iter().filter_map(due).min()
    }

    /// Notes that `chore` has ended at `now` and is to run again after `wait`.
    pub fn finished(&mut self, chore: Chore, wait: Duration, now: Instant) {
        let standing = self.standing;
        if let Some(slot) = self.slot(chore)
            && let State::Running { hastened } = slot.state
        {
            slot.state = State::Due(now + wait);
            if hastened {
                hasten(slot, standing, now);
            }
        }
    }

    /// Brings `chore` forward to now, because something changed that makes waiting pointless. Two starts stay
    /// [`MIN_SPACING`] apart, and a device that is not provisioned gains nothing by it.
    pub fn hasten(&mut self, chore: Chore, now: Instant) {
        let standing = self.standing;
        if let Some(slot) = self.slot(chore) {
            hasten(slot, standing, now);
        }
    }

    /// Notes what the server says of the device.
    pub fn set_standing(&mut self, standing: Standing) {
        self.standing = standing;
    }

    /// What the server last said of the device.
    #[must_use]
    pub fn standing(&self) -> Standing {
        self.standing
    }

    fn slot(&mut self, chore: Chore) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.chore == chore)
    }
}

fn allowed(standing: Standing, chore: Chore) -> bool {
    chore == Chore::Heartbeat || standing == Standing::Known
}

fn hasten(slot: &mut Slot, standing: Standing, now: Instant) {
    match &mut slot.state {
        State::Due(at) if standing != Standing::NotProvisioned => {
            let earliest = slot.started.map_or(now, |started| now.max(started + MIN_SPACING));
            *at = earliest.min(*at);
        }
        State::Running { hastened } => *hastened = true,
        State::Due(_) | State::Off => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn drain(schedule: &mut Schedule, now: Instant) -> Vec<Chore> {
        std::iter::from_fn(|| schedule.take_due(now)).collect()
    }

    #[test]
    fn the_heartbeat_goes_first_and_the_rest_follows_once_the_device_is_known() {
        let start = Instant::now();
        let mut schedule = Schedule::new(|chore| chore != Chore::ServerKey, start);
        assert_eq!(drain(&mut schedule, start), [Chore::Heartbeat]);
        assert_eq!(schedule.next_wakeup(), None);

        schedule.set_standing(Standing::Known);
        schedule.finished(Chore::Heartbeat, 60 * SECOND, start + SECOND);
        assert_eq!(drain(&mut schedule, start + SECOND), [Chore::HostKeys, Chore::KeyPublication]);
        assert_eq!(schedule.next_wakeup(), Some(start + 61 * SECOND));
    }

    /// R7: nothing but the heartbeat asks while the answer is 404, and an address that flaps hastens nothing.
    #[test]
    fn a_device_that_is_not_provisioned_asks_by_heartbeat_alone_and_cannot_be_hastened() {
        let start = Instant::now();
        let mut schedule = Schedule::new(|_| true, start);
        assert_eq!(drain(&mut schedule, start), [Chore::Heartbeat]);
        schedule.set_standing(Standing::NotProvisioned);
        schedule.finished(Chore::Heartbeat, 300 * SECOND, start);
        for second in 0..300 {
            schedule.hasten(Chore::Heartbeat, start + second * SECOND);
            assert_eq!(drain(&mut schedule, start + second * SECOND), []);
        }
        assert_eq!(drain(&mut schedule, start + 300 * SECOND), [Chore::Heartbeat]);
    }

    #[test]
    fn hastening_moves_forward_only_and_keeps_the_spacing() {
        let start = Instant::now();
        let mut schedule = Schedule::new(|_| false, start);
        assert_eq!(drain(&mut schedule, start), [Chore::Heartbeat]);
        schedule.set_standing(Standing::Known);
        schedule.finished(Chore::Heartbeat, 60 * SECOND, start + SECOND);

        schedule.hasten(Chore::Heartbeat, start + 2 * SECOND);
        assert_eq!(schedule.next_wakeup(), Some(start + MIN_SPACING));
        schedule.hasten(Chore::Heartbeat, start + 4 * SECOND);
        assert_eq!(schedule.next_wakeup(), Some(start + MIN_SPACING));
        schedule.hasten(Chore::KeyPublication, start);
        assert_eq!(drain(&mut schedule, start + MIN_SPACING), [Chore::Heartbeat]);
    }

    #[test]
    fn hastening_a_running_chore_makes_it_run_again_soon_after() {
        let start = Instant::now();
        let mut schedule = Schedule::new(|_| false, start);
        schedule.set_standing(Standing::Known);
        assert_eq!(drain(&mut schedule, start), [Chore::Heartbeat]);
        schedule.hasten(Chore::Heartbeat, start + SECOND);
        schedule.finished(Chore::Heartbeat, 60 * SECOND, start + 9 * SECOND);
        assert_eq!(schedule.next_wakeup(), Some(start + 9 * SECOND));
    }
}
