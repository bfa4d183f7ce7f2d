use std::fmt;
use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::fmt::temporal::{Pieces, PiecesOffset};
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};

/// When the bot heard the check-in, in the bot's own words, and what they mean as far as they mean anything.
///
/// Any text is a timestamp: the bots never retry a 400, so that a clock or a format which is wrong must not lose a
/// check-in. What is read is ISO 8601 with date and time, as Python's `isoformat` writes it (a fraction or none, `T` or a
/// space, an offset, `Z` or neither).
///
/// ```
/// use checkin_api::Timestamp;
///
/// let heard = Timestamp::new("2025-03-03T14:30:00-07:00");
/// assert_eq!(heard.as_str(), "2025-03-03T14:30:00-07:00");
/// assert_eq!(heard.instant().map(|at| at.to_string()).as_deref(), Some("2025-03-03T21:30:00Z"));
/// assert_eq!(Timestamp::new("last Monday").instant(), None);
/// ```
///
/// Source: checkin §3. Choice: CI-4, CI-5.
#[derive(Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(from = "String", into = "String")]
pub struct Timestamp {
    text: Box<str>,
    // Both follow from the text, and are kept because they are asked for more often than they are made.
    civil: Option<DateTime>,
    offset: Option<Offset>,
}

impl Timestamp {
    /// Takes the text over, whatever it is.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into().into_boxed_str();
        let (civil, offset) = read(&text).map_or((None, None), |(civil, offset)| (Some(civil), offset));
        Self { text, civil, offset }
    }

    /// This instant to the second, as a bot whose clock is so far from UTC writes it: `2025-03-03T14:30:00-07:00`.
    #[must_use]
    pub fn at(instant: jiff::Timestamp, offset: Offset) -> Self {
        let second = jiff::Timestamp::from_second(instant.as_second()).unwrap_or(instant);
        Self::new(second.display_with_offset(offset).to_string())
    }

    /// The text as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The date and time as written, in the bot's zone; `None` where the text is no date with a time.
    #[must_use]
    pub const fn civil(&self) -> Option<DateTime> {
        self.civil
    }

    /// The offset from UTC as written; `None` where there is none.
    #[must_use]
    pub const fn offset(&self) -> Option<Offset> {
        self.offset
    }

    /// The instant; `None` where the text is no date or says nothing of the zone, see [`instant_in`](Self::instant_in).
    #[must_use]
    pub fn instant(&self) -> Option<jiff::Timestamp> {
        self.offset?.to_timestamp(self.civil?).ok()
    }

    /// The instant, where a text without an offset is taken to be of `zone`: a bot mostly stands where its net is. An hour that
    /// occurs twice is its first, one that is skipped is moved on, as clocks are.
    ///
    /// Choice: CI-5.
    #[must_use]
    pub fn instant_in(&self, zone: &TimeZone) -> Option<jiff::Timestamp> {
        match self.offset {
            Some(offset) => offset.to_timestamp(self.civil?).ok(),
            None => zone.to_timestamp(self.civil?).ok(),
        }
    }
}

fn read(text: &str) -> Option<(DateTime, Option<Offset>)> {
    let pieces = Pieces::parse(text.trim()).ok()?;
    let offset = match pieces.offset() {
        None => None,
        Some(PiecesOffset::Zulu) => Some(Offset::UTC),
        Some(PiecesOffset::Numeric(numeric)) => Some(numeric.offset()),
        // A way of writing that this crate does not know yet says nothing certain.
        Some(_) => return None,
    };
    Some((pieces.date().to_datetime(pieces.time()?), offset))
}

