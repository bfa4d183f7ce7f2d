//! All people of a scope, one after the other.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::{Row, Sql, SqlError, Value};
use super::calendar::{Held, PIECE};
use super::records::moment;
use crate::net::{Regulars, Streaks};
use crate::server::store::{Rank, Scope, Standing, WeekCount};

/// The index on channel, person and time holds all but `received_at`, which is looked up for times without an offset alone.
const TIMES: &str = "SELECT username, at, id, instant, CASE WHEN instant IS NULL THEN received_at ELSE at END AS came_in, '' \
     FROM check_ins WHERE lower(trim(channel)) = ?1 AND (username, at, id) > (?2, ?3, ?4) ORDER BY username, at, id LIMIT ?5";
/// The same with what was said, where a phrase counts.
const MESSAGES: &str = "SELECT username, at, id, instant, received_at, message \
     FROM check_ins WHERE lower(trim(channel)) = ?1 AND (username, at, id) > (?2, ?3, ?4) ORDER BY username, at, id LIMIT ?5";

#[cfg(all(test, feature = "sqlite"))]
pub(super) const STATEMENTS: [&str; 2] = [TIMES, MESSAGES];

/// A week in which a person was there: its number, and how often.
pub(super) type Visit = (u32, u64);

/// Shows every person who was ever there, with their weeks in their order.
fn survey(
    sql: &mut dyn Sql,
    scope: &Scope,
    held: &Held,
    mut see: impl FnMut(&str, &[Visit]),
) -> Result<(), SqlError> {
    if held.len() == 0 {
        return Ok(());
    }
    let statement = if scope.phrase.is_some() { MESSAGES } else { TIMES };
    let mut place = (String::new(), i64::MIN, i64::MIN);
    let mut visits: Vec<Visit> = Vec::new();
    let mut end = None;
    loop {
        let rows = sql.run(
            statement,
            &[
                Value::Text(&scope.channel),
                Value::Text(&place.0),
                Value::Integer(place.1),
                Value::Integer(place.2),
                Value::Integer(PIECE),
            ],
        )?;
        let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) >= PIECE;
        for row in rows {
            let (username, at, id, number) = read(row, scope, held)?;
            if username != place.0 {
                if !visits.is_empty() {
                    see(&place.0, &visits);
                }
                visits.clear();
                place.0 = username;
            }
            (place.1, place.2) = (at, id);
            if let Some(number) = number {
                visit(&mut visits, number);
            }
        }
        // A name that is no text cannot be asked for; rather than forever, people after it are not looked at.
        let stuck = end.replace(place.2) == Some(place.2);
        if !full || stuck {
            break;
        }
    }
    if !visits.is_empty() {
        see(&place.0, &visits);
    }
    Ok(())
}

fn read(mut row: Row, scope: &Scope, held: &Held) -> Result<(String, i64, i64, Option<u32>), SqlError> {
    let (username, at, id) = (row.shown()?, row.integer()?, row.integer()?);
    let (instant, received_at) = (row.optional_integer()?, row.integer()?);
    let number = held.number_of(moment(at, instant, received_at));
    let counts = number.is_some() && (scope.phrase.is_none() || scope.has_phrase(&row.shown()?));
    Ok((username, at, id, number.filter(|_| counts)))
}

/// Local times stand among instants by up to a day off, so that the week before may come once more.
pub(super) fn visit(visits: &mut Vec<Visit>, number: u32) {
    match visits.binary_search_by_key(&number, |(number, _)| *number) {
        Ok(index) => {
            if let Some((_, count)) = visits.get_mut(index) {
                *count += 1;
            }
        }
        Err(index) => visits.insert(index, (number, 1)),
    }
}

pub(super) fn standing(username: &str, visits: &[Visit], held: &Held) -> Option<Standing> {
    let (first, last) = (held.week(visits.first()?.0)?, held.week(visits.last()?.0)?);
    let streaks = held.streaks(visits.iter().map(|(number, _)| *number));
    Some(Standing { username: username.to_owned(), streaks, first, last })
}

/// How a leaderboard is ordered.
type Order = (Reverse<u32>, Reverse<u32>, Reverse<u32>);

fn order(streaks: &Streaks) -> Order {
    (Reverse(streaks.weeks), Reverse(streaks.current), Reverse(streaks.longest))
}

/// The first so many people of a leaderboard, whoever comes.
struct Best {
    limit: usize,
    people: BinaryHeap<Placed>,
}

struct Placed(Standing);

impl Placed {
    fn key(&self) -> (Order, &str) {
        (order(&self.0.streaks), &self.0.username)
    }
}

impl PartialEq for Placed {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Placed {}

impl PartialOrd for Placed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Placed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl Best {
    fn of(limit: usize) -> Self {
        Self { limit, people: BinaryHeap::new() }
    }

    fn offer(&mut self, standing: Standing) {
        self.people.push(Placed(standing));
        if self.people.len() > self.limit {
            self.people.pop();
        }
    }

    fn into_list(self) -> Vec<Standing> {
        self.people.into_sorted_vec().into_iter().map(|placed| placed.0).collect()
    }
}

pub(in crate::server::sql) fn leaders(
    sql: &mut dyn Sql,
    scope: &Scope,
    after: Option<&Rank>,
    limit: usize,
) -> Result<Vec<Standing>, SqlError> {
    let held = Held::find(sql, scope)?;
    let after = after.map(|rank| (order(&rank.streaks), rank.username.as_str()));
    let mut best = Best::of(limit);
    survey(sql, scope, &held, |username, visits| {
        let Some(standing) = standing(username, visits, &held) else { return };
        if after.is_none_or(|after| (order(&standing.streaks), username) > after) {
            best.offer(standing);
        }
    })?;
    Ok(best.into_list())
}

pub(in crate::server::sql) fn missing(
    sql: &mut dyn Sql,
    scope: &Scope,
    rule: Regulars,
    limit: usize,
) -> Result<Vec<Standing>, SqlError> {
    let held = Held::find(sql, scope)?;
    // The weeks before the one in question, which is among those held if anybody was there.
    let before = if held.has_last { held.len().saturating_sub(1) } else { held.len() };
    let from = before.saturating_sub(rule.of().into());
    let mut best = Best::of(limit);
    survey(sql, scope, &held, |username, visits| {
        let there = |number: &u32| (from..before).contains(number);
        let present = visits.iter().filter(|(number, _)| there(number)).count();
        let came = held.has_last && visits.last().is_some_and(|(number, _)| *number == before);
        if came || present < usize::from(rule.present()) {
            return;
        }
        if let Some(standing) = standing(username, visits, &held) {
            best.offer(standing);
        }
    })?;
    Ok(best.into_list())
}

pub(in crate::server::sql) fn weeks(sql: &mut dyn Sql, scope: &Scope) -> Result<Vec<WeekCount>, SqlError> {
    let held = Held::find(sql, scope)?;
    let none = |week| WeekCount { week, people: 0, check_ins: 0, first_timers: 0 };
    let mut counts: Vec<_> = (0..held.len()).filter_map(|number| held.week(number)).map(none).collect();
    survey(sql, scope, &held, |_, visits| {
        for (index, (number, times)) in visits.iter().enumerate() {
            let Some(count) = usize::try_from(*number).ok().and_then(|number| counts.get_mut(number)) else {
                continue;
            };
            count.people += 1;
            count.check_ins += times;
            count.first_timers += u64::from(index == 0);
        }
    })?;
    Ok(counts)
}
