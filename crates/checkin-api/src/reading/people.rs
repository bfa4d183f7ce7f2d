//! People, over all weeks of a net.

use serde::{Deserialize, Serialize};

use super::Hearing;

/// Who comes, and how steadily: `GET /v1/checkins/nets/{net}/leaderboard`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaderboard {
    /// The net's name.
    pub net: String,
    /// Most weeks first, then the longest current streak, the longest ever, and the name.
    pub people: Vec<Leader>,
    /// The cursor of the next page; absent on the last one.
    pub next: Option<String>,
}

/// A person on a leaderboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leader {
    /// The person's name.
    pub username: String,
    /// In how many weeks they were there.
    pub weeks: u32,
    /// Weeks in a row up to now.
    pub current_streak: u32,
    /// The most weeks in a row that ever were.
    pub longest_streak: u32,
    /// The last week in which they were there.
    pub last_week: String,
}

/// One person: `GET /v1/checkins/nets/{net}/people/{username}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The net's name.
    pub net: String,
    /// The person's name.
    pub username: String,
    /// Weeks in a row up to now.
    pub current_streak: u32,
    /// The most weeks in a row that ever were.
    pub longest_streak: u32,
    /// How many weeks of the net were held in which they were not there, since their first.
    pub missed: u32,
    /// The weeks in which they were there, newest first.
    pub weeks: Vec<PersonWeek>,
}

/// A week in which a person was there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonWeek {
    /// Its name.
    pub week: String,
    /// What they said, oldest first; at most 10, and none for all but the newest 104 weeks.
    pub check_ins: Vec<Said>,
}

/// What a person said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// What was said.
    pub message: String,
    /// When, in the bot's words.
    pub timestamp: String,
    /// Every bot that heard it.
    pub heard_by: Vec<Hearing>,
}

/// Regulars who were not there this week: `GET /v1/checkins/nets/{net}/missing`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The net's name.
    pub net: String,
    /// The current week.
    pub week: String,
    /// Whether it is open: they may still come.
    pub is_open: bool,
    /// A regular was there in at least so many…
    pub present: u8,
    /// …of so many weeks before this one.
    pub of: u8,
    /// Most weeks first; at most 500.
    pub people: Vec<Absentee>,
}

/// A regular who was not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absentee {
    /// The person's name.
    pub username: String,
    /// The last week in which they were there.
    pub last_week: String,
    /// In how many weeks they were there.
    pub weeks: u32,
    /// Weeks in a row that they had before this one.
    pub streak: u32,
    /// The most weeks in a row that ever were.
    pub longest_streak: u32,
}
