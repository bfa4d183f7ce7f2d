//! Who was there in one week.

use std::collections::HashMap;

use super::super::{Sql, SqlError};
use super::calendar::{Held, anything_before, beginning};
use super::person::visits;
use super::records::records;
use super::survey::standing;
use crate::server::store::{Direction, Filter, PageRequest, Period, Scope, Sheet};

/// Most check-ins of a week that are looked at.
const MAX_CHECK_INS: usize = 20_000;
/// How many are read at a time.
const PAGE: u32 = 500;

pub(in crate::server::sql) fn sheet(sql: &mut dyn Sql, scope: &Scope) -> Result<Sheet, SqlError> {
    let Some(span) = scope.schedule.span(scope.last) else { return Ok(Sheet::default()) };
    let has_past = anything_before(sql, scope, beginning(&span))?;
    let filter =
        Filter { channel: Some(scope.channel.clone()), period: Period::from(&span), ..Filter::default() };
    let mut page = PageRequest { direction: Direction::OldestFirst, after: None, newest: None, limit: PAGE };
    let mut first = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut seen = 0;
    let truncated = loop {
        let found = records(sql, &filter, &page)?;
        let full = found.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        page.after = found.last().map(|record| record.position);
        seen += found.len();
        for record in found.into_iter().filter(|record| scope.has_phrase(&record.message)) {
            let place = *places.entry(record.username.clone()).or_insert(first.len());
            match first.get_mut(place) {
                Some((_, count)) => *count += 1,
                None => first.push((record, 1)),
            }
        }
        if !full || seen >= MAX_CHECK_INS {
            break full;
        }
    };
    let held = Held::find(sql, scope)?;
    let mut people = Vec::with_capacity(first.len());
    for (record, count) in first {
        let mut visits = visits(sql, scope, &held, &record.username)?;
        if visits.is_empty() {
            // A name that is no text, in an old database, finds nothing when it is asked for. The person was there all the same.
            visits.push((held.len().saturating_sub(1), count));
        }
        if let Some(standing) = standing(&record.username, &visits, &held) {
            people.push((record, count, standing));
        }
    }
    Ok(Sheet { people, truncated, has_past })
}
