use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

use super::CronExpression;

/// A slot that nobody ran for longer than this is missed: 5 min.
///
/// Choice: IM-82.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(300);

const MAX_GRACE: Duration = Duration::from_secs(24 * 3600);
/// Missed slots are counted up to here.
const MAX_MISSED: u32 = 1000;

/// The time of a place, by its name in the IANA database: `Europe/Paris`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

impl Zone {
    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Its rules.
    #[must_use]
    pub const fn rules(&self) -> &TimeZone {
        &self.rules
    }

    /// Coordinated universal time.
    #[must_use]
    pub fn utc() -> Self {
        Self { name: "UTC".to_owned(), rules: TimeZone::UTC }
    }
}

/// The text names no [`Zone`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such time zone; they are named like Europe/Paris or UTC")]
pub struct InvalidZone;

impl FromStr for Zone {
    type Err = InvalidZone;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        // The database takes a name for a part of a path.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'+');
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return Err(InvalidZone);
        }
        let rules = TimeZone::get(name).map_err(|_| InvalidZone)?;
        Ok(Self { name: rules.iana_name().unwrap_or(name).to_owned(), rules })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl serde::Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

impl<'de> serde::Deserialize<'de> for Zone {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The slots of an expression in a zone, and up to where they are dealt with.
#[derive(Debug, Clone)]
pub struct Plan {
    expression: CronExpression,
    zone: Zone,
    grace: Duration,
    settled: Timestamp,
}

/// What a [`Plan`] asks for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The slot to run, unless all that came by are missed.
    pub run: Option<Timestamp>,
    /// How many slots are passed over, up to 1,000; they are for the log.
    pub missed: u32,
    /// All slots up to this instant are dealt with by this. It is written down before anything is done.
    pub settles: Timestamp,
}

impl Plan {
    /// The slots after `settled`: when the schedule was made, or up to where slots were dealt with. A grace time is a day at most.
    #[must_use]
    pub fn new(expression: CronExpression, zone: Zone, grace: Duration, settled: Timestamp) -> Self {
        let grace = grace.min(MAX_GRACE);
        Self { expression, zone, grace, settled }
    }

    /// When there is something to do next.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.expression.next_after(self.zone.rules(), self.settled)
    }

    /// The first slot after this instant, whatever is dealt with.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        self.expression.next_after(self.zone.rules(), after.max(self.settled))
    }

    /// Judges the slots that have come by: the newest is run unless it is older than the grace time, and all others are missed. A slot is
    /// never run late beyond that, and several are never run together.
    ///
    /// Choice: IM-82.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<Due> {
        self.next().filter(|first| *first <= now)?;
        let horizon = now.checked_sub(self.grace).unwrap_or(Timestamp::MIN);
        // The instant before the horizon, so that a slot on it counts.
        let before = horizon.checked_sub(Duration::from_nanos(1)).unwrap_or(horizon);
        let run = self.slots(self.settled.max(before), now).last();
        let passed = self.slots(self.settled, now).take(MAX_MISSED as usize + 1).count();
        let missed = u32::try_from(passed - usize::from(run.is_some())).unwrap_or(u32::MAX);
        Some(Due { run, missed: missed.min(MAX_MISSED), settles: run.unwrap_or(now) })
    }

    /// The slots after one instant, up to another.
    fn slots(&self, after: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
        let next = move |slot: Timestamp| self.expression.next_after(self.zone.rules(), slot);
        std::iter::successors(next(after), move |slot| next(*slot)).take_while(move |slot| *slot <= until)
    }

    /// The slots up to this one are dealt with.
    pub fn settle(&mut self, slot: Timestamp) {
        self.settled = self.settled.max(slot);
    }

    /// Up to where they are.
    #[must_use]
    pub const fn settled(&self) -> Timestamp {
        self.settled
    }
}
