//! The secret with which an agent proves itself.

use std::fmt;
use subtle::ConstantTimeEq;

/// The control token of a device: 1 to 256 visible ASCII characters, six hexadecimal digits in the document.
///
/// `Debug` never shows it, there is no `Display`, and comparing takes the same time wherever two tokens differ.
///
/// Source: meeting §4.1.  Choice: TF-4.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Longest token, in characters.
    pub const MAX_CHARS: usize = 256;

    /// The token that `text` is.
    ///
    /// # Errors
    /// [`TokenError`] if it is empty, longer than 256 characters or holds anything but visible ASCII.
    pub fn new(text: impl Into<String>) -> Result<Self, TokenError> {
        let text = text.into();
        if (1..=Self::MAX_CHARS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text))
        } else {
            Err(TokenError(()))
        }
    }

    /// The secret itself, for the line that carries it and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether this is the secret `expected`, compared in constant time for its length.
    #[must_use]
    pub fn matches(&self, expected: &str) -> bool {
        self.0.as_bytes().ct_eq(expected.as_bytes()).into()
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.matches(&other.0)
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// The text is no token. It is not repeated here, for it may be a secret with a slip in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TokenError(());

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a token is 1 to 256 visible ASCII characters")
    }
}

impl std::error::Error for TokenError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t11_a_token_is_never_printed() {
        let token = Token::new("c0ffee").unwrap();
        assert_eq!(format!("{token:?}"), "Token(hidden)");
        assert!(token.matches("c0ffee"));
        assert!(!token.matches("c0ffef"));
        assert!(!token.matches("c0ffe"));
        assert_eq!(Token::new("a\nb"), Err(TokenError(())));
        assert_eq!(Token::new(""), Err(TokenError(())));
    }
}
