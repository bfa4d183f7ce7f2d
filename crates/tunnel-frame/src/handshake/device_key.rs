//! The name by which a device is known.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

/// A device's `device_key`: 1 to 64 characters of `0-9 A-Z a-z _ -`. It is no secret.
///
/// Source: meeting §1.1.  Choice: TF-4.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey(String);

impl DeviceKey {
    /// Longest device key, in characters.
    pub const MAX_CHARS: usize = 64;

    /// The device key that `text` is.
    ///
    /// # Errors
    /// [`DeviceKeyError`] if it is empty, longer than 64 characters or holds any other character.
    pub fn new(text: impl Into<String>) -> Result<Self, DeviceKeyError> {
        let text = text.into();
        let fits = (1..=Self::MAX_CHARS).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
            Ok(Self(text))
        } else {
            Err(DeviceKeyError(()))
        }
    }

    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeviceKey {
    type Err = DeviceKeyError;

    fn from_str(text: &str) -> Result<Self, DeviceKeyError> {
        Self::new(text)
    }
}

impl AsRef<str> for DeviceKey {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for DeviceKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({})", self.0)
    }
}

/// The text is no device key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeviceKeyError(());

impl fmt::Display for DeviceKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a device key is 1 to 64 letters, digits, '_' or '-'")
    }
}

impl std::error::Error for DeviceKeyError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_harmless_characters_pass() {
        assert_eq!(DeviceKey::new("0123456789abcdef0123456789abcdef").unwrap().as_str().len(), 32);
        for bad in ["", "..", "a/b", "a b", "a\r\n", "a\0", "é", "%2f", &"x".repeat(65)] {
            assert_eq!(DeviceKey::new(bad), Err(DeviceKeyError(())), "{bad:?}");
        }
    }
}
