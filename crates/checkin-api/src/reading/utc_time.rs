use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An instant to the second, written `2025-03-03T21:30:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UtcTime(Timestamp);

impl UtcTime {
    /// The instant.
    #[must_use]
    pub const fn instant(self) -> Timestamp {
        self.0
    }
}

impl From<Timestamp> for UtcTime {
    /// The fraction of the second is dropped.
    fn from(instant: Timestamp) -> Self {
        Self(Timestamp::from_second(instant.as_second()).unwrap_or(instant))
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0}", self.0)
    }
}

impl FromStr for UtcTime {
    type Err = InvalidUtcTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Timestamp>().map(Self::from).map_err(|_| InvalidUtcTime)
    }
}

impl TryFrom<String> for UtcTime {
    type Error = InvalidUtcTime;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<UtcTime> for String {
    fn from(time: UtcTime) -> Self {
        time.to_string()
    }
}

/// The text is no [`UtcTime`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an instant is written 2025-03-03T21:30:00Z")]
pub struct InvalidUtcTime;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_to_the_second() {
        for (text, written) in [
            ("2025-03-03T21:30:00.999Z", "2025-03-03T21:30:00Z"),
            ("2025-03-03T14:30:00-07:00", "2025-03-03T21:30:00Z"),
        ] {
            let time: UtcTime = text.parse().unwrap();
            assert_eq!(serde_json::to_string(&time).unwrap(), format!("\"{written}\""));
        }
        assert!("2025-03-03".parse::<UtcTime>().is_err());
    }
}
