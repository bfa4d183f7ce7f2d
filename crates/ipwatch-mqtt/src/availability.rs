use std::fmt;
use std::str::FromStr;

/// Whether a machine is there: the plain text `online` or `offline`, retained.
///
/// Source: ipwatch §2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Availability {
    /// It said so.
    Online,
    /// It, or the broker in its place, said that it is not.
    Offline,
}

impl Availability {
    /// Its text on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
        }
    }
}

impl fmt::Display for Availability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no [`Availability`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("availability is online or offline")]
pub struct UnknownAvailability;

impl FromStr for Availability {
    type Err = UnknownAvailability;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "online" => Ok(Self::Online),
            "offline" => Ok(Self::Offline),
            _ => Err(UnknownAvailability),
        }
    }
}
