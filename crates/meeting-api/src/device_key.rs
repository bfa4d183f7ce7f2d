use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The stable identifier of a device, used in every route, by the stores and by the proxy.
///
/// It is 1 to 64 characters of `0-9 A-Z a-z _ -`, so that it is one path segment whatever its value
/// (threat R1), a file name and an SQL value. It is not a secret.
///
/// Source: meeting §1.1. Choice: MA-1.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct DeviceKey(Box<str>);

impl DeviceKey {
    /// Longest key, in characters.
    pub const MAX_CHARS: usize = 64;

    /// Checks `text` and makes it a key.
    ///
    /// # Errors
    /// [`InvalidDeviceKey`] when it is empty, longer than 64 characters, or holds another character.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidDeviceKey> {
        let text = text.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if text.is_empty() || text.len() > Self::MAX_CHARS || !text.bytes().all(allowed) {
            return Err(InvalidDeviceKey);
        }
        Ok(Self(text.into_boxed_str()))
    }

    /// A key of 32 hex digits, the form of the document's example, from 16 random bytes.
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(crate::token_code::hex(&random).into_boxed_str())
    }

    /// The key as it is written in routes and JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({})", self.0)
    }
}

impl AsRef<str> for DeviceKey {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeviceKey {
    type Err = InvalidDeviceKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl TryFrom<String> for DeviceKey {
    type Error = InvalidDeviceKey;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

/// The text is not a [`DeviceKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a device_key is 1 to 64 characters of 0-9 A-Z a-z _ -")]
pub struct InvalidDeviceKey;
