//! How many connections may wait unproved at the control port (row T2).
//!
//! Like OpenSSH's `MaxStartups`: from `start` half-open connections on, a new one is dropped with probability `rate` per
//! cent, growing in a straight line to certainty at `full`. One such ramp holds for each source and one for all together.
//! No IO and no randomness here: the caller passes a random draw.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::source::Source;

/// `start:rate:full`: none dropped below `start` half-open connections, `rate` per cent at `start`, all at `full`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ramp {
    start: u32,
    rate_percent: u32,
    full: u32,
}

impl Ramp {
    /// The bound for one source, unless set otherwise: `10:30:100`.
    pub const PER_SOURCE: Self = Self { start: 10, rate_percent: 30, full: 100 };
    /// The bound for all sources together, unless set otherwise: `1000:30:2000`.
    pub const TOTAL: Self = Self { start: 1000, rate_percent: 30, full: 2000 };

    /// A ramp; `None` unless `start` ≤ `full`, `full` ≥ 1 and `rate_percent` ≤ 100.
    #[must_use]
    pub const fn new(start: u32, rate_percent: u32, full: u32) -> Option<Self> {
        if start > full || full == 0 || rate_percent > 100 {
            return None;
        }
        Some(Self { start, rate_percent, full })
    }

    /// Whether a connection is dropped when `open` others are half-open; `draw` is uniform over all of `u32`.
    #[must_use]
    pub fn drops(self, open: u32, draw: u32) -> bool {
        if open >= self.full {
            return true;
        }
        if open < self.start {
            return false;
        }
        // Per cent at `open`, in hundredths of a per cent so that small steps count.
        let rate = u64::from(self.rate_percent) * 100;
        let span = u64::from(self.full - self.start);
        let over = u64::from(open - self.start);
        let chance = rate + (10_000 - rate) * over / span;
        (u64::from(draw) * 10_000) >> 32 < chance
    }
}

/// The text is not `start:rate:full` with start ≤ full, full ≥ 1, rate ≤ 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected \"start:rate:full\", for instance \"10:30:100\", with start ≤ full, full ≥ 1, rate ≤ 100")]
pub struct NotARamp;

impl FromStr for Ramp {
    type Err = NotARamp;

    fn from_str(text: &str) -> Result<Self, NotARamp> {
        let mut parts = text.split(':').map(|part| part.trim().parse::<u32>());
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(start)), Some(Ok(rate)), Some(Ok(full)), None) => {
                Self::new(start, rate, full).ok_or(NotARamp)
            }
            _ => Err(NotARamp),
        }
    }
}

impl TryFrom<String> for Ramp {
    type Error = NotARamp;

    fn try_from(text: String) -> Result<Self, NotARamp> {
        text.parse()
    }
}

impl From<Ramp> for String {
    fn from(ramp: Ramp) -> Self {
        ramp.to_string()
    }
}

impl fmt::Display for Ramp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.start, self.rate_percent, self.full)
    }
}

/// Which bound dropped a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dropped {
    /// Its source has too many half-open connections.
    Source,
    /// There are too many half-open connections altogether.
    Total,
}

/// The half-open connections, counted by source.
#[derive(Debug)]
pub struct Admission {
    per_source: Ramp,
    total: Ramp,
    open: u32,
    by_source: HashMap<Source, u32>,
}

impl Admission {
    /// No connection is open yet.
    #[must_use]
    pub fn new(per_source: Ramp, total: Ramp) -> Self {
        Self { per_source, total, open: 0, by_source: HashMap::new() }
    }

    /// Puts new bounds in force for connections to come.
    pub fn set_bounds(&mut self, per_source: Ramp, total: Ramp) {
        self.per_source = per_source;
        self.total = total;
    }

    /// Counts a new connection in, or says which bound drops it. Each success needs one [`leave`](Self::leave).
    ///
    /// # Errors
    /// [`Dropped`] names the bound; the connection is not counted then.
    pub fn enter(&mut self, source: Source, draw: u32) -> Result<(), Dropped> {
        let mine = self.by_source.get(&source).copied().unwrap_or(0);
        if self.per_source.drops(mine, draw) {
            return Err(Dropped::Source);
        }
        // The same draw would tie the two decisions together; its halves swapped serve as a second one.
        if self.total.drops(self.open, draw.rotate_left(16)) {
            return Err(Dropped::Total);
        }
        self.open = self.open.saturating_add(1);
        self.by_source.insert(source, mine.saturating_add(1));
        Ok(())
    }

