//! Check-ins as they are read back.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::StoreError;
use crate::net::{Moment, Regulars, Schedule, Span, Streaks, Week};

/// How many weeks "all time" is. Choice: CI-57.
pub const MAX_WEEKS: u32 = 1040;

/// From when to when, for instants and for times without an offset. Seconds since 1970; the end is outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first instant.
    pub from: i64,
    /// The first instant after it.
    pub to: i64,
    /// The first local time, counted as if it were UTC's.
    pub local_from: i64,
    /// The first local time after it.
    pub local_to: i64,
}

impl Period {
    /// All time.
    pub const ALL: Self = Self { from: i64::MIN, to: i64::MAX, local_from: i64::MIN, local_to: i64::MAX };
}

impl From<&Span> for Period {
    fn from(span: &Span) -> Self {
        let local = |at| TimeZone::UTC.to_timestamp(at).map_or(i64::MAX, Timestamp::as_second);
        Self {
            from: span.opens.as_second(),
            to: span.closes.as_second(),
            local_from: local(span.local_opens),
            local_to: local(span.local_closes),
        }
    }
}

/// Which check-ins are asked for. Each part that is there must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// On this channel, as [`channel_key`](crate::reading::channel_key) writes it.
    pub channel: Option<String>,
    /// Of this person.
    pub user: Option<String>,
    /// Heard by this bot.
    pub bot: Option<String>,
    /// Sent in this time.
    pub period: Period,
}

impl Default for Filter {
    fn default() -> Self {
        Self { channel: None, user: None, bot: None, period: Period::ALL }
    }
}

/// A place in the order of check-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Seconds since 1970 by the sender's time.
    pub at: i64,
    /// In the order of arrival.
    pub id: i64,
}

/// Which way a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the newest back.
    NewestFirst,
    /// From the oldest on.
    OldestFirst,
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Which way it goes.
    pub direction: Direction,
    /// What comes after this place.
    pub after: Option<Position>,
    /// Nothing that arrived after this one.
    pub newest: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// A check-in as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the order.
    pub position: Position,
    /// When it was heard, as far as it says so.
    pub moment: Moment,
    /// As sent; empty where an old database has none.
    pub packet_hash: String,
    /// The sender's name.
    pub username: String,
    /// What was said.
    pub message: String,
    /// The channel, as sent.
    pub channel: String,
    /// When the first bot heard it, in its own words.
    pub timestamp: String,
    /// The name that the first bot gave itself.
    pub source_bot: Option<String>,
    /// When it came in.
    pub received_at: Timestamp,
    /// The name of the key that was shown with it.
    pub key: String,
    /// The bots that heard it and when each reported it, the first one first.
    pub heard_by: Vec<(String, Timestamp)>,
}

/// Whose weeks are counted: those of a channel by a schedule, up to one week.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The channel, as [`channel_key`](crate::reading::channel_key) writes it.
    pub channel: String,
    /// What a message must contain to count.
    pub phrase: Option<String>,
    /// Which moment belongs to which week.
    pub schedule: Arc<dyn Schedule>,
    /// The last week that counts.
    pub last: Week,
    /// Whether that week is open.
    pub open: bool,
}

impl Scope {
    /// Whether the message has what counts.
    #[must_use]
    pub fn has_phrase(&self, message: &str) -> bool {
        crate::net::has_phrase(self.phrase.as_deref(), message)
    }
}

/// How steadily a person was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The person.
    pub username: String,
    /// In numbers.
    pub streaks: Streaks,
    /// The first week in which they were there.
    pub first: Week,
    /// The last one.
    pub last: Week,
}

/// A place in the order of a leaderboard: most weeks first, then the longest current streak, the longest ever, and the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rank {
    /// In numbers.
    pub streaks: Streaks,
    /// The person.
    pub username: String,
}

/// A week in which somebody was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeekCount {
    /// The week.
    pub week: Week,
    /// People.
    pub people: u64,
    /// Their check-ins.
    pub check_ins: u64,
    /// People who had never been there before.
    pub first_timers: u64,
}

/// Who was there in one week: the last one of a [`Scope`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sheet {
    /// Each person's first check-in with the number of them, in their order.
    pub people: Vec<(Record, u64, Standing)>,
    /// Whether there were more check-ins than were looked at.
    pub truncated: bool,
    /// Whether anything is known of an earlier week.
    pub has_past: bool,
}

/// One person's weeks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonSheet {
    /// In numbers.
    pub standing: Standing,
    /// How many weeks were held since their first without them.
    pub missed: u32,
    /// The weeks, newest first, and what was said in the newest of them.
    pub weeks: Vec<(Week, Vec<Record>)>,
}

/// How a bot is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotRecord {
    /// Its name.
    pub bot: String,
    /// When it last sent anything.
    pub last_seen: Timestamp,
    /// Check-ins that it was the first to report.
    pub accepted: u64,
    /// Check-ins that were held already.
    pub duplicates: u64,
    /// Check-ins that were refused.
    pub rejected: u64,
}

/// What the store is like now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    /// Changes with every copy that is stored or refused.
    pub changes: i64,
    /// The last check-in that arrived.
    pub newest: i64,
}

/// Check-ins as they are read back. Reading never waits for writing, nor writing for reading.
pub trait Reading {
    /// What the store is like now: as long as it is the same, so is every answer.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn state(&self) -> impl Future<Output = Result<State, StoreError>> + Send;

    /// A part of the check-ins that the filter lets through: by the sender's time, those of one bot by arrival. What arrives
    /// meanwhile neither repeats nor hides others.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn records(
        &self,
        filter: Filter,
        page: PageRequest,
    ) -> impl Future<Output = Result<Vec<Record>, StoreError>> + Send;

    /// Who was there in the last week of the scope.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn sheet(&self, scope: Scope) -> impl Future<Output = Result<Sheet, StoreError>> + Send;

    /// One person's weeks; `None` when they were never there.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn person(
        &self,
        scope: Scope,
        username: String,
    ) -> impl Future<Output = Result<Option<PersonSheet>, StoreError>> + Send;

    /// A part of the leaderboard: at most `limit` people after that rank.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn leaders(
        &self,
        scope: Scope,
        after: Option<Rank>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Standing>, StoreError>> + Send;

    /// The weeks that were held, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn weeks(&self, scope: Scope) -> impl Future<Output = Result<Vec<WeekCount>, StoreError>> + Send;

    /// Regulars who were not there in the last week of the scope: at most `limit`, in the order of the leaderboard.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn missing(
        &self,
        scope: Scope,
        rule: Regulars,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Standing>, StoreError>> + Send;

    /// How the bots are doing: at most `limit`, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn bots(&self, limit: u32) -> impl Future<Output = Result<Vec<BotRecord>, StoreError>> + Send;
}
