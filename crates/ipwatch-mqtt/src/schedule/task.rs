use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::GroupName;

/// What can be done to a machine: the document's three commands, and waking it.
///
/// Source: ipwatch §2.2, §3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Stops it.
    Shutdown,
    /// Starts it again.
    Reboot,
    /// Asks for its status.
    Status,
    /// Wakes it, by Wake-on-LAN.
    Wol,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Shutdown, Self::Reboot, Self::Status, Self::Wol];

    /// Its name, as paths, bodies and the database write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shutdown => "shutdown",
            Self::Reboot => "reboot",
            Self::Status => "status",
            Self::Wol => "wol",
        }
    }

    /// Whether it switches a machine on or off: then it is written down who did it, and how often it may be done.
    #[must_use]
    pub const fn is_power(self) -> bool {
        !matches!(self, Self::Status)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|action| action.as_str() == text).ok_or(UnknownAction)
    }
}

/// The text names no [`Action`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a command is shutdown, reboot, status or wol")]
pub struct UnknownAction;

/// To whom something is done: `all`, `device:192.0.2.7` or `group:lab` where it is one text.
///
/// Source: ipwatch §11. Choice: IM-83.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// One machine.
    Device(IpAddr),
    /// All machines of a group, as it is when the time comes.
    Group(GroupName),
    /// Every machine.
    All,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(address) => write!(f, "device:{address}"),
            Self::Group(name) => write!(f, "group:{name}"),
            Self::All => f.write_str("all"),
        }
    }
}

/// The text is no [`Target`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a target is all, device:ADDRESS or group:NAME")]
pub struct InvalidTarget;

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "all" => Ok(Self::All),
            Some(("device", address)) => address.parse().map(Self::Device).map_err(|_| InvalidTarget),
            Some(("group", name)) => name.parse().map(Self::Group).map_err(|_| InvalidTarget),
            _ => Err(InvalidTarget),
        }
    }
}
