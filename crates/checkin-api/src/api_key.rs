use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The secret that a bot shows: `Authorization: Bearer <api_key>`.
///
/// 1 to 1024 bytes of printable ASCII, blanks around it dropped, as the document's receiver drops them. It is wiped when dropped,
/// `Debug` never prints it, and it is compared in constant time (threat C1).
///
/// Source: checkin §1. Choice: CI-3.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// Longest key, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// Checks `text` and makes it a key.
    ///
    /// # Errors
    /// [`InvalidApiKey`] when nothing is left of it, it is too long, or it cannot stand in a header.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidApiKey> {
        let text = Zeroizing::new(text.into());
        let key = text.trim_matches([' ', '\t', '\r', '\n']);
        let printable = key.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
        if key.is_empty() || key.len() > Self::MAX_BYTES || !printable {
            return Err(InvalidApiKey);
        }
        Ok(Self(Zeroizing::new(key.to_owned())))
    }

    /// A new key from 32 random bytes: 64 hex digits.
    #[must_use]
    pub fn from_random(random: [u8; 32]) -> Self {
        let random = Zeroizing::new(random);
        let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
        let mut text = Zeroizing::new(String::with_capacity(64));
        for byte in random.iter() {
            text.push(digit(byte >> 4));
            text.push(digit(byte & 15));
        }
        Self(text)
    }

    /// The key itself, for the one place that must send or hash it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `presented` is this key, in a time that depends on the lengths only.
    #[must_use]
    pub fn matches(&self, presented: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(presented).into()
    }
}

impl PartialEq for ApiKey {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.0.as_bytes())
    }
}

impl Eq for ApiKey {}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

impl std::str::FromStr for ApiKey {
    type Err = InvalidApiKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

/// The text is not an [`ApiKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an API key is 1 to 1024 printable ASCII characters")]
pub struct InvalidApiKey;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_key_and_what_is_not() {
        for (text, key) in [("s3cret", "s3cret"), (" two words\r\n", "two words"), ("~", "~")] {
            assert_eq!(ApiKey::new(text).unwrap().expose(), key);
        }
        for text in ["", "  ", "a\nb", "é", "\0"] {
            assert_eq!(ApiKey::new(text).unwrap_err(), InvalidApiKey, "{text:?}");
        }
        assert!(ApiKey::new("k".repeat(1024)).is_ok_and(|key| key.expose().len() == 1024));
        assert_eq!(ApiKey::new("k".repeat(1025)).unwrap_err(), InvalidApiKey);
    }

    #[test]
    fn it_is_never_printed() {
        let key = ApiKey::new("canary-77").unwrap();
        assert_eq!(format!("{key:?} {:?}", Some(&key)), "ApiKey(…) Some(ApiKey(…))");
    }

    #[test]
    fn equality_is_that_of_the_bytes() {
        let key = ApiKey::new("a1b2c3").unwrap();
        assert!(key.matches(b"a1b2c3"));
        for wrong in ["", "a1b2c", "a1b2c4", "a1b2c3 ", "A1B2C3"] {
            assert!(!key.matches(wrong.as_bytes()), "{wrong:?}");
        }
    }

    #[test]
    fn a_random_key_is_hex() {
        let mut random = [0; 32];
        random[0] = 0xa5;
        random[31] = 0x0f;
        let key = ApiKey::from_random(random);
        assert_eq!(key.expose(), format!("a5{}0f", "0".repeat(60)));
    }
}
