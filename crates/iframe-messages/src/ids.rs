//! The identifiers of processes, states and pairings.

use std::fmt;

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::text::{from_hex, is_short_text, to_hex};

/// `stateId`: 32 bytes, 64 hex digits of either case, written in lower case.
///
/// Source: iframe §2.9, §2.13, §2.14. Choice: IF-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateId([u8; 32]);

impl StateId {
    /// The id of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hex digits.
    ///
    /// # Errors
    /// [`InvalidId`] when it is anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        from_hex(text).map(Self).ok_or(InvalidId("64 hex digits"))
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for StateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

/// `processId`: 32 bytes, 64 hex digits; perhaps with the number of an output behind a colon, as peers write it
/// whose processes begin with a transaction.
///
/// Source: iframe §2.9, §2.11, §4. Choice: IF-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId {
    bytes: [u8; 32],
    output: Option<u32>,
}

impl ProcessId {
    /// The id of these bytes, without an output.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { bytes, output: None }
    }

    /// Reads 64 hex digits, or those with `:` and a decimal number.
    ///
    /// # Errors
    /// [`InvalidId`] when it is anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        const EXPECTED: InvalidId = InvalidId("64 hex digits, perhaps with `:` and a number");
        let (digits, output) = match text.split_once(':') {
            None => (text, None),
            Some((digits, number)) => (digits, Some(canonical(number).ok_or(EXPECTED)?)),
        };
        let bytes = from_hex(digits).ok_or(EXPECTED)?;
        Ok(Self { bytes, output })
    }
}

/// A number as `Display` writes it: no sign, no zeros before it.
fn canonical(text: &str) -> Option<u32> {
    let number: u32 = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.bytes))?;
        self.output.map_or(Ok(()), |output| write!(f, ":{output}"))
    }
}

/// `pairingId` and `userPairingId`: what names the paired device. 1 to 256 bytes without control characters, compared as sent:
/// each back end makes them as it likes.
///
/// Source: iframe §2.5, §2.6. Choice: IF-1.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairingId(Box<str>);

impl PairingId {
    /// Longest id, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// Checks `text` and makes it an id.
    ///
    /// # Errors
    /// [`InvalidId`] when it is empty, too long, or holds a control character.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        if is_short_text(text, Self::MAX_BYTES) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId("1 to 256 bytes without control characters"))
        }
    }

    /// The id as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PairingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no such identifier; the error says what is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct InvalidId(&'static str);

macro_rules! text_on_the_wire {
    ($($id:ident),*) => {$(
        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl std::str::FromStr for $id {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }

        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text)
                    .map_err(|InvalidId(expected)| D::Error::invalid_value(Unexpected::Other("text"), &expected))
            }
        }
    )*};
}

text_on_the_wire!(StateId, ProcessId, PairingId);

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: &str = "00ffee0102030405060708090a0b0c0d0e0f101112131415161718191a1b1cAB";

    #[test]
    fn ids_are_64_hex_digits() {
        assert_eq!(StateId::parse(DIGITS).unwrap().to_string(), DIGITS.to_lowercase());
        assert_eq!(StateId::parse(DIGITS).unwrap().as_bytes()[31], 0xab);
        for wrong in [
            "",
            "00",
            &DIGITS[1..],
            &format!("{DIGITS}0"),
            &DIGITS.replace('f', "g"),
            &format!(" {}", &DIGITS[1..]),
        ] {
            assert_eq!(StateId::parse(wrong).unwrap_err().to_string(), "expected 64 hex digits", "{wrong}");
        }
    }

    #[test]
    fn a_process_may_name_an_output() {
        let written = |text: &str| ProcessId::parse(text).map(|id| id.to_string());
        let lower = DIGITS.to_lowercase();
        assert_eq!(written(DIGITS), Ok(lower.clone()));
        assert_eq!(written(&format!("{DIGITS}:0")), Ok(format!("{lower}:0")));
        for wrong in [":", ":-1", ":+1", ":00", ":4294967296", ":1:1"] {
            assert!(written(&format!("{DIGITS}{wrong}")).is_err(), "{wrong}");
        }
    }
}
