use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a machine can be told to do: `shutdown`, `reboot` or `status`.
///
/// Source: ipwatch §2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommandName {
    /// Stop.
    Shutdown,
    /// Start again.
    Reboot,
    /// Say how it is.
    Status,
}

impl CommandName {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Shutdown, Self::Reboot, Self::Status];

    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shutdown => "shutdown",
            Self::Reboot => "reboot",
            Self::Status => "status",
        }
    }
}

impl fmt::Display for CommandName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no [`CommandName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a command is shutdown, reboot or status")]
pub struct UnknownCommand;

impl FromStr for CommandName {
    type Err = UnknownCommand;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or(UnknownCommand)
    }
}
