//! `availability`: whether a machine is there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Whether a machine is there. Direction: agent to all; retained, so that whoever subscribes knows at once. The payload is
/// one word, without quotes.
///
/// Source: ipwatch §2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Availability {
    /// The agent is connected.
    Online,
    /// It said goodbye, or the broker lost it.
    Offline,
}

impl Availability {
    /// The payload.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
        }
    }

    /// Reads a payload. White space around the word passes.
    ///
    /// # Errors
    /// It is neither word.
    pub fn decode(payload: &[u8]) -> Result<Self, InvalidAvailability> {
        match payload.trim_ascii() {
            b"online" => Ok(Self::Online),
            b"offline" => Ok(Self::Offline),
            _ => Err(InvalidAvailability),
        }
    }
}

impl fmt::Display for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Availability {
    type Err = InvalidAvailability;

    fn from_str(text: &str) -> Result<Self, InvalidAvailability> {
        Self::decode(text.as_bytes())
    }
}

/// A payload that is neither `online` nor `offline`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("availability is neither online nor offline")]
pub struct InvalidAvailability;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_words() {
        for availability in [Availability::Online, Availability::Offline] {
            assert_eq!(availability.to_string().parse(), Ok(availability));
            assert_eq!(Availability::decode(format!(" {availability}\n").as_bytes()), Ok(availability));
        }
        for other in ["", "Online", "\"online\"", "on", "online offline"] {
            assert_eq!(Availability::decode(other.as_bytes()), Err(InvalidAvailability), "{other}");
        }
    }
}
