use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, tz::TimeZone};

use super::field::{DAY, Field, HOUR, MINUTE, MONTH, WEEKDAY};

/// A cron expression: minute, hour, day of the month, month, day of the week, as crontab(5) has them, or a name such as `@daily`.
///
/// Where both days are restricted, either of them suffices. There are no seconds: a machine is not switched off by the second.
///
/// Source: ipwatch §11. Choice: IM-80.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CronExpression {
    text: String,
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

/// The text is no [`CronExpression`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCron {
    /// It has not five fields, and is no name either.
    #[error(
        "a cron expression is minute, hour, day, month and day of the week, or one of @hourly, @daily, @weekly, @monthly, @yearly"
    )]
    Shape,
    /// It is longer than [`CronExpression::MAX_BYTES`].
    #[error("a cron expression has at most 256 bytes")]
    TooLong,
    /// A field cannot be read.
    #[error("{field}: {fault}")]
    Field {
        /// Which one.
        field: &'static str,
        /// What is wrong with it.
        fault: String,
    },
    /// No day is such a day: 30 February.
    #[error("there is no such day")]
    Never,
}

impl InvalidCron {
    pub(super) const fn field(field: &'static str, fault: String) -> Self {
        Self::Field { field, fault }
    }
}

/// In so many days every day that there is comes by: 29 February may be eight years away, and on a given weekday forty.
const MAX_DAYS: u32 = 366 * 41;
/// A clock is put back by less than so many minutes, even where a day is repeated.
const MAX_REPEATED: u32 = 2 * 24 * 60;

impl CronExpression {
    /// Longest expression, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// The expression, with one blank between its fields.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first slot after this instant, in the time of this zone; none beyond the year 9999.
    ///
    /// A slot is a minute on the clock of that place, and has one instant: of a minute that comes twice, the first time; of a minute that
    /// the clock leaps over, the instant at which it leaps. Several slots that are leapt over together are one.
    ///
    /// Choice: IM-81.
    #[must_use]
    pub fn next_after(&self, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
        let mut civil = zone.to_datetime(after);
        for _ in 0..MAX_REPEATED {
            civil = self.next_civil(civil)?;
            let instant = instant(zone, civil)?;
            if instant > after {
                return Some(instant);
            }
        }
        None
    }

    /// The first minute after this one that matches.
    fn next_civil(&self, after: DateTime) -> Option<DateTime> {
        let (mut date, mut hour) = (after.date(), number(after.hour()));
        // The minute under way has begun, and is no later one.
        let mut minute = number(after.minute()) + 1;
        for _ in 0..MAX_DAYS {
            if self.matches(date)
                && let Some((hour, minute)) = self.next_time(hour, minute)
            {
                let (hour, minute) = (i8::try_from(hour).ok()?, i8::try_from(minute).ok()?);
                return Some(date.at(hour, minute, 0, 0));
            }
            date = date.tomorrow().ok()?;
            (hour, minute) = (0, 0);
        }
        None
    }

    /// The first time of a day that is not before this one.
    fn next_time(&self, hour: u8, minute: u8) -> Option<(u8, u8)> {
        if self.hours.has(hour)
            && let Some(minute) = self.minutes.from(minute)
        {
            return Some((hour, minute));
        }
        Some((self.hours.from(hour + 1)?, self.minutes.from(0)?))
    }

    fn matches(&self, date: Date) -> bool {
        let day = self.days.has(number(date.day()));
        let weekday = self.weekdays.has(number(date.weekday().to_sunday_zero_offset()));
        let days = if self.days.starred || self.weekdays.starred { day && weekday } else { day || weekday };
        self.months.has(number(date.month())) && days
    }
}

/// Hours, minutes, days and months are small and not negative.
fn number(number: i8) -> u8 {
    u8::try_from(number).unwrap_or(0)
}

/// The one instant of a minute on the clock of a place.
fn instant(zone: &TimeZone, civil: DateTime) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    let leapt = matches!(ambiguous.offset(), jiff::tz::AmbiguousOffset::Gap { .. });
    let earlier = ambiguous.earlier().ok()?;
    if leapt { zone.following(earlier).next().map(|leap| leap.timestamp()) } else { Some(earlier) }
}

impl FromStr for CronExpression {
    type Err = InvalidCron;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidCron::TooLong);
        }
        let text = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let fields = match text.to_ascii_lowercase().as_str() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            _ => text.as_str(),
        };
        let fields: Vec<&str> = fields.split(' ').collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else { return Err(InvalidCron::Shape) };
        let expression = Self {
            minutes: Field::read(minute, &MINUTE)?,
            hours: Field::read(hour, &HOUR)?,
            days: Field::read(day, &DAY)?,
            months: Field::read(month, &MONTH)?,
            weekdays: Field::read(weekday, &WEEKDAY)?,
            text,
        };
        // 2000 to 2040 has every day that the calendar can have.
        let start = jiff::civil::date(2000, 1, 1).at(0, 0, 0, 0);
        if expression.next_civil(start).is_none() { Err(InvalidCron::Never) } else { Ok(expression) }
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl serde::Serialize for CronExpression {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for CronExpression {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
