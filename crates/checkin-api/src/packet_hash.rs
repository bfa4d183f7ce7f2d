use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The identity of a check-in: who hears the same packet sends the same hash, and a receiver keeps one record of it.
///
/// 1 to 256 bytes without control characters, kept and compared as sent: the bots decide what it is, and a receiver that
/// changed its case could take two for one. MeshCore bots send 16 upper-case hex digits, others what they make up
/// themselves (the document's "fallback hash").
///
/// Source: checkin §3, §4. Choice: CI-1.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PacketHash(Box<str>);

impl PacketHash {
    /// Longest hash, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// Checks `text` and makes it a hash.
    ///
    /// # Errors
    /// [`InvalidPacketHash`] when it is empty, longer than 256 bytes, or holds a control character.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidPacketHash> {
        let text = text.into();
        if text.is_empty() {
            return Err(InvalidPacketHash::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidPacketHash::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidPacketHash::ControlCharacter);
        }
        Ok(Self(text.into_boxed_str()))
    }

    /// The hash that 8 bytes are written as: 16 upper-case hex digits, the form of the document's example.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Self {
        Self(format!("{:016X}", u64::from_be_bytes(bytes)).into_boxed_str())
    }

    /// The hash as it is written in JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is made of zeros only: what bots send when they could not compute one. It identifies nothing, so that
    /// two check-ins that bear it are not the same for that. Choice: CI-2.
    #[must_use]
    pub fn is_all_zero(&self) -> bool {
        self.0.bytes().all(|byte| byte == b'0')
    }
}

impl fmt::Display for PacketHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PacketHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PacketHash({})", self.0)
    }
}

impl AsRef<str> for PacketHash {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for PacketHash {
    type Err = InvalidPacketHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl TryFrom<String> for PacketHash {
    type Error = InvalidPacketHash;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl From<PacketHash> for String {
    fn from(hash: PacketHash) -> Self {
        hash.0.into_string()
    }
}

/// Why a text is no [`PacketHash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPacketHash {
    /// There is nothing in it.
    #[error("a packet hash is not empty")]
    Empty,
    /// More than [`PacketHash::MAX_BYTES`].
    #[error("a packet hash has at most 256 bytes")]
    TooLong,
    /// It holds a control character.
    #[error("a packet hash holds no control character")]
    ControlCharacter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_hash_and_what_is_not() {
        for text in ["A1B2C3D4E5F67890", "a1b2", "0", "fallback-é-1", " x "] {
            assert_eq!(PacketHash::new(text).unwrap().as_str(), text);
        }
        assert_eq!(PacketHash::new("x".repeat(256)).unwrap().as_str().len(), 256);
        assert_eq!(PacketHash::new(""), Err(InvalidPacketHash::Empty));
        assert_eq!(PacketHash::new("x".repeat(257)), Err(InvalidPacketHash::TooLong));
        for text in ["a\nb", "a\0", "\u{85}", "\x7f"] {
            assert_eq!(PacketHash::new(text), Err(InvalidPacketHash::ControlCharacter), "{text:?}");
        }
    }

    #[test]
    fn bytes_are_written_in_upper_case_hex() {
        let hash = PacketHash::from_bytes([0x01, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 0x78, 0x9f]);
        assert_eq!(hash.as_str(), "01B2C3D4E5F6789F");
    }

    #[test]
    fn zeros_only_identify_nothing() {
        for (text, zero) in [("0000000000000000", true), ("0", true), ("00000001", false), ("0x00", false)] {
            assert_eq!(PacketHash::new(text).unwrap().is_all_zero(), zero, "{text}");
        }
    }

    #[test]
    fn it_is_compared_as_sent() {
        assert_ne!(PacketHash::new("AB").unwrap(), PacketHash::new("ab").unwrap());
    }
}
