use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Secret;

/// The `token_code` of a device: the secret that its agent shows to the proxy.
///
/// Written by default as 6 hex digits (24 bits); 4 to 128 characters of `0-9 A-Z a-z _ -` are read, so that an
/// operator may give longer ones. Compared in constant time, never printed by `Debug`.
///
/// Source: meeting §1.3, §4.1. Choice: MA-2.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TokenCode(Secret);

impl TokenCode {
    /// Shortest code that is read, in characters.
    pub const MIN_CHARS: usize = 4;
    /// Longest code that is read, in characters.
    pub const MAX_CHARS: usize = 128;

    /// Checks `text` and makes it a code.
    ///
    /// # Errors
    /// [`InvalidTokenCode`] when its length is not 4 to 128 or it holds another character.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidTokenCode> {
        let secret = Secret::new(text);
        let text = secret.expose();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !(Self::MIN_CHARS..=Self::MAX_CHARS).contains(&text.len()) || !text.bytes().all(allowed) {
            return Err(InvalidTokenCode);
        }
        Ok(Self(secret))
    }

    /// The document's form, 6 hex digits, from 3 random bytes.
    #[must_use]
    pub fn from_random(random: [u8; 3]) -> Self {
        Self(Secret::new(hex(&random)))
    }

    /// A long form, 32 hex digits, from 16 random bytes: beyond guessing (threat T3).
    #[must_use]
    pub fn from_random_long(random: [u8; 16]) -> Self {
        Self(Secret::new(hex(&random)))
    }

    /// The code itself, for the one place that must send it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Whether `other` is the same code, in a time that depends on the lengths only.
    #[must_use]
    pub fn ct_eq(&self, other: &[u8]) -> bool {
        self.0.ct_eq(other)
    }
}

/// Lower-case hex digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl fmt::Debug for TokenCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCode(…)")
    }
}

/// Writes the code in clear: the routes that carry it exist for that, and answer only those who may know it.
impl Serialize for TokenCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl FromStr for TokenCode {
    type Err = InvalidTokenCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl TryFrom<String> for TokenCode {
    type Error = InvalidTokenCode;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

/// The text is not a [`TokenCode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token_code is 4 to 128 characters of 0-9 A-Z a-z _ -")]
pub struct InvalidTokenCode;
