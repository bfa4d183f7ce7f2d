//! Guessing of tokens is slowed down until it is hopeless, without locking out the real device (row T3).
//!
//! A `token_code` has 24 bits, so the proxy counts failed proofs:
//! - per device and source: 5 failures in 15 minutes lock that source out for 15 minutes, then 30, 60, … up to 24 hours;
//! - per device, over all sources: at most 10 failures in any 60 seconds, thus at most 14,400 a day;
//! - sources from which the device proved itself before keep one of these ten places for themselves, and a successful proof
//!   costs nothing. A flood from elsewhere therefore never stops the device at its usual address.
//!
//! While a limit holds, the proof is not looked at: right and wrong tokens get the same answer. No IO and no clock here: the
//! caller passes the time, and asks and answers happen in one step, so that parallel attempts cannot outrun the count. Choice: PX-6.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::source::Source;

/// How many failures are tolerated, and how much is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Failures of one source against one device within [`window`](Self::window) that lock it out. Default 5.
    pub failures: u32,
    /// The window of these failures and the length of the first lock-out. Default 15 minutes.
    pub window: Duration,
    /// The longest lock-out; a source's past is remembered for twice that. Default 24 hours.
    pub longest: Duration,
    /// Failures against one device from all sources in any 60 seconds. Default 10, at least 2: one place in ten (at least one)
    /// is kept for known sources.
    pub per_minute: u32,
    /// Good sources remembered for each device. Default 4.
    pub known_sources: usize,
    /// Devices remembered. Default 65,536; beyond it those without good sources and longest quiet are forgotten.
    pub devices: usize,
    /// Failing sources remembered over all devices. Default 65,536; beyond it the longest quiet are forgotten.
    pub sources: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            failures: 5,
            window: Duration::from_secs(15 * 60),
            longest: Duration::from_secs(24 * 3600),
            per_minute: 10,
            known_sources: 4,
            devices: 65_536,
            sources: 65_536,
        }
    }
}

/// Which limit stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// This source failed too often against this device.
    Source,
    /// All sources together failed too often against this device.
    Device,
}

/// Why an attempt was turned down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// The proof was looked at and is wrong. `locked` tells when this failure brought a lock-out of the source.
    Wrong {
        /// How long the source is locked out from now on.
        locked: Option<Duration>,
    },
    /// The proof was not looked at.
    Locked {
        /// Which limit holds.
        scope: Scope,
        /// After which time an attempt may be looked at again.
        retry_after: Duration,
    },
}

const MINUTE: Duration = Duration::from_secs(60);

/// The failures of all sources against all devices.
#[derive(Debug)]
pub struct Lockout {
    limits: Limits,
    devices: HashMap<Arc<str>, Device>,
    sources: usize,
}

#[derive(Debug)]
struct Device {
    /// Failures of the last minute, oldest first; never more than `per_minute`.
    recent: VecDeque<Instant>,
    /// Good sources, the latest last.
    known: Vec<Source>,
    failing: HashMap<Source, Failing>,
    touched: Instant,
}

#[derive(Debug)]
struct Failing {
    /// Failures within the window, oldest first; fewer than `failures`.
    recent: VecDeque<Instant>,
    strikes: u32,
    locked_until: Option<Instant>,
    last: Instant,
}

