//! Nets, their weeks, and who was there.

use std::sync::Arc;

use http::Response;

use super::query::{Query, wrong};
use super::scope::{current, net_named, told_by_the_clock, up_to, week_named};
use super::{Question, lists, period};
use crate::Refusal;
use crate::net::{IsoWeeks, Net, Schedule, Span, Week, WeekInNumbers, weekday_name};
use crate::reading::{
    Board, BoardEntry, CurrentWeek, NetState, Nets, NextWeek, RollCall, RollCallEntry, StreakHolder,
    WeekCounts, Weeks, channel_key,
};
use crate::server::reply::{ReplyBody, unavailable};
use crate::server::store::{CheckInStore, Scope, Sheet};

/// Most weeks of one answer; all time.
const MAX_WEEKS: u32 = crate::server::store::MAX_WEEKS;
/// Weeks of an answer unless told otherwise.
const USUAL_WEEKS: u32 = 52;

pub(super) async fn nets<S: CheckInStore>(
    question: &Question<'_, S>,
    query: Query,
) -> Result<Response<ReplyBody>, Refusal> {
    query.finish()?;
    let (settings, now) = (question.call.settings, question.call.now);
    let mut time = String::new();
    let mut nets = Vec::with_capacity(settings.nets.len());
    for net in &settings.nets {
        let (week, span) = current(net, now)?;
        time.push_str(&told_by_the_clock(week, &span, now));
        nets.push(state(net, week, &span, now));
    }
    question.tagged(&time, async { Ok(Nets { nets }) }).await
}

fn state(net: &Net, week: Week, span: &Span, now: jiff::Timestamp) -> NetState {
    let next = week.after().and_then(|week| Some((week, net.span(week)?)));
    let next = next.map(|(week, span)| NextWeek {
        week: week.to_string(),
        opens_at: span.opens.into(),
        closes_at: span.closes.into(),
    });
    NetState {
        name: net.name().to_owned(),
        channel: net.channel().to_owned(),
        weekday: weekday_name(net.weekday()).to_owned(),
        opens: net.opens().to_string(),
        closes: net.closes().to_string(),
        zone: net.zone_name().to_owned(),
        phrase: net.phrase().map(str::to_owned),
        current: CurrentWeek {
            week: week.to_string(),
            opens_at: span.opens.into(),
            closes_at: span.closes.into(),
            is_open: span.is_open(now),
        },
        next,
    }
}

pub(super) async fn weeks<S: CheckInStore>(
    question: &Question<'_, S>,
    mut query: Query,
) -> Result<Response<ReplyBody>, Refusal> {
    let now = question.call.now;
    let net = net_named(question.call.settings, &question.segment(0)?)?;
    let limit = query.limit(USUAL_WEEKS, MAX_WEEKS)?;
    query.finish()?;
    let (week, span) = current(net, now)?;
    let make = async {
        let _leave = question.survey().await?;
        let scope = up_to(net, week, &span, now);
        let held = question.store().weeks(scope).await.map_err(|error| unavailable(&error))?;
        Ok(Weeks { net: net.name().to_owned(), weeks: counts(week, &held, limit) })
    };
    question.tagged(&told_by_the_clock(week, &span, now), make).await
}

/// The newest weeks, those without anybody included, back to the first that was held.
fn counts(last: Week, held: &[crate::server::store::WeekCount], limit: u32) -> Vec<WeekCounts> {
    let first = held.first().map_or(last, |count| count.week);
    let mut held = held.iter().rev().peekable();
    let mut next = Some(last);
    let mut weeks = Vec::new();
    while let Some(week) = next.filter(|week| *week >= first) {
        if weeks.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            break;
        }
        let count = held.next_if(|count| count.week == week);
        let (people, check_ins, first_timers) =
            count.map_or((0, 0, 0), |count| (count.people, count.check_ins, count.first_timers));
        let returning = people.saturating_sub(first_timers);
        weeks.push(WeekCounts { week: week.to_string(), people, check_ins, first_timers, returning });
        next = week.before();
    }
    weeks
}

pub(super) async fn board<S: CheckInStore>(
    question: &Question<'_, S>,
    query: Query,
) -> Result<Response<ReplyBody>, Refusal> {
    query.finish()?;
    let now = question.call.now;
    let net = net_named(question.call.settings, &question.segment(0)?)?;
    let (week, span) = week_named(net, &question.segment(1)?, now)?;
    let (latest, _) = current(net, now)?;
    let make = async {
        let scope = up_to(net, week, &span, now);
        let sheet = question.store().sheet(scope).await.map_err(|error| unavailable(&error))?;
        Ok(board_of(net, week, &span, latest, now, sheet))
    };
    question.tagged(&format!("{} {latest}", told_by_the_clock(week, &span, now)), make).await
}

/// A sheet in numbers.
struct Figures {
    total: u64,
    check_ins: u64,
    first_timers: u64,
    longest: Option<StreakHolder>,
}

