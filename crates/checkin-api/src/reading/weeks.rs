//! Nets, their weeks, and who was there.

use serde::{Deserialize, Serialize};

use super::{Hearing, UtcTime};

/// The nets of a receiver: `GET /v1/checkins/nets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nets {
    /// In the operator's order.
    pub nets: Vec<NetState>,
}

/// A net and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetState {
    /// Its name.
    pub name: String,
    /// Its channel.
    pub channel: String,
    /// Its day, in English: `monday`.
    pub weekday: String,
    /// When it opens by a clock in its zone, `20:00`.
    pub opens: String,
    /// When it closes; at or before `opens`, on the next day.
    pub closes: String,
    /// Its zone, `America/Denver`.
    pub zone: String,
    /// What a message must contain to count.
    pub phrase: Option<String>,
    /// The week that is open, or was last.
    pub current: CurrentWeek,
    /// The week after it.
    pub next: Option<NextWeek>,
}

/// The week of a net that is open, or was last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrentWeek {
    /// Its name.
    pub week: String,
    /// When it opened.
    pub opens_at: UtcTime,
    /// When it closes or closed.
    pub closes_at: UtcTime,
    /// Whether it is open now.
    pub is_open: bool,
}

/// The week of a net that comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextWeek {
    /// Its name.
    pub week: String,
    /// When it opens.
    pub opens_at: UtcTime,
    /// When it closes.
    pub closes_at: UtcTime,
}

/// A net's weeks in numbers: `GET /v1/checkins/nets/{net}/weeks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weeks {
    /// The net's name.
    pub net: String,
    /// Newest first, those in which nobody was there included.
    pub weeks: Vec<WeekCounts>,
}

/// A week in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeekCounts {
    /// Its name.
    pub week: String,
    /// How many people were there.
    pub people: u64,
    /// How many check-ins they made.
    pub check_ins: u64,
    /// How many of the people had never been there before.
    pub first_timers: u64,
    /// How many had.
    pub returning: u64,
}

/// A week of a net: `GET /v1/checkins/nets/{net}/weeks/{week}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Board {
    /// The net's name.
    pub net: String,
    /// The channel's name.
    pub channel: String,
    /// The week's name.
    pub week: String,
    /// The week before, where anything is known of it or of earlier ones.
    pub previous: Option<String>,
    /// The week after, unless this is the current one.
    pub next: Option<String>,
    /// When it opened.
    pub opens_at: UtcTime,
    /// When it closes or closed.
    pub closes_at: UtcTime,
    /// Whether it is open now.
    pub is_open: bool,
    /// How many people were there.
    pub total: u64,
    /// How many check-ins they made.
    pub check_ins: u64,
    /// How many of the people had never been there before.
    pub first_timers: u64,
    /// How many had.
    pub returning: u64,
    /// Who of them had been there for the most weeks in a row; nobody when nobody came twice.
    pub longest_streak: Option<StreakHolder>,
    /// One for each person, in the order of their first check-in.
    pub entries: Vec<BoardEntry>,
    /// Whether the week has more check-ins than a board holds, 20,000; then all of it speaks of the first ones.
    pub truncated: bool,
    /// The week in a line, ready to paste.
    pub summary: String,
    /// The same in at most 130 bytes, for a message on the mesh.
    pub summary_short: String,
}

/// Who holds a streak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreakHolder {
    /// The person's name.
    pub username: String,
    /// Weeks in a row.
    pub weeks: u32,
}

/// A person on a board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoardEntry {
    /// The person's name.
    pub username: String,
    /// What they said first.
    pub message: String,
    /// When, in the bot's words.
    pub timestamp: String,
    /// How often they checked in this week.
    pub check_ins: u64,
    /// Every bot that heard the first one.
    pub heard_by: Vec<Hearing>,
    /// Whether they had never been there before.
    pub first_time: bool,
    /// Weeks in a row up to this one.
    pub streak: u32,
}

/// A week of a channel: `GET /v1/checkins/channels/{channel}/roll-call`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollCall {
    /// The channel, as asked for.
    pub channel: String,
    /// The week of ISO 8601, `2025-W10`.
    pub week: String,
    /// The zone whose days count.
    pub zone: String,
    /// When it began.
    pub from: UtcTime,
    /// When it ends or ended.
    pub to: UtcTime,
    /// How many people were there.
    pub total: u64,
    /// How many check-ins they made.
    pub check_ins: u64,
    /// How many of the people had never been there before.
    pub first_timers: u64,
    /// How many had.
    pub returning: u64,
    /// One for each person, by name.
    pub entries: Vec<RollCallEntry>,
    /// Whether the week has more check-ins than are looked at, 20,000; then all of it speaks of the first ones.
    pub truncated: bool,
    /// The week in a line, ready to paste.
    pub summary: String,
    /// The same in at most 130 bytes.
    pub summary_short: String,
}

/// A person on a roll call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollCallEntry {
    /// The person's name.
    pub username: String,
    /// How often they checked in this week.
    pub check_ins: u64,
    /// When first, in the bot's words.
    pub timestamp: String,
    /// Whether they had never been there before.
    pub first_time: bool,
    /// In how many weeks they have been there, this one included.
    pub weeks: u32,
    /// Weeks in a row up to this one.
    pub streak: u32,
    /// The most weeks in a row up to this one.
    pub longest_streak: u32,
}
