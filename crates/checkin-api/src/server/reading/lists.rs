//! Single check-ins: pages of them, and the search for one's own.

use http::Response;
use jiff::Timestamp;

use super::cursor::ListCursor;
use super::query::{Query, wrong};
use super::scope::{net_named, told_by_the_clock, week_named};
use super::{Question, period};
use crate::Refusal;
use crate::net::{Net, Span, Week};
use crate::reading::{Bot, Bots, CheckIns, Found, Hearing, Listed, Outside, Search, channel_key};
use crate::server::reply::{ReplyBody, unavailable};
use crate::server::store::{BotRecord, CheckInStore, Direction, Filter, PageRequest, Period, Record};

/// Check-ins of a page unless told otherwise.
const USUAL_PAGE: u32 = 50;
/// Most check-ins of a page.
const MAX_PAGE: u32 = 500;
/// Most bots that are told of.
const MAX_BOTS: u32 = 1000;
/// Most bytes of what is searched for.
const MAX_QUESTION_BYTES: usize = 256;
/// Most that is found of each kind.
const MAX_FOUND: usize = 50;
/// Most check-ins that are searched.
const MAX_SEARCHED: usize = 20_000;
/// How far around the week is searched for what does not count.
const AROUND_SECONDS: i64 = 24 * 3600;

pub(super) async fn list<S: CheckInStore>(
    question: &Question<'_, S>,
    mut query: Query,
) -> Result<Response<ReplyBody>, Refusal> {
    let filter = period::filter(&mut query)?;
    let limit = query.limit(USUAL_PAGE, MAX_PAGE)?;
    let after = query.read("cursor", "is not one that was given out", ListCursor::parse)?;
    query.finish()?;
    let make = async {
        let page = PageRequest {
            direction: Direction::NewestFirst,
            after: after.map(|cursor| cursor.0),
            newest: None,
            // One more tells whether there is another page.
            limit: limit + 1,
        };
        let records = question.store().records(filter, page).await;
        let mut records = records.map_err(|error| unavailable(&error))?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = records.len() > limit;
        records.truncate(limit);
        let next = records.last().filter(|_| more).map(|last| ListCursor(last.position).write());
        Ok(CheckIns { check_ins: records.into_iter().map(listed).collect(), next })
    };
    question.tagged("", make).await
}

pub(super) fn listed(record: Record) -> Listed {
    Listed {
        packet_hash: record.packet_hash,
        username: record.username,
        message: record.message,
        channel: record.channel,
        timestamp: record.timestamp,
        source_bot: record.source_bot,
        received_at: record.received_at.into(),
        key: record.key,
        heard_by: hearings(record.heard_by),
    }
}

pub(super) fn found(record: Record) -> Found {
    Found {
        username: record.username,
        message: record.message,
        timestamp: record.timestamp,
        heard_by: hearings(record.heard_by),
    }
}

fn hearings(heard_by: Vec<(String, Timestamp)>) -> Vec<Hearing> {
    heard_by.into_iter().map(|(bot, at)| Hearing { bot, at: at.into() }).collect()
}

pub(super) async fn bots<S: CheckInStore>(
    question: &Question<'_, S>,
    query: Query,
) -> Result<Response<ReplyBody>, Refusal> {
    query.finish()?;
    let make = async {
        let bots = question.store().bots(MAX_BOTS).await.map_err(|error| unavailable(&error))?;
        Ok(Bots { bots: bots.into_iter().map(bot).collect() })
    };
    question.tagged("", make).await
}

fn bot(BotRecord { bot, last_seen, accepted, duplicates, rejected }: BotRecord) -> Bot {
    Bot { bot, last_seen: last_seen.into(), accepted, duplicates, rejected }
}

pub(super) async fn search<S: CheckInStore>(
    question: &Question<'_, S>,
    mut query: Query,
) -> Result<Response<ReplyBody>, Refusal> {
    let now = question.call.now;
    let name = query.text("net", 1024)?.ok_or_else(|| wrong("net", "is missing"))?;
    let asked = query.text("q", MAX_QUESTION_BYTES)?.ok_or_else(|| wrong("q", "is missing"))?;
    let week = query.take("week").unwrap_or_else(|| "current".to_owned());
    query.finish()?;
    let net = net_named(question.call.settings, &name)?;
    let (week, span) = week_named(net, &week, now)?;
    let make = async { look(question, net, week, &span, &asked).await };
    question.tagged(&told_by_the_clock(week, &span, now), make).await
}

/// Looks at what was said on the channel in the week and a day around it, of people whose name holds what was asked for.
///
/// Choice: CI-65.
async fn look<S: CheckInStore>(
    question: &Question<'_, S>,
    net: &Net,
    week: Week,
    span: &Span,
    asked: &str,
) -> Result<Search, Refusal> {
    let within = Period::from(span);
    let period = Period {
        from: within.from.saturating_sub(AROUND_SECONDS),
        to: within.to.saturating_add(AROUND_SECONDS),
        local_from: within.local_from.saturating_sub(AROUND_SECONDS),
        local_to: within.local_to.saturating_add(AROUND_SECONDS),
    };
    let filter = Filter { channel: Some(channel_key(net.channel())), period, ..Filter::default() };
    let mut page =
        PageRequest { direction: Direction::NewestFirst, after: None, newest: None, limit: MAX_PAGE };
    let wanted = asked.trim().to_lowercase();
    let (mut results, mut outside) = (Vec::new(), Vec::new());
    let (mut searched, mut more) = (0, false);
    loop {
        let records =
            question.store().records(filter.clone(), page).await.map_err(|error| unavailable(&error))?;
        let last_page = records.len() < usize::try_from(MAX_PAGE).unwrap_or(usize::MAX);
        page.after = records.last().map(|record| record.position);
        searched += records.len();
        for record in records.into_iter().filter(|record| record.username.to_lowercase().contains(&wanted)) {
            let reason = if !span.holds(record.moment) {
                Some("window")
            } else if !net.has_phrase(&record.message) {
                Some("phrase")
            } else {
                None
            };
            let found = found(record);
            match reason {
                None if results.len() < MAX_FOUND => results.push(found),
                Some(reason) if outside.len() < MAX_FOUND => {
                    outside.push(Outside { found, reason: reason.to_owned() });
                }
                _ => more = true,
            }
        }
        if last_page || searched >= MAX_SEARCHED {
            more |= !last_page;
            break;
        }
    }
    Ok(Search { net: net.name().to_owned(), week: week.to_string(), results, outside, more })
}
