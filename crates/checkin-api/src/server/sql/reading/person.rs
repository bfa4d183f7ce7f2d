//! One person's weeks.

use std::collections::BTreeMap;

use super::super::{Sql, SqlError, Value};
use super::calendar::{Held, PIECE};
use super::records::{moment, records};
use super::survey::{Visit, standing, visit};
use crate::net::Week;
use crate::server::store::{Direction, Filter, PageRequest, Period, PersonSheet, Record, Scope};

/// What was said is told of so many weeks…
const WEEKS_WITH_WORDS: usize = 104;
/// …and so often of each.
const WORDS_A_WEEK: usize = 10;

/// The weeks in which the person was there, by the index on channel, person and time.
pub(super) fn visits(
    sql: &mut dyn Sql,
    scope: &Scope,
    held: &Held,
    username: &str,
) -> Result<Vec<Visit>, SqlError> {
    let (from, to) = held.reach();
    let (mut at, mut id) = (from, i64::MIN);
    let mut found = Vec::new();
    loop {
        let rows = sql.run(
            "SELECT at, id, instant, received_at, message FROM check_ins WHERE lower(trim(channel)) = ?1 AND username = ?2 \
             AND (at, id) > (?3, ?4) AND at < ?5 ORDER BY at, id LIMIT ?6",
            &[
                Value::Text(&scope.channel),
                Value::Text(username),
                Value::Integer(at),
                Value::Integer(id),
                Value::Integer(to),
                Value::Integer(PIECE),
            ],
        )?;
        let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= PIECE;
        for mut row in rows {
            (at, id) = (row.integer()?, row.integer()?);
            let (instant, received_at) = (row.optional_integer()?, row.integer()?);
            if let Some(number) = held.number_of(moment(at, instant, received_at))
                && scope.has_phrase(&row.shown()?)
            {
                visit(&mut found, number);
            }
        }
        if !full {
            return Ok(found);
        }
    }
}

pub(in crate::server::sql) fn person(
    sql: &mut dyn Sql,
    scope: &Scope,
    username: &str,
) -> Result<Option<PersonSheet>, SqlError> {
    let held = Held::find(sql, scope)?;
    let visits = visits(sql, scope, &held, username)?;
    let Some(standing) = standing(username, &visits, &held) else { return Ok(None) };
    let mut words = words(sql, scope, &held, username, &visits)?;
    let weeks = visits.iter().rev().filter_map(|(number, _)| held.week(*number));
    let weeks = weeks.map(|week| (week, words.remove(&week).unwrap_or_default())).collect();
    let since = held.len() - visits.first().map_or(0, |(number, _)| *number);
    let missed = since.saturating_sub(standing.streaks.weeks);
    Ok(Some(PersonSheet { standing, missed, weeks }))
}

/// What the person said in the newest weeks.
fn words(
    sql: &mut dyn Sql,
    scope: &Scope,
    held: &Held,
    username: &str,
    visits: &[Visit],
) -> Result<BTreeMap<Week, Vec<Record>>, SqlError> {
    let mut said: BTreeMap<Week, Vec<Record>> = BTreeMap::new();
    let newest = visits.iter().rev().take(WEEKS_WITH_WORDS).filter_map(|(number, _)| held.week(*number));
    for week in newest {
        let Some(span) = scope.schedule.span(week) else { continue };
        let filter = Filter {
            channel: Some(scope.channel.clone()),
            user: Some(username.to_owned()),
            period: Period::from(&span),
            ..Filter::default()
        };
        let mut page =
            PageRequest { direction: Direction::OldestFirst, after: None, newest: None, limit: 50 };
        let list = said.entry(week).or_default();
        while list.len() < WORDS_A_WEEK {
            let found = records(sql, &filter, &page)?;
            let Some(last) = found.last() else { break };
            page.after = Some(last.position);
            let room = WORDS_A_WEEK - list.len();
            list.extend(found.into_iter().filter(|record| scope.has_phrase(&record.message)).take(room));
        }
    }
    Ok(said)
}
