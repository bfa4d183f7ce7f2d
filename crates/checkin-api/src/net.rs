//! Nets: on which day, from when to when, in which zone people check in, and which week a check-in counts for.
//!
//! All of it is arithmetic on values that are given: there is no clock and no store in here. The sender's timestamp decides, so
//! that a flush at 23:59, a late retry or the receiver's clock moves nobody to another week, nor does a change to summer
//! time.

mod local_time;
mod regulars;
mod schedule;
mod streaks;
mod summary;
mod week;
mod zone;

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use local_time::{InvalidLocalTime, LocalTime};
pub use regulars::{InvalidRegulars, Regulars};
pub use schedule::{InvalidIsoWeek, IsoWeeks, Schedule};
pub use streaks::{Streaks, streaks};
pub use summary::{MAX_MESH_BYTES, WeekInNumbers, plain};
pub use week::{InvalidWeek, Moment, Span, Week};
pub use zone::{start_of_day, zone_named};

/// Most bytes of a net's name.
pub const MAX_NAME_BYTES: usize = 64;
/// Most bytes of a channel's name and of a phrase.
pub const MAX_PHRASE_BYTES: usize = 256;

/// A weekly net, as its operator configures it: people check in on a channel, on one day of the week, from when to when.
///
/// ```toml
/// name = "mesh-monday"
/// channel = "#meshmonday"
/// weekday = "monday"
/// opens = "20:00"          # 00:00 when left out
/// closes = "02:00"         # 24:00 when left out; before or at `opens` it is that time on the next day
/// zone = "America/Denver"
/// phrase = "check"         # optional: only messages that contain it count
/// ```
///
/// Choice: CI-50, CI-55.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Definition", into = "Definition")]
pub struct Net {
    definition: Definition,
    weekday: Weekday,
    zone: TimeZone,
}

/// What a [`Net`] is made of, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Names the net in paths: 1 to 64 bytes without `/` and control characters.
    pub name: String,
    /// The channel, as bots send it; the case of ASCII letters and blanks at its ends do not matter.
    pub channel: String,
    /// The day, in English: `monday`, or its first three letters.
    pub weekday: String,
    /// When check-ins begin to count; `00:00` by default.
    #[serde(default = "whole_day_opens")]
    pub opens: LocalTime,
    /// When they no longer count; `24:00` by default. At or before `opens` it is that time on the next day.
    #[serde(default = "whole_day_closes")]
    pub closes: LocalTime,
    /// The IANA zone of these times, as `America/Denver`.
    pub zone: String,
    /// What a message must contain to count, capitals and small letters of ASCII alike; none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phrase: Option<String>,
}

const fn whole_day_opens() -> LocalTime {
    LocalTime::START_OF_DAY
}

const fn whole_day_closes() -> LocalTime {
    LocalTime::END_OF_DAY
}

impl Net {
    /// The net of that definition.
    ///
    /// # Errors
    /// [`NetRefused`] says which field is wrong.
    pub fn new(definition: Definition) -> Result<Self, NetRefused> {
        let Definition { name, channel, weekday, opens, closes, zone, phrase } = &definition;
        let name_ok = (1..=MAX_NAME_BYTES).contains(&name.len())
            && name.trim() == name
            && !name.contains(|c: char| c.is_control() || c == '/')
            && !matches!(name.as_str(), "." | "..");
        if !name_ok {
            return Err(NetRefused::Name);
        }
        if channel.is_empty() || channel.len() > MAX_PHRASE_BYTES || channel.contains('\0') {
            return Err(NetRefused::Channel);
        }
        let day = weekday_named(weekday).ok_or(NetRefused::Weekday)?;
        if *opens == LocalTime::END_OF_DAY || closes == opens {
            return Err(NetRefused::Window);
        }
        let zone = zone_named(zone).ok_or_else(|| NetRefused::Zone(zone.clone()))?;
        let phrase_ok = |phrase: &String| {
            !phrase.is_empty() && phrase.len() <= MAX_PHRASE_BYTES && !phrase.contains('\0')
        };
        if !phrase.as_ref().is_none_or(phrase_ok) {
            return Err(NetRefused::Phrase);
        }
        Ok(Self { weekday: day, zone, definition })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// Its channel.
    #[must_use]
    pub fn channel(&self) -> &str {
        &self.definition.channel
    }

    /// Its day of the week.
    #[must_use]
    pub const fn weekday(&self) -> Weekday {
        self.weekday
    }

    /// When it opens, by a clock in its zone.
    #[must_use]
    pub const fn opens(&self) -> LocalTime {
        self.definition.opens
    }

    /// When it closes, by a clock in its zone; at or before [`opens`](Self::opens), on the next day.
    #[must_use]
    pub const fn closes(&self) -> LocalTime {
        self.definition.closes
    }

    /// Its zone.
    #[must_use]
    pub const fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The name of its zone, as configured.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        &self.definition.zone
    }

