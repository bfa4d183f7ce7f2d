//! A secret in memory: never printed, compared in constant time, wiped when dropped.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What stands in logs and printed settings where a secret would be.
pub const HIDDEN: &str = "(hidden)";

/// A secret text (token, password, bearer). `Debug`, `Display` and `Serialize` give [`HIDDEN`].
///
/// The memory is wiped on drop. Equality takes the same time wherever the first difference is; only the
/// length can be learned from it.
#[derive(Clone, Default)]
pub struct SecretString(Zeroizing<String>);

impl SecretString {
    /// Takes ownership of a secret.
    #[must_use]
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The secret itself. The name is long so that each use stands out in a review.
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares with what a peer presented, in constant time.
    #[must_use]
    pub fn matches(&self, presented: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(presented).into()
    }
}

impl From<String> for SecretString {
    fn from(secret: String) -> Self {
        Self::new(secret)
    }
}

impl From<&str> for SecretString {
    fn from(secret: &str) -> Self {
        Self::new(secret.to_owned())
    }
}

impl PartialEq for SecretString {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.0.as_bytes())
    }
}

impl Eq for SecretString {}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for SecretString {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

impl<'de> Deserialize<'de> for SecretString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t11_no_form_of_output_shows_the_secret() {
        let secret = SecretString::from("canary-5f1c");
        let shown = format!("{secret:?} {secret} {}", serde_json::to_string(&secret).unwrap());
        assert_eq!(shown, r#"(hidden) (hidden) "(hidden)""#);
        assert_eq!(format!("{:?}", Some(&secret)), "Some((hidden))");
    }

    #[test]
    fn equality_is_that_of_the_bytes() {
        let secret = SecretString::from("a1b2c3");
        assert!(secret.matches(b"a1b2c3"));
        for wrong in ["", "a1b2c", "a1b2c4", "a1b2c3 ", "A1B2C3"] {
            assert!(!secret.matches(wrong.as_bytes()), "{wrong:?}");
        }
        assert_eq!(secret, SecretString::from("a1b2c3"));
        assert_ne!(secret, SecretString::default());
    }

    #[test]
    fn it_is_read_like_a_plain_string() {
        let secret: SecretString = serde_json::from_str(r#""s3""#).unwrap();
        assert_eq!(secret.expose_secret(), "s3");
    }
}
