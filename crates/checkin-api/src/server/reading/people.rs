//! People, over all weeks of a net.

use http::Response;

use super::Question;
use super::cursor::LeaderCursor;
use super::lists::found;
use super::query::Query;
use super::scope::{current, net_named, told_by_the_clock, up_to};
use crate::Refusal;
use crate::reading::{Absentee, Leader, Leaderboard, Missing, Person, PersonWeek, Said};
use crate::server::reply::{ReplyBody, unavailable};
use crate::server::store::{CheckInStore, PersonSheet, Rank, Record, Standing};

/// People of a page unless told otherwise.
const USUAL_PEOPLE: u32 = 50;
/// Most people of a page.
const MAX_PEOPLE: u32 = 500;

pub(super) async fn leaderboard<S: CheckInStore>(
    question: &Question<'_, S>,
    mut query: Query,
) -> Result<Response<ReplyBody>, Refusal> {
    let now = question.call.now;
    let net = net_named(question.call.settings, &question.segment(0)?)?;
    let limit = query.limit(USUAL_PEOPLE, MAX_PEOPLE)?;
    let after = query.read("cursor", "is not one that was given out", LeaderCursor::parse)?;
    query.finish()?;
    let (week, span) = current(net, now)?;
    let make = async {
        let _leave = question.survey().await?;
        let scope = up_to(net, week, &span, now);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        // One more tells whether there is another page.
        let people = question.store().leaders(scope, after.map(|cursor| cursor.0), limit + 1).await;
        let mut people = people.map_err(|error| unavailable(&error))?;
        let more = people.len() > limit;
        people.truncate(limit);
        let next = people.last().filter(|_| more).map(|last| {
            LeaderCursor(Rank { streaks: last.streaks, username: last.username.clone() }).write()
        });
        Ok(Leaderboard { net: net.name().to_owned(), people: people.into_iter().map(leader).collect(), next })
    };
    question.tagged(&told_by_the_clock(week, &span, now), make).await
}

fn leader(Standing { username, streaks, last, .. }: Standing) -> Leader {
    Leader {
        username,
        weeks: streaks.weeks,
        current_streak: streaks.current,
        longest_streak: streaks.longest,
        last_week: last.to_string(),
    }
}

pub(super) async fn person<S: CheckInStore>(
    question: &Question<'_, S>,
    query: Query,
) -> Result<Response<ReplyBody>, Refusal> {
    query.finish()?;
    let now = question.call.now;
    let net = net_named(question.call.settings, &question.segment(0)?)?;
    let username = question.segment(1)?;
    let (week, span) = current(net, now)?;
    let make = async {
        let scope = up_to(net, week, &span, now);
        let sheet = question.store().person(scope, username).await.map_err(|error| unavailable(&error))?;
        let sheet = sheet.ok_or_else(|| Refusal::new(404, "never seen on this net"))?;
        Ok(person_of(net.name(), sheet))
    };
    question.tagged(&told_by_the_clock(week, &span, now), make).await
}

fn person_of(net: &str, PersonSheet { standing, missed, weeks }: PersonSheet) -> Person {
    let weeks = weeks.into_iter().map(|(week, records)| PersonWeek {
        week: week.to_string(),
        check_ins: records.into_iter().map(said).collect(),
    });
    Person {
        net: net.to_owned(),
        username: standing.username,
        current_streak: standing.streaks.current,
        longest_streak: standing.streaks.longest,
        missed,
        weeks: weeks.collect(),
    }
}

fn said(record: Record) -> Said {
    let found = found(record);
    Said { message: found.message, timestamp: found.timestamp, heard_by: found.heard_by }
}

pub(super) async fn missing<S: CheckInStore>(
    question: &Question<'_, S>,
    query: Query,
) -> Result<Response<ReplyBody>, Refusal> {
    query.finish()?;
    let (settings, now) = (question.call.settings, question.call.now);
    let net = net_named(settings, &question.segment(0)?)?;
    let (week, span) = current(net, now)?;
    let rule = settings.regulars;
    let make = async {
        let _leave = question.survey().await?;
        let (open, limit) = (span.is_open(now), usize::try_from(MAX_PEOPLE).unwrap_or(usize::MAX));
        // The streak that counts is the one before this week, which for that is always as if open.
        let mut scope = up_to(net, week, &span, now);
        scope.open = true;
        let people =
            question.store().missing(scope, rule, limit).await.map_err(|error| unavailable(&error))?;
        Ok(Missing {
            net: net.name().to_owned(),
            week: week.to_string(),
            is_open: open,
            present: rule.present(),
            of: rule.of(),
            people: people.into_iter().map(absentee).collect(),
        })
    };
    question.tagged(&told_by_the_clock(week, &span, now), make).await
}

fn absentee(Standing { username, streaks, last, .. }: Standing) -> Absentee {
    Absentee {
        username,
        last_week: last.to_string(),
        weeks: streaks.weeks,
        streak: streaks.current,
        longest_streak: streaks.longest,
    }
}
