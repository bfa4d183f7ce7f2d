//! `command`: what a machine is told to do.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a machine can be told to do.
///
/// Source: ipwatch §2.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommandName {
    /// Power off.
    Shutdown,
    /// Restart.
    Reboot,
    /// Publish a status now.
    Status,
}

impl CommandName {
    /// All three, in the document's order.
    pub const ALL: [Self; 3] = [Self::Shutdown, Self::Reboot, Self::Status];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shutdown => "shutdown",
            Self::Reboot => "reboot",
            Self::Status => "status",
        }
    }

    /// Whether the machine goes down by it.
    #[must_use]
    pub const fn is_power(self) -> bool {
        matches!(self, Self::Shutdown | Self::Reboot)
    }
}

impl fmt::Display for CommandName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CommandName {
    type Err = UnknownCommand;

    fn from_str(text: &str) -> Result<Self, UnknownCommand> {
        Self::ALL.into_iter().find(|name| name.as_str() == text).ok_or(UnknownCommand)
    }
}

/// A word that is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the commands are shutdown, reboot and status")]
pub struct UnknownCommand;

/// What a sender calls its command, so that the answer can be told from others: 1 to 128 visible ASCII characters.
///
/// Choice: IM-5.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CommandId(String);

impl CommandId {
    /// The longest id, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CommandId {
    type Err = InvalidCommandId;

    fn from_str(text: &str) -> Result<Self, InvalidCommandId> {
        let is_fine =
            (1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if is_fine { Ok(Self(text.to_owned())) } else { Err(InvalidCommandId) }
    }
}

impl TryFrom<String> for CommandId {
    type Error = InvalidCommandId;

    fn try_from(text: String) -> Result<Self, InvalidCommandId> {
        text.parse()
    }
}

impl From<CommandId> for String {
    fn from(id: CommandId) -> Self {
        id.0
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no id of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a command's id is 1 to 128 visible ASCII characters")]
pub struct InvalidCommandId;

/// A command. Direction: backend to agent.
///
/// `{"command":"shutdown","timestamp":"2025-12-23T10:30:00Z"}`, and `id` where the sender has one. Unknown fields pass.
///
/// Source: ipwatch §2.2.
/// Choice: IM-4, IM-5.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Command {
    /// What to do.
    pub command: CommandName,
    /// When it was given. `None` where it is absent or no time; such a command is not executed.
    #[serde(
        default,
        deserialize_with = "crate::timestamp::lenient",
        serialize_with = "crate::timestamp::whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub timestamp: Option<Timestamp>,
    /// What its sender calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<CommandId>,
}

impl Command {
    /// The payload.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        crate::message::json(self)
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// It is no JSON object, names no command of ours, or has an id that is none.
    pub fn decode(payload: &[u8]) -> Result<Self, MalformedCommand> {
        crate::message::object(payload).map_err(MalformedCommand)
    }
}

/// A payload that is no command, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the payload is no command: {0}")]
pub struct MalformedCommand(String);

#[cfg(test)]
mod tests {
    use super::*;

    /// The document's example.
    const EXAMPLE: &str = r#"{"command":"shutdown","timestamp":"2025-12-23T10:30:00Z"}"#;

    #[test]
    fn the_documents_example() {
        let command = Command {
            command: CommandName::Shutdown,
            timestamp: Some("2025-12-23T10:30:00Z".parse().unwrap()),
            id: None,
        };
        assert_eq!(Command::decode(EXAMPLE.as_bytes()), Ok(command.clone()));
        assert_eq!(command.encode(), EXAMPLE);
    }

    #[test]
    fn a_fraction_of_a_second_is_read_and_not_written() {
        let text = EXAMPLE.replace("00Z", "00.987654Z");
        let command = Command::decode(text.as_bytes()).unwrap();
        assert_eq!(command.timestamp.unwrap().subsec_microsecond(), 987_654);
        assert_eq!(command.encode(), EXAMPLE);
    }

    #[test]
    fn what_is_missing_or_more_passes() {
        let bare = Command { command: CommandName::Reboot, timestamp: None, id: None };
        for text in [
            r#"{"command":"reboot"}"#,
            r#"{"command":"reboot","timestamp":17,"more":[1,2]}"#,
            r#"{"timestamp":null,"command":"reboot","id":null}"#,
        ] {
            assert_eq!(Command::decode(text.as_bytes()), Ok(bare.clone()), "{text}");
        }
        let named = Command::decode(br#"{"command":"status","id":"a-1"}"#).unwrap();
        assert_eq!(named.id.unwrap().as_str(), "a-1");
    }

    #[test]
    fn what_is_no_command() {
        for text in [
            "",
            "shutdown",
            "[]",
            r#"["shutdown","2025-12-23T10:30:00Z",null]"#,
            "{}",
            r#"{"command":"format"}"#,
            r#"{"command":"Shutdown"}"#,
            r#"{"command":["shutdown"]}"#,
            r#"{"command":"status","id":"a b"}"#,
            r#"{"command":"status","id":""}"#,
            r#"{"command":"status","command":"shutdown"}"#,
        ] {
            assert!(Command::decode(text.as_bytes()).is_err(), "{text}");
        }
    }
}
