use std::fmt;

use serde::{Deserialize, Serialize};

/// What an `ERROR` says: the document's conditions, and what other back ends word their own way.
///
/// Source: iframe §3. Choice: IF-11.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum Refusal {
    /// `Device not paired`: the operation needs a pairing.
    NotPaired,
    /// `Invalid or expired session token`.
    InvalidToken,
    /// `Invalid state id`.
    InvalidStateId,
    /// `Process not found`.
    ProcessNotFound,
    /// `Failed to …`; the field holds what follows these two words.
    Failed(String),
    /// Any other text.
    Other(String),
}

const FAILED_TO: &str = "Failed to ";

impl Refusal {
    /// `Failed to {what}: {why}`.
    #[must_use]
    pub fn failed(what: &str, why: impl fmt::Display) -> Self {
        Self::Failed(format!("{what}: {why}"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPaired => "Device not paired",
            Self::InvalidToken => "Invalid or expired session token",
            Self::InvalidStateId => "Invalid state id",
            Self::ProcessNotFound => "Process not found",
            Self::Failed(rest) => return write!(f, "{FAILED_TO}{rest}"),
            Self::Other(text) => text,
        })
    }
}

impl std::error::Error for Refusal {}

impl From<String> for Refusal {
    fn from(text: String) -> Self {
        for known in [Self::NotPaired, Self::InvalidToken, Self::InvalidStateId, Self::ProcessNotFound] {
            if known.to_string() == text {
                return known;
            }
        }
        match text.strip_prefix(FAILED_TO) {
            Some(rest) => Self::Failed(rest.to_owned()),
            None => Self::Other(text),
        }
    }
}

impl From<Refusal> for String {
    fn from(refusal: Refusal) -> Self {
        refusal.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_the_documents() {
        for (text, refusal) in [
            ("Device not paired", Refusal::NotPaired),
            ("Invalid or expired session token", Refusal::InvalidToken),
            ("Invalid state id", Refusal::InvalidStateId),
            ("Process not found", Refusal::ProcessNotFound),
            ("Failed to create process", Refusal::Failed("create process".into())),
            ("", Refusal::Other(String::new())),
            ("device not paired", Refusal::Other("device not paired".into())),
        ] {
            assert_eq!(Refusal::from(text.to_owned()), refusal);
            assert_eq!(refusal.to_string(), text);
        }
        assert_eq!(Refusal::failed("hash value", "no label").to_string(), "Failed to hash value: no label");
    }
}
