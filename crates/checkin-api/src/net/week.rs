use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// A week of a net, named by the local date of its day: `2025-03-03`. For a window past midnight that is the day on
/// which it opened.
///
/// Choice: CI-53.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Week(Date);

impl Week {
    /// The week of the net's day with that date.
    #[must_use]
    pub const fn of_date(date: Date) -> Self {
        Self(date)
    }

    /// The date of the net's day.
    #[must_use]
    pub const fn date(self) -> Date {
        self.0
    }

    /// The week before; `None` at the beginning of the calendar.
    #[must_use]
    pub fn before(self) -> Option<Self> {
        self.0.checked_sub(1.week()).ok().map(Self)
    }

    /// The week after; `None` at the end of the calendar.
    #[must_use]
    pub fn after(self) -> Option<Self> {
        self.0.checked_add(1.week()).ok().map(Self)
    }
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl FromStr for Week {
    type Err = InvalidWeek;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The four-digit form alone, so that a week has one name.
        let plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        let date = text.parse().ok().filter(|_| plain);
        date.map(Self).filter(|week| week.to_string() == text).ok_or(InvalidWeek)
    }
}

impl TryFrom<String> for Week {
    type Error = InvalidWeek;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Week> for String {
    fn from(week: Week) -> Self {
        week.to_string()
    }
}

/// The text is not a [`Week`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a week is written as the date of its day, YYYY-MM-DD")]
pub struct InvalidWeek;

/// When a check-in was heard, as far as its timestamp says it. Choice: CI-54.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// An instant: the timestamp has an offset, or the receiver's clock stands in for a timestamp that is no date.
    Instant(Timestamp),
    /// What a clock on the wall showed: the timestamp has no offset, and is read in the zone of whoever asks.
    Local(DateTime),
}

impl Moment {
    /// What the timestamp says, where it says anything; else when the check-in was received.
    #[must_use]
    pub fn of(timestamp: &crate::Timestamp, received_at: Timestamp) -> Self {
        match (timestamp.instant(), timestamp.civil(), timestamp.offset()) {
            (Some(instant), _, _) => Self::Instant(instant),
            (None, Some(local), None) => Self::Local(local),
            _ => Self::Instant(received_at),
        }
    }
}

/// From when to when: the window of a net in one week, or a whole week. It opens at the first and closes before the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Span {
    /// The instant at which it opens.
    pub opens: Timestamp,
    /// The first instant that is outside again.
    pub closes: Timestamp,
    /// What a clock in the zone shows when it opens.
    pub local_opens: DateTime,
    /// What a clock in the zone shows when it closes.
    pub local_closes: DateTime,
}

impl Span {
    /// Whether the moment lies in it.
    #[must_use]
    pub fn holds(&self, moment: Moment) -> bool {
        match moment {
            Moment::Instant(at) => self.opens <= at && at < self.closes,
            Moment::Local(at) => self.local_opens <= at && at < self.local_closes,
        }
    }

    /// Whether it is open at this instant.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.holds(Moment::Instant(now))
    }
}