    /// What a message must contain to count, if anything.
    #[must_use]
    pub fn phrase(&self) -> Option<&str> {
        self.definition.phrase.as_deref()
    }

    /// Whether the message has what counts: the phrase, where there is one.
    #[must_use]
    pub fn has_phrase(&self, message: &str) -> bool {
        has_phrase(self.phrase(), message)
    }

    /// The week that a message of this moment counts for; `None` when it came outside the window or lacks the phrase.
    ///
    /// Choice: CI-53, CI-54.
    #[must_use]
    pub fn week_of(&self, moment: Moment, message: &str) -> Option<Week> {
        if self.has_phrase(message) { Schedule::week_of(self, moment) } else { None }
    }

    /// Its week at this instant: the one whose window is open, else the last one whose was.
    #[must_use]
    pub fn current(&self, now: Timestamp) -> Option<Week> {
        Schedule::current(self, now)
    }

    /// From when to when check-ins count for this week; `None` when its date is not the net's day.
    #[must_use]
    pub fn span(&self, week: Week) -> Option<Span> {
        Schedule::span(self, week)
    }
}

/// Whether the message contains the phrase, where there is one. Choice: CI-55.
pub(crate) fn has_phrase(phrase: Option<&str>, message: &str) -> bool {
    phrase.is_none_or(|phrase| message.to_ascii_lowercase().contains(&phrase.to_ascii_lowercase()))
}

fn weekday_named(name: &str) -> Option<Weekday> {
    let days = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let name = name.to_ascii_lowercase();
    let fits = |full: &str| full == name || (name.len() == 3 && full.starts_with(&name));
    days.into_iter().find(|(full, _)| fits(full)).map(|(_, day)| day)
}

/// The English name of a day in small letters.
pub(crate) const fn weekday_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "monday",
        Weekday::Tuesday => "tuesday",
        Weekday::Wednesday => "wednesday",
        Weekday::Thursday => "thursday",
        Weekday::Friday => "friday",
        Weekday::Saturday => "saturday",
        Weekday::Sunday => "sunday",
    }
}

impl TryFrom<Definition> for Net {
    type Error = NetRefused;

    fn try_from(definition: Definition) -> Result<Self, Self::Error> {
        Self::new(definition)
    }
}

impl From<Net> for Definition {
    fn from(net: Net) -> Self {
        Self { weekday: weekday_name(net.weekday).to_owned(), ..net.definition }
    }
}

/// Why a definition makes no net.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetRefused {
    /// The name cannot stand in a path.
    #[error("a net's name has 1 to 64 bytes, no `/`, no control character and no space at its ends")]
    Name,
    /// The channel is empty or too long.
    #[error("a net's channel has 1 to 256 bytes")]
    Channel,
    /// The day is none.
    #[error("a net's weekday is monday, tuesday, wednesday, thursday, friday, saturday or sunday")]
    Weekday,
    /// Nothing lies between opening and closing.
    #[error(
        "a net opens before 24:00 and closes at another time than it opens; a whole day is 00:00 to 24:00"
    )]
    Window,
    /// There is no such zone.
    #[error("`{0}` is no time zone: the name of a place is wanted, as Europe/Zurich or America/Denver")]
    Zone(String),
    /// The phrase is empty or too long.
    #[error("a net's phrase has 1 to 256 bytes")]
    Phrase,
}
