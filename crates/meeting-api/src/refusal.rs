use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::loose;

/// A peer's "no": the HTTP status and its own words, `{"error": "…"}`.
///
/// Source: meeting §3.1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {error}")]
#[non_exhaustive]
pub struct Refusal {
    /// HTTP status, 300 to 599.
    pub status: u16,
    /// The peer's words, at most 500 characters, control characters replaced.
    pub error: String,
    /// The field at fault where the peer names one. Choice: MA-11.
    pub field: Option<String>,
    /// How long the peer asks to wait (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// 404: no such device_key. Source: meeting §3.1.
    pub const DEVICE_NOT_FOUND: &'static str = "Device not found";
    /// 403: the device waits for the operator.
    pub const DEVICE_NOT_AUTHORIZED: &'static str = "Device not authorized";
    /// 403: the device has sent no heartbeat lately.
    pub const DEVICE_OFFLINE: &'static str = "Device offline (no recent heartbeat)";
    /// 403 of a service request: `token_count` is 0.
    pub const DEVICE_MISSING_TOKEN: &'static str = "Device missing token";
    /// 403 of authorize-tunnel: `token_count` is 0.
    pub const NO_TOKENS_LEFT: &'static str = "No tokens left";
    /// 400: a service request without `service`.
    pub const MISSING_SERVICE: &'static str = "Missing service param";
    /// 400: a relay request without `port`.
    pub const MISSING_RELAY_PORT: &'static str = "Missing relay port";
    /// 503: every public port is taken.
    pub const NO_PORT_AVAILABLE: &'static str = "No available port in range";

    /// Most characters of a peer's words that are kept.
    pub const MAX_ERROR_CHARS: usize = 500;

    /// A refusal with these words.
    #[must_use]
    pub fn new(status: u16, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), field: None, retry_after: None }
    }

    /// The same, naming the field at fault.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same, asking to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The body that says it: `{"error":"…"}`, with `"field"` where there is one.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            error: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            field: Option<&'a str>,
        }
        loose::encode(&Body { error: &self.error, field: self.field.as_deref() })
    }

    /// Reads the body of a reply with this status: the words of `error`, else of `reason`, `message` or `status`, else
    /// the first line of the text itself, else the status alone. Never fails: an unreadable "no" is still one.
    #[must_use]
    pub fn decode(status: u16, body: &[u8]) -> Self {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Body {
            #[serde(deserialize_with = "loose::string")]
            error: Option<String>,
            #[serde(deserialize_with = "loose::string")]
            reason: Option<String>,
            #[serde(deserialize_with = "loose::string")]
            message: Option<String>,
            #[serde(deserialize_with = "loose::string")]
            status: Option<String>,
            #[serde(deserialize_with = "loose::string")]
            field: Option<String>,
        }
        let (words, field) = match loose::reply::<Body>(body) {
            Ok(body) => (body.error.or(body.reason).or(body.message).or(body.status), body.field),
            Err(_) => (first_line(body), None),
        };
        let words = words.map(|words| tidy(&words)).filter(|words| !words.is_empty());
        let error = words.unwrap_or_else(|| "(no reason given)".to_owned());
        Self { status, error, field: field.map(|field| tidy(&field)), retry_after: None }
    }

    /// 404: the peer does not know the device (or the thing asked for).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status == 404
    }
}

fn first_line(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    // A page of HTML is nobody's reason.
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .filter(|line| !line.starts_with('<'))
        .map(str::to_owned)
}

fn tidy(words: &str) -> String {
    words
        .trim()
        .chars()
        .take(Refusal::MAX_ERROR_CHARS)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
