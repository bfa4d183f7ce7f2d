use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A receiver's "no": the HTTP status and its own words, `{"error":"…"}`, with `"fields":[…]` where fields are at fault.
///
/// The document leaves the body of an error open; this is what its example receiver sends.
///
/// Source: checkin §5. Choice: CI-9.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{status} {error}")]
#[non_exhaustive]
pub struct Refusal {
    /// HTTP status, 300 to 599.
    pub status: u16,
    /// The receiver's words, at most 500 characters, control characters replaced.
    pub error: String,
    /// The fields at fault, where the receiver names any; at most 16.
    pub fields: Vec<String>,
    /// How long the receiver asks to wait (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// Most characters of a receiver's words that are kept.
    pub const MAX_ERROR_CHARS: usize = 500;
    /// Most fields that are kept.
    pub const MAX_FIELDS: usize = 16;

    /// A refusal with these words.
    #[must_use]
    pub fn new(status: u16, error: impl Into<String>) -> Self {
        Self { status, error: error.into(), fields: Vec::new(), retry_after: None }
    }

    /// The same, naming fields at fault.
    #[must_use]
    pub fn with_fields<T: Into<String>>(mut self, fields: impl IntoIterator<Item = T>) -> Self {
        self.fields = fields.into_iter().map(Into::into).collect();
        self
    }

    /// The same, asking to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The body that says it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            error: &'a str,
            #[serde(skip_serializing_if = "<[String]>::is_empty")]
            fields: &'a [String],
        }
        serde_json::to_vec(&Body { error: &self.error, fields: &self.fields }).unwrap_or_default()
    }

    /// Reads the body of a reply with this status: the words of `error`, else of `detail` or `message`, else the first line of the text,
    /// else the status alone. Never fails: an unreadable "no" is still one.
    #[must_use]
    pub fn decode(status: u16, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Body {
            #[serde(default, alias = "detail", alias = "message")]
            error: serde_json::Value,
            #[serde(default)]
            fields: serde_json::Value,
        }
        let (words, fields) = match serde_json::from_slice::<Body>(body) {
            Ok(body) => (body.error.as_str().map(str::to_owned), texts(&body.fields)),
            Err(_) => (first_line(body), Vec::new()),
        };
        let words = words.map(|words| tidy(&words)).filter(|words| !words.is_empty());
        let error = words.unwrap_or_else(|| "(no reason given)".to_owned());
        Self { status, error, fields, retry_after: None }
    }
}

fn texts(list: &serde_json::Value) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|item| item.as_str()).map(tidy).take(Refusal::MAX_FIELDS).collect()
}

fn first_line(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    // A page of HTML is nobody's reason.
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.filter(|line| !line.starts_with(['<', '{', '['])).map(str::to_owned)
}

fn tidy(words: &str) -> String {
    let words = words.trim().chars().take(Refusal::MAX_ERROR_CHARS);
    words.map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_documents_receiver_are_read() {
        let refusal =
            Refusal::decode(400, br#"{"error": "missing fields", "fields": ["username", 7, "channel"]}"#);
        assert_eq!(refusal, Refusal::new(400, "missing fields").with_fields(["username", "channel"]));
        assert_eq!(refusal.encode(), br#"{"error":"missing fields","fields":["username","channel"]}"#);
        assert_eq!(Refusal::new(401, "unauthorized").encode(), br#"{"error":"unauthorized"}"#);
    }

    #[test]
    fn an_unreadable_no_is_still_one() {
        for (body, words) in [
            (&b""[..], "(no reason given)"),
            (b"<html>502 Bad Gateway</html>", "(no reason given)"),
            (b"\n too many\x1b requests \nmore", "too many  requests"),
            (br#"{"detail":"no such key"}"#, "no such key"),
            (br#"{"error":{"code":5}}"#, "(no reason given)"),
            (br#"{"error":"a","message":"b"}"#, "(no reason given)"),
            (b"\xff\xfe", "(no reason given)"),
        ] {
            assert_eq!(Refusal::decode(502, body).error, words);
        }
        assert_eq!(Refusal::decode(500, "x".repeat(9_000).as_bytes()).error.len(), 500);
    }
}
