use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, ISOWeekDate, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::zone::{Repeated, at, instant};
use super::{LocalTime, Moment, Net, Span, Week};

/// Weeks of whatever kind: which one a moment belongs to, and from when to when it lasts.
///
/// Two weeks of one schedule never overlap.
pub trait Schedule: std::fmt::Debug + Send + Sync {
    /// The zone in which days are counted.
    fn zone(&self) -> &TimeZone;

    /// The day that names a week.
    fn weekday(&self) -> Weekday;

    /// From when to when this week lasts; `None` when its date is not the day that names a week, or beyond the calendar.
    fn span(&self, week: Week) -> Option<Span>;

    /// The week that holds the moment, if any.
    fn week_of(&self, moment: Moment) -> Option<Week> {
        let local = match moment {
            Moment::Instant(at) => self.zone().to_datetime(at),
            Moment::Local(at) => at,
        };
        let latest = last_on_or_before(local.date().tomorrow().unwrap_or(Date::MAX), self.weekday())?;
        let holds = |week: &Week| self.span(*week).is_some_and(|span| span.holds(moment));
        [Some(latest), latest.before()].into_iter().flatten().find(holds)
    }

    /// The last week that has begun at this instant.
    fn current(&self, now: Timestamp) -> Option<Week> {
        let date = self.zone().to_datetime(now).date();
        let latest = last_on_or_before(date.tomorrow().unwrap_or(Date::MAX), self.weekday())?;
        let begun = |week: &Week| self.span(*week).is_some_and(|span| span.opens <= now);
        [Some(latest), latest.before()].into_iter().flatten().find(begun)
    }
}

fn last_on_or_before(date: Date, day: Weekday) -> Option<Week> {
    let back = date.weekday().since(day);
    date.checked_sub(i64::from(back).days()).ok().map(Week::of_date)
}

impl Schedule for Net {
    fn zone(&self) -> &TimeZone {
        &self.zone
    }

    fn weekday(&self) -> Weekday {
        self.weekday
    }

    fn span(&self, week: Week) -> Option<Span> {
        let day = week.date();
        if day.weekday() != self.weekday {
            return None;
        }
        let (opens, closes) = (self.opens(), self.closes());
        let last_day = if closes <= opens { day.tomorrow().ok()? } else { day };
        span(&self.zone, (day, opens), (last_day, closes))
    }
}

fn span(
    zone: &TimeZone,
    (first, opens): (Date, LocalTime),
    (last, closes): (Date, LocalTime),
) -> Option<Span> {
    let (local_opens, local_closes) = (at(first, opens)?, at(last, closes)?);
    // Whoever's clock shows a time of the window is in it: both passes of a repeated hour. But a day ends where the next begins.
    let midnight = closes == LocalTime::END_OF_DAY || closes == LocalTime::START_OF_DAY;
    let repeated = if midnight { Repeated::First } else { Repeated::Second };
    let (opens, closes) =
        (instant(zone, local_opens, Repeated::First), instant(zone, local_closes, repeated));
    Some(Span { opens, closes, local_opens, local_closes })
}

/// The weeks of ISO 8601, Monday to Sunday, in a zone: for a channel without a net.
///
/// Choice: CI-56.
#[derive(Debug, Clone, PartialEq)]
pub struct IsoWeeks {
    zone: TimeZone,
}

impl IsoWeeks {
    /// The weeks of that zone.
    #[must_use]
    pub const fn new(zone: TimeZone) -> Self {
        Self { zone }
    }

    /// The week written `2025-W10`.
    ///
    /// # Errors
    /// [`InvalidIsoWeek`] when there is none of that name.
    pub fn parse(text: &str) -> Result<Week, InvalidIsoWeek> {
        let (year, week) = text.split_once("-W").ok_or(InvalidIsoWeek)?;
        let digits =
            |part: &str, length| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year, 4) || !digits(week, 2) {
            return Err(InvalidIsoWeek);
        }
        let number = |part: &str| i16::from_str(part).map_err(|_| InvalidIsoWeek);
        let week = i8::try_from(number(week)?).map_err(|_| InvalidIsoWeek)?;
        let monday = ISOWeekDate::new(number(year)?, week, Weekday::Monday).map_err(|_| InvalidIsoWeek)?;
        Ok(Week::of_date(monday.date()))
    }

    /// The name of a week, `2025-W10`.
    #[must_use]
    pub fn name(week: Week) -> String {
        let date = ISOWeekDate::from_date(week.date());
        format!("{:04}-W{:02}", date.year(), date.week())
    }
}

impl Schedule for IsoWeeks {
    fn zone(&self) -> &TimeZone {
        &self.zone
    }

    fn weekday(&self) -> Weekday {
        Weekday::Monday
    }

    fn span(&self, week: Week) -> Option<Span> {
        let monday = week.date();
        if monday.weekday() != Weekday::Monday {
            return None;
        }
        let sunday = monday.checked_add(6.days()).ok()?;
        span(&self.zone, (monday, LocalTime::START_OF_DAY), (sunday, LocalTime::END_OF_DAY))
    }
}

/// The text is no week of ISO 8601.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidIsoWeek;

impl fmt::Display for InvalidIsoWeek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a week is written 2025-W10")
    }
}

impl std::error::Error for InvalidIsoWeek {}