impl Figures {
    fn of(sheet: &Sheet, week: Week) -> Self {
        let firsts = sheet.people.iter().filter(|(_, _, standing)| standing.first == week).count();
        // Of several who hold the same, the one who checked in first.
        let longest = sheet.people.iter().rev().max_by_key(|(_, _, standing)| standing.streaks.current);
        let longest = longest.filter(|(_, _, standing)| standing.streaks.current > 1);
        Self {
            total: u64::try_from(sheet.people.len()).unwrap_or(u64::MAX),
            check_ins: sheet.people.iter().map(|(_, count, _)| count).sum(),
            first_timers: u64::try_from(firsts).unwrap_or(u64::MAX),
            longest: longest.map(|(_, _, standing)| StreakHolder {
                username: standing.username.clone(),
                weeks: standing.streaks.current,
            }),
        }
    }

    fn in_words<'a>(&'a self, title: &'a str, week: &'a str) -> WeekInNumbers<'a> {
        WeekInNumbers {
            title,
            week,
            people: self.total,
            first_timers: self.first_timers,
            returning: self.total.saturating_sub(self.first_timers),
            longest: self.longest.as_ref().map(|holder| (holder.username.as_str(), holder.weeks)),
        }
    }
}

fn board_of(net: &Net, week: Week, span: &Span, latest: Week, now: jiff::Timestamp, sheet: Sheet) -> Board {
    let figures = Figures::of(&sheet, week);
    let name = week.to_string();
    let words = figures.in_words(net.name(), &name);
    let (summary, summary_short) = (words.summary(), words.mesh());
    let entries = sheet.people.into_iter().map(|(record, check_ins, standing)| {
        let found = lists::found(record);
        BoardEntry {
            username: found.username,
            message: found.message,
            timestamp: found.timestamp,
            check_ins,
            heard_by: found.heard_by,
            first_time: standing.first == week,
            streak: standing.streaks.current,
        }
    });
    Board {
        net: net.name().to_owned(),
        channel: net.channel().to_owned(),
        previous: week.before().filter(|_| sheet.has_past).map(|week| week.to_string()),
        next: week.after().filter(|_| week < latest).map(|week| week.to_string()),
        opens_at: span.opens.into(),
        closes_at: span.closes.into(),
        is_open: span.is_open(now),
        total: figures.total,
        check_ins: figures.check_ins,
        first_timers: figures.first_timers,
        returning: figures.total.saturating_sub(figures.first_timers),
        entries: entries.collect(),
        truncated: sheet.truncated,
        summary,
        summary_short,
        longest_streak: figures.longest,
        week: name,
    }
}

pub(super) async fn roll_call<S: CheckInStore>(
    question: &Question<'_, S>,
    mut query: Query,
) -> Result<Response<ReplyBody>, Refusal> {
    let now = question.call.now;
    let channel = question.segment(0)?;
    let (zone, zone_name) = period::zone(&mut query)?;
    let weeks = IsoWeeks::new(zone);
    let asked = query.read("week", "is a week as 2025-W10", |text| IsoWeeks::parse(text).ok())?;
    query.finish()?;
    let latest = weeks.current(now).ok_or_else(|| Refusal::new(404, "no such week"))?;
    let week = asked.unwrap_or(latest);
    let span = weeks.span(week).filter(|_| week <= latest);
    let span = span.ok_or_else(|| wrong("week", "has not begun yet"))?;
    let make = async {
        let scope = Scope {
            channel: channel_key(&channel),
            phrase: None,
            schedule: Arc::new(weeks),
            last: week,
            open: span.is_open(now),
        };
        let sheet = question.store().sheet(scope).await.map_err(|error| unavailable(&error))?;
        Ok(roll_call_of(channel, zone_name, week, &span, sheet))
    };
    question.tagged(&told_by_the_clock(week, &span, now), make).await
}

fn roll_call_of(channel: String, zone: String, week: Week, span: &Span, sheet: Sheet) -> RollCall {
    let figures = Figures::of(&sheet, week);
    let name = IsoWeeks::name(week);
    let words = figures.in_words(&channel, &name);
    let (summary, summary_short) = (words.summary(), words.mesh());
    let entries = sheet.people.into_iter().map(|(record, check_ins, standing)| RollCallEntry {
        username: record.username,
        check_ins,
        timestamp: record.timestamp,
        first_time: standing.first == week,
        weeks: standing.streaks.weeks,
        streak: standing.streaks.current,
        longest_streak: standing.streaks.longest,
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by(|a, b| a.username.cmp(&b.username));
    RollCall {
        zone,
        from: span.opens.into(),
        to: span.closes.into(),
        total: figures.total,
        check_ins: figures.check_ins,
        first_timers: figures.first_timers,
        returning: figures.total.saturating_sub(figures.first_timers),
        entries,
        truncated: sheet.truncated,
        summary,
        summary_short,
        channel,
        week: name,
    }
}
