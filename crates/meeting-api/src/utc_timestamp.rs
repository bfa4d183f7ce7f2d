use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A time in UTC to the second, written `YYYY-MM-DD HH:MM:SS`.
///
/// The years 0000 to 9999 are representable. ISO 8601 in UTC (`2026-02-02T12:34:56Z`, a fraction of the second
/// dropped) is read too.
///
/// Source: meeting §3.1. Choice: MA-4.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UtcTimestamp(i64);

const SECONDS_PER_DAY: i64 = 86_400;

impl UtcTimestamp {
    /// The first representable second, `0000-01-01 00:00:00`.
    pub const MIN: Self = Self(-62_167_219_200);
    /// The last representable second, `9999-12-31 23:59:59`.
    pub const MAX: Self = Self(253_402_300_799);

    /// The second `seconds` after 1970-01-01 00:00:00 UTC; `None` outside the years 0000 to 9999.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Option<Self> {
        if seconds < Self::MIN.0 || seconds > Self::MAX.0 { None } else { Some(Self(seconds)) }
    }

    /// The same for a clock's reading, which is brought into range.
    #[must_use]
    pub fn from_system_time(time: SystemTime) -> Self {
        let seconds = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            Err(before) => {
                let before = before.duration();
                let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                -whole - i64::from(before.subsec_nanos() > 0)
            }
        };
        Self(seconds.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Seconds since 1970-01-01 00:00:00 UTC.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// This time and `seconds` more, brought into range.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds).clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Seconds from `earlier` to this time, 0 when `earlier` is later.
    #[must_use]
    pub fn seconds_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0 - earlier.0).unwrap_or(0)
    }

    fn from_civil(civil: Civil) -> Option<Self> {
        let Civil { year, month, day, hour, minute, second } = civil;
        let valid = (0..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && (0..24).contains(&hour)
            && (0..60).contains(&minute)
            && (0..60).contains(&second);
        valid.then(|| {
            Self(days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second)
        })
    }
}

/// A date and time of day in parts, not yet checked.
#[derive(Debug, Clone, Copy)]
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 in the proleptic Gregorian calendar. The year is counted from March, so that the leap
/// day is its last day and the months' lengths follow one line: (153 m + 2) / 5 days before month m.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    365 * year + leap_days + day_of_year - 719_468
}

/// The inverse of [`days_from_civil`].
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let cycle = days.div_euclid(146_097);
    let day_of_cycle = days.rem_euclid(146_097);
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = cycle * 400 + year_of_cycle + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

impl fmt::Display for UtcTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(SECONDS_PER_DAY));
        let second = self.0.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

impl fmt::Debug for UtcTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UtcTimestamp({self})")
    }
}

impl FromStr for UtcTimestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (head, tail) = text.split_at_checked(19).ok_or(InvalidTimestamp)?;
        let separator = separated(head).ok_or(InvalidTimestamp)?;
        let tail_ok = match separator {
            b' ' => tail.is_empty(),
            _ => is_utc_suffix(tail),
        };
        if !tail_ok {
            return Err(InvalidTimestamp);
        }
        let number = |from: usize, to: usize| head.get(from..to).and_then(|digits| digits.parse().ok());
        let civil = || {
            Some(Civil {
                year: number(0, 4)?,
                month: number(5, 7)?,
                day: number(8, 10)?,
                hour: number(11, 13)?,
                minute: number(14, 16)?,
                second: number(17, 19)?,
            })
        };
        civil().and_then(Self::from_civil).ok_or(InvalidTimestamp)
    }
}

/// The byte between date and time when `head` has digits and separators in their places.
fn separated(head: &str) -> Option<u8> {
    let bytes = head.as_bytes();
    let fits = bytes.iter().zip(b"0000-00-00 00:00:00").all(|(byte, pattern)| match pattern {
        b'0' => byte.is_ascii_digit(),
        b' ' => matches!(byte, b' ' | b'T'),
        other => byte == other,
    });
    bytes.get(10).copied().filter(|_| fits)
}

/// `Z` or `+00:00`, after an optional fraction.
fn is_utc_suffix(tail: &str) -> bool {
    let zone = match tail.strip_prefix('.') {
        Some(fraction) => {
            let zone = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
            if zone.len() == fraction.len() {
                return false;
            }
            zone
        }
        None => tail,
    };
    matches!(zone, "Z" | "+00:00")
}

impl TryFrom<String> for UtcTimestamp {
    type Error = InvalidTimestamp;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<UtcTimestamp> for String {
    fn from(time: UtcTimestamp) -> Self {
        time.to_string()
    }
}

/// The text is not a [`UtcTimestamp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time is written YYYY-MM-DD HH:MM:SS, in UTC")]
pub struct InvalidTimestamp;
