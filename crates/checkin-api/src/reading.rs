//! What a receiver tells of the check-ins it holds: the bodies of its answers to `GET`.
//!
//! The document has no way to read back; all of this is the receiver's own. Times are UTC, written `2025-03-03T21:30:00Z`,
//! but `timestamp`, which stays as the bot sent it. Weeks are dates, those of ISO 8601 `2025-W10`. A reader passes over fields that
//! it does not know.
//!
//! Choice: CI-60.

mod people;
mod records;
mod utc_time;
mod weeks;

pub use people::{Absentee, Leader, Leaderboard, Missing, Person, PersonWeek, Said};
pub use records::{Bot, Bots, CheckIns, Found, Hearing, Listed, Outside, Search};
pub use utc_time::{InvalidUtcTime, UtcTime};
pub use weeks::{
    Board, BoardEntry, CurrentWeek, NetState, Nets, NextWeek, RollCall, RollCallEntry, StreakHolder,
    WeekCounts, Weeks,
};

/// The form in which channels are compared: without blanks at the ends, ASCII letters in lower case.
///
/// Choice: CI-55.
#[must_use]
pub fn channel_key(channel: &str) -> String {
    channel.trim_matches(' ').to_ascii_lowercase()
}