impl Lockout {
    /// Nothing has failed yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, devices: HashMap::new(), sources: 0 }
    }

    /// Puts new limits in force; what was counted stays.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Tells whether an attempt would be looked at now, without counting anything.
    ///
    /// # Errors
    /// [`Denied::Locked`] while a limit holds.
    pub fn peek(&self, device: &str, source: Source, now: Instant) -> Result<(), Denied> {
        let Some(entry) = self.devices.get(device) else { return Ok(()) };
        if let Some(until) = entry.failing.get(&source).and_then(|f| f.locked_until)
            && until > now
        {
            return Err(Denied::Locked {
                scope: Scope::Source,
                retry_after: until.saturating_duration_since(now),
            });
        }
        let places = self.places(entry.known.contains(&source));
        let count = entry.recent.iter().filter(|at| now.saturating_duration_since(**at) < MINUTE).count();
        if count < places {
            return Ok(());
        }
        // The attempt becomes possible when the failure that holds the last place is a minute old.
        let blocking = entry.recent.len().saturating_sub(places);
        let since = entry.recent.get(blocking).copied().unwrap_or(now);
        let retry_after = MINUTE.saturating_sub(now.saturating_duration_since(since));
        Err(Denied::Locked { scope: Scope::Device, retry_after })
    }

    /// One attempt of `source` to pass for `device`. `proof` is called only when no limit holds.
    ///
    /// Call this only for devices that exist: each name that comes here may be remembered.
    ///
    /// # Errors
    /// [`Denied::Locked`] when the proof was not looked at, [`Denied::Wrong`] when it failed.
    pub fn attempt(
        &mut self,
        device: &str,
        source: Source,
        now: Instant,
        proof: impl FnOnce() -> bool,
    ) -> Result<(), Denied> {
        self.peek(device, source, now)?;
        if proof() {
            self.remember(device, source, now);
            return Ok(());
        }
        Err(Denied::Wrong { locked: self.count_failure(device, source, now) })
    }

    /// Records that `device` proved itself from `source`, as learned now or from an earlier run.
    pub fn remember(&mut self, device: &str, source: Source, now: Instant) {
        let most = self.limits.known_sources;
        let entry = self.entry(device, now);
        let had = entry.failing.remove(&source).is_some();
        entry.known.retain(|known| *known != source);
        entry.known.push(source);
        let excess = entry.known.len().saturating_sub(most);
        entry.known.drain(..excess);
        if had {
            self.sources = self.sources.saturating_sub(1);
        }
    }

    /// Every device with the sources from which it proved itself, the latest last.
    pub fn known(&self) -> impl Iterator<Item = (&str, &[Source])> {
        self.devices
            .iter()
            .filter(|(_, entry)| !entry.known.is_empty())
            .map(|(device, entry)| (&**device, entry.known.as_slice()))
    }

    /// Devices and failing sources held in memory.
    #[must_use]
    pub fn entries(&self) -> (usize, usize) {
        (self.devices.len(), self.sources)
    }

    fn places(&self, known: bool) -> usize {
        let all = usize::try_from(self.limits.per_minute).unwrap_or(usize::MAX);
        if known { all } else { all.saturating_sub((all / 10).max(1)) }
    }

    fn entry(&mut self, device: &str, now: Instant) -> &mut Device {
        if !self.devices.contains_key(device) && self.devices.len() >= self.limits.devices {
            self.forget_devices();
        }
        let entry = self.devices.entry(Arc::from(device)).or_insert_with(|| Device {
            recent: VecDeque::new(),
            known: Vec::new(),
            failing: HashMap::new(),
            touched: now,
        });
        entry.touched = now;
        entry
    }

    fn count_failure(&mut self, device: &str, source: Source, now: Instant) -> Option<Duration> {
        if self.sources >= self.limits.sources {
            self.forget_sources(now);
        }
        let Limits { failures, window, longest, .. } = self.limits;
        let entry = self.entry(device, now);
        while entry.recent.front().is_some_and(|at| now.saturating_duration_since(*at) >= MINUTE) {
            entry.recent.pop_front();
        }
        entry.recent.push_back(now);
        let before = entry.failing.len();
        let failing = entry.failing.entry(source).or_insert_with(|| Failing {
            recent: VecDeque::new(),
            strikes: 0,
            locked_until: None,
            last: now,
        });
        if now.saturating_duration_since(failing.last) >= longest.saturating_mul(2) {
            failing.strikes = 0;
        }
        failing.last = now;
        while failing.recent.front().is_some_and(|at| now.saturating_duration_since(*at) >= window) {
            failing.recent.pop_front();
        }
        failing.recent.push_back(now);
        let mut locked = None;
        if failing.recent.len() >= usize::try_from(failures).unwrap_or(usize::MAX) {
            let length = window.saturating_mul(1_u32 << failing.strikes.min(16)).min(longest);
            failing.strikes = failing.strikes.saturating_add(1);
            failing.recent.clear();
            failing.locked_until = now.checked_add(length);
            locked = Some(length);
        }
        let added = entry.failing.len().saturating_sub(before);
        self.sources = self.sources.saturating_add(added);
        locked
    }

    /// Forgets sources whose past no longer matters, then, if need be, the eighth part that is quiet the longest. What
    /// is lost is a source's own record; the limit per device holds without it.
    fn forget_sources(&mut self, now: Instant) {
        let memory = self.limits.longest.saturating_mul(2);
        let keep = |f: &Failing| now.saturating_duration_since(f.last) < memory;
        let mut times: Vec<Instant> = Vec::with_capacity(self.sources);
        for entry in self.devices.values_mut() {
            entry.failing.retain(|_, f| keep(f));
            times.extend(entry.failing.values().map(|f| f.last));
        }
        let most = self.limits.sources.saturating_sub(self.limits.sources / 8).saturating_sub(1);
        if let Some(excess) = times.len().checked_sub(most).filter(|excess| *excess > 0) {
            let at = excess.saturating_sub(1);
            let (_, oldest_kept, _) = times.select_nth_unstable(at);
            let limit = *oldest_kept;
            let mut left = excess;
            for entry in self.devices.values_mut() {
                entry.failing.retain(|_, f| {
                    let drop = left > 0 && f.last <= limit;
                    left = left.saturating_sub(usize::from(drop));
                    !drop
                });
            }
        }
        self.sources = self.devices.values().map(|entry| entry.failing.len()).sum();
    }

    /// Forgets the eighth part of the devices: those without good sources first, then those longest untouched.
    fn forget_devices(&mut self) {
        let excess = (self.devices.len() / 8).max(1);
        let mut order: Vec<(bool, Instant, Arc<str>)> = self
            .devices
            .iter()
            .map(|(device, entry)| (!entry.known.is_empty(), entry.touched, Arc::clone(device)))
            .collect();
        order.sort_unstable();
        for (_, _, device) in order.into_iter().take(excess) {
            if let Some(entry) = self.devices.remove(&device) {
                self.sources = self.sources.saturating_sub(entry.failing.len());
            }
        }
    }
}

#[cfg(test)]
mod tests;
