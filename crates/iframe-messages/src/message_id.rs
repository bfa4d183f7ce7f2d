use std::fmt;

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize};

use crate::text::is_short_text;

/// `messageId`: what a host calls its request, and what the answer bears again.
///
/// 1 to 256 bytes without control characters, compared as sent. Optional on the wire, in both directions.
///
/// Source: iframe §1, §4. Choice: IF-2.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct MessageId(Box<str>);

impl MessageId {
    /// Longest id, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// Checks `text` and makes it an id.
    ///
    /// # Errors
    /// [`InvalidMessageId`] when it is empty, too long, or holds a control character.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, InvalidMessageId> {
        let text = text.into();
        if is_short_text(&text, Self::MAX_BYTES) { Ok(Self(text)) } else { Err(InvalidMessageId) }
    }

    /// The id as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for MessageId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::new(text).map_err(|error| D::Error::invalid_value(Unexpected::Other("text"), &error.words()))
    }
}

/// The text is not a [`MessageId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {}", self.words())]
pub struct InvalidMessageId;

impl InvalidMessageId {
    #[expect(clippy::unused_self, reason = "reads like the other errors")]
    const fn words(self) -> &'static str {
        "1 to 256 bytes without control characters"
    }
}
