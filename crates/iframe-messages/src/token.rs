//! The two secrets of a link.

use std::fmt;

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::text::is_short_text;

/// The text is not a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token is 1 to 4096 bytes without control characters")]
pub struct InvalidToken;

/// Longest token, in bytes.
const MAX_BYTES: usize = 4096;

macro_rules! token {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// 1 to 4096 bytes without control characters. It is wiped when dropped, `Debug` never prints it, and it is compared in
        /// constant time. Choice: IF-8.
        #[derive(Clone)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// Longest token, in bytes.
            pub const MAX_BYTES: usize = MAX_BYTES;

            /// Checks `text` and makes it a token.
            ///
            /// # Errors
            /// [`InvalidToken`] when it is empty, too long, or holds a control character.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidToken> {
                let text = Zeroizing::new(text.into());
                if is_short_text(&text, MAX_BYTES) { Ok(Self(text)) } else { Err(InvalidToken) }
            }

            /// A token that is made here: printable, and shorter than the limit.
            #[cfg(feature = "server")]
            pub(crate) fn signed(text: String) -> Self {
                Self(Zeroizing::new(text))
            }

            /// The token itself, for the one place that must send or check it.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
            }
        }

        impl Eq for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?)
                    .map_err(|_| D::Error::invalid_value(Unexpected::Other("text"), &"a token of 1 to 4096 bytes"))
            }
        }
    };
}

token! {
    /// `accessToken`: what a host shows with its calls; bound to its origin.
    ///
    /// Source: iframe §1, §2.2.
    AccessToken
}

token! {
    /// `refreshToken`: what a host exchanges for a new [`AccessToken`].
    ///
    /// Source: iframe §2.2, §2.4.
    RefreshToken
}

/// Both tokens of a link.
///
/// Source: iframe §2.2, §2.3, §2.4.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct TokenPair {
    /// For calls.
    pub access_token: AccessToken,
    /// For renewal.
    pub refresh_token: RefreshToken,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_shows_nowhere() {
        let pair = TokenPair {
            access_token: AccessToken::new("canary-a").unwrap(),
            refresh_token: RefreshToken::new("canary-r").unwrap(),
        };
        assert!(!format!("{pair:?}").contains("canary"));
        assert_eq!(AccessToken::new("canary-a").unwrap(), pair.access_token);
        assert_ne!(AccessToken::new("canary-b").unwrap(), pair.access_token);
        assert_eq!(AccessToken::new("").unwrap_err(), InvalidToken);
        assert_eq!(AccessToken::new("a".repeat(4097)).unwrap_err(), InvalidToken);
    }
}