    /// Counts a connection out: it proved itself, failed, or was closed.
    pub fn leave(&mut self, source: Source) {
        self.open = self.open.saturating_sub(1);
        if let Some(count) = self.by_source.get_mut(&source) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.by_source.remove(&source);
            }
        }
    }

    /// Connections counted in now.
    #[must_use]
    pub fn open(&self) -> u32 {
        self.open
    }
}

/// Admission shared by connection tasks; a [`Ticket`] counts its connection out when dropped.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Mutex<Admission>>);

impl Gate {
    /// A gate with these bounds.
    #[must_use]
    pub fn new(per_source: Ramp, total: Ramp) -> Self {
        Self(Arc::new(Mutex::new(Admission::new(per_source, total))))
    }

    /// Puts new bounds in force for connections to come.
    pub fn set_bounds(&self, per_source: Ramp, total: Ramp) {
        self.with(|admission| admission.set_bounds(per_source, total));
    }

    /// Lets a connection in, or says which bound drops it.
    ///
    /// # Errors
    /// As [`Admission::enter`].
    pub fn enter(&self, source: Source, draw: u32) -> Result<Ticket, Dropped> {
        self.with(|admission| admission.enter(source, draw))?;
        Ok(Ticket { gate: self.clone(), source })
    }

    /// Connections waiting now.
    #[must_use]
    pub fn open(&self) -> u32 {
        self.with(|admission| admission.open())
    }

    fn with<T>(&self, f: impl FnOnce(&mut Admission) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One connection that is counted in.
#[derive(Debug)]
pub struct Ticket {
    gate: Gate,
    source: Source,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.gate.with(|admission| admission.leave(self.source));
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn v4(n: u32) -> Source {
        Source::from(IpAddr::from((0x0a00_0000 + n).to_be_bytes()))
    }

    #[test]
    fn ramps_read_and_write_as_openssh_has_them() {
        assert_eq!("10:30:100".parse(), Ok(Ramp::PER_SOURCE));
        assert_eq!(Ramp::PER_SOURCE.to_string(), "10:30:100");
        for wrong in ["", "10", "10:30", "10:30:100:1", "101:30:100", "10:101:100", "0:0:0", "a:b:c"] {
            assert_eq!(wrong.parse::<Ramp>(), Err(NotARamp), "{wrong}");
        }
    }

    #[test]
    fn the_share_dropped_follows_the_ramp() {
        let share = |open: u32| {
            let dropped = (0..10_000_u32).filter(|n| Ramp::PER_SOURCE.drops(open, n * 429_496)).count();
            dropped / 100
        };
        assert_eq!(
            [share(0), share(9), share(10), share(55), share(99), share(100)],
            [0, 0, 30, 65, 99, 100]
        );
    }

    /// T2: one source never holds more than 100 of the places; all sources together never more than 2,000.
    #[test]
    fn t2_half_open_connections_are_bounded_per_source_and_in_total() {
        let mut admission = Admission::new(Ramp::PER_SOURCE, Ramp::TOTAL);
        let mut draw = 1_u32;
        let mut entered = 0_u32;
        for _ in 0..100_000 {
            draw = draw.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            entered += u32::from(admission.enter(v4(1), draw).is_ok());
        }
        assert!(entered <= 100, "{entered}");
        for n in 0..1_000_000_u32 {
            draw = draw.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let _ = admission.enter(v4(2 + n % 50_000), draw);
        }
        assert!(admission.open() <= 2000, "{}", admission.open());
        assert_eq!(admission.enter(v4(99_999), 0), Err(Dropped::Total));
    }

    #[test]
    fn a_ticket_gives_its_place_back_and_nothing_is_left_in_memory() {
        let gate = Gate::new(Ramp::new(2, 100, 2).unwrap(), Ramp::TOTAL);
        let first = gate.enter(v4(1), 0).unwrap();
        let second = gate.enter(v4(1), u32::MAX).unwrap();
        assert_eq!(gate.enter(v4(1), u32::MAX).unwrap_err(), Dropped::Source);
        let elsewhere = gate.enter(v4(2), 0).unwrap();
        assert_eq!(gate.open(), 3);
        drop(first);
        let again = gate.enter(v4(1), 0).unwrap();
        drop((second, elsewhere, again));
        assert_eq!(gate.open(), 0);
        assert!(gate.with(|admission| admission.by_source.is_empty()));
    }
}