impl From<String> for Timestamp {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Timestamp {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// A clock's reading in UTC, brought into the years -9999 to 9999.
impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let edge = if time < SystemTime::UNIX_EPOCH { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
        Self::at(jiff::Timestamp::try_from(time).unwrap_or(edge), Offset::UTC)
    }
}

impl From<Timestamp> for String {
    fn from(timestamp: Timestamp) -> Self {
        timestamp.text.into_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({:?})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text, the instant in UTC, the offset in seconds.
    type Case = (&'static str, Option<&'static str>, Option<i32>);

    /// Outputs of Python's `isoformat` and of `datetime` printed, then forms of others.
    const READ: [Case; 14] = [
        ("2025-03-03T14:30:00-07:00", Some("2025-03-03T21:30:00Z"), Some(-25_200)),
        ("2025-03-03T14:30:00.123456-07:00", Some("2025-03-03T21:30:00.123456Z"), Some(-25_200)),
        ("2025-03-03T14:30:00.123+00:00", Some("2025-03-03T14:30:00.123Z"), Some(0)),
        ("2025-03-03 14:30:00+05:30", Some("2025-03-03T09:00:00Z"), Some(19_800)),
        ("2025-03-03T14:30-07:00", Some("2025-03-03T21:30:00Z"), Some(-25_200)),
        ("1890-01-01T00:00:00-00:01:15", Some("1890-01-01T00:01:15Z"), Some(-75)),
        ("2025-03-03T14:30:00", None, None),
        ("2025-03-03 14:30:00.000001", None, None),
        ("2025-03-03T14:30", None, None),
        ("2025-03-03T14:30:00Z", Some("2025-03-03T14:30:00Z"), Some(0)),
        ("2025-03-03t14:30:00z", Some("2025-03-03T14:30:00Z"), Some(0)),
        ("2025-03-03T14:30:00-0700", Some("2025-03-03T21:30:00Z"), Some(-25_200)),
        (" 2025-03-03T14:30:00+01 ", Some("2025-03-03T13:30:00Z"), Some(3_600)),
        ("2025-03-03T14:30:00-07:00[America/Denver]", Some("2025-03-03T21:30:00Z"), Some(-25_200)),
    ];

    #[test]
    fn dates_are_read() {
        for (text, instant, offset) in READ {
            let timestamp = Timestamp::new(text);
            assert_eq!(timestamp.as_str(), text);
            assert!(timestamp.civil().is_some(), "{text}");
            assert_eq!(timestamp.instant().map(|at| at.to_string()).as_deref(), instant, "{text}");
            assert_eq!(timestamp.offset().map(Offset::seconds), offset, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_kept_all_the_same() {
        for text in [
            "",
            "yesterday",
            "2025-03-03",
            "14:30",
            "2025-02-30T00:00:00Z",
            "1741012200",
            "2025-03-03T25:00:00",
        ] {
            let timestamp = Timestamp::new(text);
            assert_eq!((timestamp.as_str(), timestamp.civil(), timestamp.instant()), (text, None, None));
        }
    }

    #[test]
    fn without_an_offset_the_zone_decides_and_with_one_it_does_not() {
        let zone = TimeZone::fixed(jiff::tz::offset(-7));
        let in_zone = |text: &str| Timestamp::new(text).instant_in(&zone).map(|at| at.to_string());
        assert_eq!(in_zone("2025-03-03T14:30:00").as_deref(), Some("2025-03-03T21:30:00Z"));
        assert_eq!(in_zone("2025-03-03T14:30:00+01:00").as_deref(), Some("2025-03-03T13:30:00Z"));
        assert_eq!(in_zone("soon"), None);
    }

    #[test]
    fn instants_are_written_as_bots_write_them() {
        let instant: jiff::Timestamp = "2025-03-03T21:30:00.987Z".parse().unwrap();
        for (hours, text) in [(-7, "2025-03-03T14:30:00-07:00"), (0, "2025-03-03T21:30:00+00:00")] {
            let timestamp = Timestamp::at(instant, jiff::tz::offset(hours));
            assert_eq!(timestamp.as_str(), text);
            assert_eq!(timestamp.instant().map(jiff::Timestamp::as_second), Some(1_741_037_400));
        }
        let clock = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_741_037_400_999);
        assert_eq!(Timestamp::from(clock).as_str(), "2025-03-03T21:30:00+00:00");
    }

    #[test]
    fn an_instant_out_of_range_is_absent() {
        let timestamp = Timestamp::new("9999-12-31T23:59:59-25:00");
        assert!(timestamp.civil().is_some());
        assert_eq!(timestamp.instant(), None);
    }
}
