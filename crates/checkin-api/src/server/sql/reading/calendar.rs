//! The weeks of a scope that were held, and which of them a moment belongs to.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::super::{Sql, SqlError, Value};
use super::records::{moment, time};
use crate::net::{Moment, Span, Streaks, Week, streaks};
use crate::server::store::{MAX_WEEKS, Period, Scope};

/// How many rows a statement gives at a time.
pub(super) const PIECE: i64 = 2000;
/// How many rows of a week are looked at first to find one that counts.
const FIRST_LOOK: i64 = 8;

/// The weeks in which somebody was there, oldest first.
#[derive(Debug)]
pub(super) struct Held {
    weeks: Vec<(Week, Span)>,
    /// Whether the last of them is open.
    open: bool,
    /// Whether the scope's last week is the last of them.
    pub(super) has_last: bool,
}

/// All weeks of a scope, oldest first, from the first in which anything was sent.
pub(super) fn all_weeks(sql: &mut dyn Sql, scope: &Scope) -> Result<Vec<(Week, Span)>, SqlError> {
    let span_of = |week| scope.schedule.span(week);
    let Some(last) = span_of(scope.last) else { return Ok(Vec::new()) };
    // A day and more before the first week opens, in whatever zone.
    let first = scope.last.date().checked_sub(i64::from(MAX_WEEKS).weeks()).ok();
    let day = first.and_then(|date| TimeZone::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok());
    let from = day.map_or(i64::MIN, Timestamp::as_second);
    let found = sql.first(
        "SELECT MIN(at) FROM check_ins WHERE lower(trim(channel)) = ?1 AND at >= ?2 AND at < ?3",
        &[Value::Text(&scope.channel), Value::Integer(from), Value::Integer(end(&last))],
    )?;
    let earliest = match found {
        Some(mut row) => row.optional_integer()?,
        None => None,
    };
    let Some(earliest) = earliest else { return Ok(Vec::new()) };
    let mut weeks = Vec::new();
    let mut next = Some(scope.last);
    while let Some((week, span)) = next.and_then(|week| Some((week, span_of(week)?))) {
        if end(&span) <= earliest || weeks.len() >= usize::try_from(MAX_WEEKS).unwrap_or(usize::MAX) {
            break;
        }
        weeks.push((week, span));
        next = week.before();
    }
    weeks.reverse();
    Ok(weeks)
}

/// The first second of a span, whichever way it is told.
pub(super) fn beginning(span: &Span) -> i64 {
    let period = Period::from(span);
    period.from.min(period.local_from)
}

/// The first second after it.
pub(super) fn end(span: &Span) -> i64 {
    let period = Period::from(span);
    period.to.max(period.local_to)
}

impl Held {
    pub(super) fn find(sql: &mut dyn Sql, scope: &Scope) -> Result<Self, SqlError> {
        let mut weeks = Vec::new();
        for (week, span) in all_weeks(sql, scope)? {
            if is_held(sql, scope, &span)? {
                weeks.push((week, span));
            }
        }
        let has_last = weeks.last().is_some_and(|(week, _)| *week == scope.last);
        Ok(Self { weeks, open: scope.open && has_last, has_last })
    }

    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.weeks.len()).unwrap_or(u32::MAX)
    }

    /// The week with that number.
    pub(super) fn week(&self, number: u32) -> Option<Week> {
        let index = usize::try_from(number).ok()?;
        self.weeks.get(index).map(|(week, _)| *week)
    }

    /// The number of the week that holds the moment.
    pub(super) fn number_of(&self, moment: Moment) -> Option<u32> {
        let after = match moment {
            Moment::Instant(at) => self.weeks.partition_point(|(_, span)| span.opens <= at),
            Moment::Local(at) => self.weeks.partition_point(|(_, span)| span.local_opens <= at),
        };
        let index = after.checked_sub(1)?;
        let (_, span) = self.weeks.get(index)?;
        span.holds(moment).then(|| u32::try_from(index).unwrap_or(u32::MAX))
    }

    pub(super) fn streaks(&self, attended: impl IntoIterator<Item = u32>) -> Streaks {
        streaks(attended, self.len(), self.open)
    }

    /// From when to when there is anything to count.
    pub(super) fn reach(&self) -> (i64, i64) {
        match (self.weeks.first(), self.weeks.last()) {
            (Some((_, first)), Some((_, last))) => (beginning(first), end(last)),
            _ => (0, 0),
        }
    }
}

/// Whether anybody was there: the first check-in that counts is enough.
fn is_held(sql: &mut dyn Sql, scope: &Scope, span: &Span) -> Result<bool, SqlError> {
    let (mut at, mut id, mut limit) = (beginning(span), i64::MIN, FIRST_LOOK);
    loop {
        let rows = sql.run(
            "SELECT at, id, instant, received_at, message FROM check_ins \
             WHERE lower(trim(channel)) = ?1 AND (at, id) > (?2, ?3) AND at < ?4 ORDER BY at, id LIMIT ?5",
            &[
                Value::Text(&scope.channel),
                Value::Integer(at),
                Value::Integer(id),
                Value::Integer(end(span)),
                Value::Integer(limit),
            ],
        )?;
        let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= limit;
        for mut row in rows {
            (at, id) = (row.integer()?, row.integer()?);
            let (instant, received_at) = (row.optional_integer()?, row.integer()?);
            if span.holds(moment(at, instant, received_at)) && scope.has_phrase(&row.shown()?) {
                return Ok(true);
            }
        }
        if !full {
            return Ok(false);
        }
        limit = PIECE;
    }
}

/// Whether anything was sent on the channel before that second.
pub(super) fn anything_before(sql: &mut dyn Sql, scope: &Scope, second: i64) -> Result<bool, SqlError> {
    let found = sql.first(
        "SELECT 1 FROM check_ins WHERE lower(trim(channel)) = ?1 AND at < ?2 ORDER BY at DESC, id DESC LIMIT 1",
        &[Value::Text(&scope.channel), Value::Integer(second.min(time(i64::MAX).as_second()))],
    )?;
    Ok(found.is_some())
}
