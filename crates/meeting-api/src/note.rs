use std::fmt;

use serde::{Deserialize, Serialize};

/// The free text that a device or an operator attaches to a device: at most 2000 characters, no control
/// characters but tab and line ends. Never empty: no note is `None`.
///
/// Source: meeting §3.1. Choice: MA-5.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Note(String);

impl Note {
    /// Longest note, in characters.
    pub const MAX_CHARS: usize = 2000;

    /// Checks `text` and makes it a note.
    ///
    /// # Errors
    /// [`TextRefused`] when it is empty, too long, or holds control characters.
    pub fn new(text: impl Into<String>) -> Result<Self, TextRefused> {
        let text = text.into();
        let control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
        check(&text, Self::MAX_CHARS, control)?;
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The `cluster_ip` of a heartbeat: a string "with the cluster's address or addresses where there are any", which
/// the server keeps as it is. 1 to 255 characters, no control characters.
///
/// Source: meeting §3.1. Choice: MA-5.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ClusterIp(String);

impl ClusterIp {
    /// Longest text, in characters.
    pub const MAX_CHARS: usize = 255;

    /// Checks `text` and makes it a `cluster_ip`.
    ///
    /// # Errors
    /// [`TextRefused`] when it is empty, too long, or holds control characters.
    pub fn new(text: impl Into<String>) -> Result<Self, TextRefused> {
        let text = text.into();
        check(&text, Self::MAX_CHARS, char::is_control)?;
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check(text: &str, max_chars: usize, refused: impl Fn(char) -> bool) -> Result<(), TextRefused> {
    if text.is_empty() {
        return Err(TextRefused::Empty);
    }
    if text.chars().nth(max_chars).is_some() {
        return Err(TextRefused::TooLong { max_chars });
    }
    if text.chars().any(refused) { Err(TextRefused::Control) } else { Ok(()) }
}

/// Why a text is neither a [`Note`] nor a [`ClusterIp`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextRefused {
    /// There is no text.
    #[error("the text is empty")]
    Empty,
    /// There is too much of it.
    #[error("the text has more than {max_chars} characters")]
    TooLong {
        /// The limit, in characters.
        max_chars: usize,
    },
    /// It holds a control character.
    #[error("the text holds a control character")]
    Control,
}

macro_rules! text_traits {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextRefused;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(text)
            }
        }
    )+};
}

text_traits!(Note, ClusterIp);
