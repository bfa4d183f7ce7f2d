use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A time of day as a clock on the wall shows it, from `00:00` to `24:00`, to the second.
///
/// Written `20:00` or `20:00:30`. `24:00` is the end of the day.
///
/// Choice: CI-50.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LocalTime(u32);

const SECONDS_PER_DAY: u32 = 86_400;

impl LocalTime {
    /// The beginning of the day, `00:00`.
    pub const START_OF_DAY: Self = Self(0);
    /// The end of the day, `24:00`.
    pub const END_OF_DAY: Self = Self(SECONDS_PER_DAY);

    /// So many seconds after midnight on a day of 24 hours; `None` beyond 86,400.
    #[must_use]
    pub const fn from_seconds(seconds: u32) -> Option<Self> {
        if seconds > SECONDS_PER_DAY { None } else { Some(Self(seconds)) }
    }

    /// Seconds after midnight on a day of 24 hours.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        self.0
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hour, minute, second) = (self.0 / 3600, self.0 / 60 % 60, self.0 % 60);
        if second == 0 {
            write!(f, "{hour:02}:{minute:02}")
        } else {
            write!(f, "{hour:02}:{minute:02}:{second:02}")
        }
    }
}

impl FromStr for LocalTime {
    type Err = InvalidLocalTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split(':');
        let mut number = |limit: u32| {
            let part = parts.next()?;
            let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|number| digits && *number < limit)
        };
        let (hour, minute) = number(25).zip(number(60)).ok_or(InvalidLocalTime)?;
        let second = match text.len() {
            5 => 0,
            _ => number(60).ok_or(InvalidLocalTime)?,
        };
        if parts.next().is_some() {
            return Err(InvalidLocalTime);
        }
        Self::from_seconds(hour * 3600 + minute * 60 + second).ok_or(InvalidLocalTime)
    }
}

impl TryFrom<String> for LocalTime {
    type Error = InvalidLocalTime;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LocalTime> for String {
    fn from(time: LocalTime) -> Self {
        time.to_string()
    }
}

/// The text is not a [`LocalTime`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time of day is written 20:00 or 20:00:30, from 00:00 to 24:00")]
pub struct InvalidLocalTime;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day_are_read_and_written() {
        for (text, seconds) in [("00:00", 0), ("20:00", 72_000), ("23:59:59", 86_399), ("24:00", 86_400)] {
            let time: LocalTime = text.parse().unwrap();
            assert_eq!((time.seconds(), time.to_string().as_str()), (seconds, text));
        }
        assert_eq!("08:30:00".parse::<LocalTime>().unwrap().to_string(), "08:30");
    }

    #[test]
    fn what_is_no_time_of_day_is_refused() {
        for text in [
            "",
            "8:00",
            "24:01",
            "24:00:01",
            "25:00",
            "20:60",
            "20:00:60",
            "20",
            "20:00:",
            "20:00:00:00",
            "+1:00",
            "２0:00",
            "20:00 ",
        ] {
            assert_eq!(text.parse::<LocalTime>(), Err(InvalidLocalTime), "{text}");
        }
    }
}
