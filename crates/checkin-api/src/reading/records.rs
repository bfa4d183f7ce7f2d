//! Single check-ins, and the bots that heard them.

use serde::{Deserialize, Serialize};

use super::UtcTime;

/// A page of check-ins: `GET /v1/checkins/list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckIns {
    /// Newest first by the sender's time; of one bot, newest first by arrival.
    pub check_ins: Vec<Listed>,
    /// The cursor of the next page; absent on the last one.
    pub next: Option<String>,
}

/// A check-in as it is held; also a line of `GET /v1/checkins/export.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
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
    pub received_at: UtcTime,
    /// The name of the key that was shown with it.
    pub key: String,
    /// Every bot that heard it, the first one to report it first.
    pub heard_by: Vec<Hearing>,
}

/// A bot heard a check-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hearing {
    /// The bot's name, or that of its key.
    pub bot: String,
    /// When its report came in.
    pub at: UtcTime,
}

/// Was I heard? `GET /v1/checkins/search`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// The net's name.
    pub net: String,
    /// The week that was searched.
    pub week: String,
    /// Check-ins that count for it, of people whose name holds what was asked for; at most 50.
    pub results: Vec<Found>,
    /// What such people said on the net's channel around it that does not count; at most 50.
    pub outside: Vec<Outside>,
    /// Whether there is more than was returned.
    pub more: bool,
}

/// A check-in that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The sender's name.
    pub username: String,
    /// What was said.
    pub message: String,
    /// When, in the bot's words.
    pub timestamp: String,
    /// Every bot that heard it.
    pub heard_by: Vec<Hearing>,
}

/// A message that was heard and does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// The message.
    #[serde(flatten)]
    pub found: Found,
    /// Why not: `window`, it came before the net opened or after it closed, or `phrase`, it lacks the net's phrase.
    pub reason: String,
}

/// How the bots are doing: `GET /v1/checkins/bots`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bots {
    /// By name; at most 1,000.
    pub bots: Vec<Bot>,
}

/// How a bot is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bot {
    /// Its name, or that of its key.
    pub bot: String,
    /// When it last sent anything.
    pub last_seen: UtcTime,
    /// Check-ins that it was the first to report.
    pub accepted: u64,
    /// Check-ins that were held already.
    pub duplicates: u64,
    /// Check-ins that were refused.
    pub rejected: u64,
}
