use std::time::Duration;

use super::shapes::ErrorBody;

/// A "no": the status, a word for programs and words for people.
///
/// Choice: IM-87.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {code}: {error}")]
#[non_exhaustive]
pub struct Refusal {
    /// HTTP status, 400 to 599.
    pub status: u16,
    /// In one word, for programs.
    pub code: String,
    /// In words, for people; no control characters.
    pub error: String,
    /// How long the caller is asked to wait.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// Most characters of the words.
    pub const MAX_ERROR_CHARS: usize = 500;

    /// A refusal with these words.
    pub(crate) fn new(status: u16, code: impl Into<String>, error: impl AsRef<str>) -> Self {
        // Some words are a machine's: they are shown, and never obeyed.
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let error = error.as_ref().chars().map(plain).take(Self::MAX_ERROR_CHARS).collect();
        Self { status, code: code.into(), error, retry_after: None }
    }

    pub(crate) const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(&ErrorBody { error: &self.error, code: &self.code }).unwrap_or_default()
    }

    pub(crate) fn not_found() -> Self {
        Self::new(404, "not_found", "not found")
    }

    pub(crate) fn unknown_device() -> Self {
        Self::new(404, "unknown_device", "no such machine")
    }

    pub(crate) fn invalid(error: impl AsRef<str>) -> Self {
        Self::new(400, "invalid", error)
    }
}
