//! The second line, from proxy to agent.

use super::DeviceKey;
use super::line::{self, LineError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;

/// What the proxy says to a [`Hello`](super::Hello). Proxy to agent.
///
/// ```
/// use tunnel_frame::handshake::{Answer, MAX_ANSWER_BYTES};
///
/// let line = b"{\"error\":\"auth_failed\",\"reason\":\"unknown device\"}\n";
/// let Some((Answer::Refused(refusal), _)) = Answer::decode(line, MAX_ANSWER_BYTES)? else { panic!() };
/// assert_eq!(refusal.to_string(), "auth_failed: unknown device");
/// # Ok::<(), tunnel_frame::handshake::LineError>(())
/// ```
///
/// Source: meeting §4.1.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Answer {
    /// The device may serve streams; frames follow.
    Authenticated {
        /// The device as the proxy names it, if it does.
        device_key: Option<DeviceKey>,
    },
    /// The device may not; the proxy closes the connection after this line.
    Refused(Refusal),
    /// No line at all: the first byte is already a frame, as old proxies have it.
    ///
    /// Choice: TF-1.
    Legacy,
}

/// Why a proxy refused an agent, in the proxy's own words.
///
/// Source: meeting §4.1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    error: String,
    reason: Option<String>,
}

#[derive(Serialize)]
struct Accepted<'a> {
    status: &'static str,
    device_key: &'a str,
}

#[derive(Serialize)]
struct Failed<'a> {
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    status: Value,
    #[serde(default)]
    error: Value,
    #[serde(default)]
    reason: Value,
    #[serde(default)]
    message: Value,
    #[serde(default)]
    device_key: Value,
}

impl Refusal {
    /// The document's error: `auth_failed`.
    ///
    /// Source: meeting §4.1.
    pub const AUTH_FAILED: &'static str = "auth_failed";

    /// The document's refusal, `auth_failed`, for this reason.
    #[must_use]
    pub fn auth_failed(reason: impl Into<String>) -> Self {
        Self::new(Self::AUTH_FAILED, Some(reason.into()))
    }

    /// A refusal with a code of one's own and, if there is one, a reason.
    #[must_use]
    pub fn new(error: impl Into<String>, reason: Option<String>) -> Self {
        Self { error: error.into(), reason }
    }

    /// The `error` field: a code, `auth_failed` in the document.
    #[must_use]
    pub fn error(&self) -> &str {
        &self.error
    }

    /// The `reason` field: words for a person.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The words are a stranger's: control characters stay out of logs and terminals.
        write!(f, "{}", self.error.escape_debug())?;
        match &self.reason {
            Some(reason) => write!(f, ": {}", reason.escape_debug()),
            None => Ok(()),
        }
    }
}

impl Answer {
    /// The good answer of the document for this device.
    #[must_use]
    pub const fn authenticated(device_key: DeviceKey) -> Self {
        Self::Authenticated { device_key: Some(device_key) }
    }

    /// The line, with its end; nothing at all for [`Answer::Legacy`].
    ///
    /// Source: meeting §4.1.
    #[must_use]
    pub fn encode(&self) -> String {
        let json = match self {
            Self::Authenticated { device_key: Some(key) } => {
                serde_json::to_string(&Accepted { status: "authenticated", device_key: key.as_str() })
            }
            Self::Authenticated { device_key: None } => Ok(r#"{"status":"authenticated"}"#.to_owned()),
            Self::Refused(refusal) => {
                serde_json::to_string(&Failed { error: refusal.error(), reason: refusal.reason() })
            }
            Self::Legacy => return String::new(),
        };
        // Strings cannot fail to become JSON.
        let mut line = json.unwrap_or_default();
        line.push('\n');
        line
    }

    /// Reads an answer from the front of `input`: the answer and how many bytes it took, none for
    /// [`Answer::Legacy`]. `None` means that more bytes are needed.
    ///
    /// A line with an `error`, or with a `status` that is not `authenticated` or `ok`, is a refusal.
    ///
    /// # Errors
    /// Any [`LineError`]: neither a JSON object nor a frame, no line end within `limit` bytes, no field that answers.
    ///
    /// Choice: TF-1.
    pub fn decode(input: &[u8], limit: usize) -> Result<Option<(Self, usize)>, LineError> {
        if matches!(input.first(), Some(b'N' | b'D' | b'C')) {
            return Ok(Some((Self::Legacy, 0)));
        }
        let Some((read, used)) = line::decode::<Read>(input, limit)? else { return Ok(None) };
        read.answer().map(|answer| Some((answer, used)))
    }
}

impl Read {
    fn answer(self) -> Result<Answer, LineError> {
        let status = self.status.as_str();
        if self.error.is_null() && matches!(status, Some("authenticated" | "ok")) {
            // A name that is no device key is the proxy's affair: the agent knows its own.
            let device_key = self.device_key.as_str().and_then(|key| DeviceKey::new(key).ok());
            return Ok(Answer::Authenticated { device_key });
        }
        let words = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let mut reasons = [words(&self.reason), words(&self.message)].into_iter().flatten();
        let error = words(&self.error).or_else(|| words(&self.status));
        match error {
            Some(error) => Ok(Answer::Refused(Refusal::new(error, reasons.next()))),
            None => Err(LineError::Malformed { column: 0, problem: "neither a status nor an error" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Answer {
        let (answer, used) = Answer::decode(line.as_bytes(), 4096).unwrap().unwrap();
        assert_eq!(used, line.len());
        answer
    }

    #[test]
    fn the_documents_lines_both_ways_and_cut_everywhere() {
        for line in [
            "{\"status\":\"authenticated\",\"device_key\":\"0123456789abcdef\"}\n",
            "{\"error\":\"auth_failed\",\"reason\":\"unknown device\"}\n",
        ] {
            assert_eq!(read(line).encode(), line);
            for cut in 0..line.len() {
                assert_eq!(Answer::decode(&line.as_bytes()[..cut], 4096), Ok(None), "cut at {cut}");
            }
        }
    }

    #[test]
    fn the_fields_forms_are_read() {
        let refused = |error: &str, reason: Option<&str>| {
            Answer::Refused(Refusal::new(error, reason.map(str::to_owned)))
        };
        assert_eq!(
            read("{\"status\":\"error\",\"message\":\"bad token\"}\n"),
            refused("error", Some("bad token"))
        );
        assert_eq!(read("{\"status\":\"error\",\"error\":\"bad token\"}\n"), refused("bad token", None));
        assert_eq!(read("{\"error\":\"auth_failed\"}\n"), refused("auth_failed", None));
        assert_eq!(read("{\"error\":{\"code\":7}}\n"), refused("{\"code\":7}", None));
        assert_eq!(read("{\"status\":\"later\"}\n"), refused("later", None));
        let accepted = Answer::Authenticated { device_key: None };
        assert_eq!(read("{\"status\":\"authenticated\",\"ext\":{\"v\":1},\"x\":null}\r\n"), accepted);
        assert!(matches!(Answer::decode(b"{}\n", 64), Err(LineError::Malformed { .. })));
    }

    #[test]
    fn a_first_byte_of_a_frame_is_an_old_proxy() {
        for first in ["N", "D", "C"] {
            assert_eq!(Answer::decode(first.as_bytes(), 4096), Ok(Some((Answer::Legacy, 0))));
        }
        assert_eq!(Answer::decode(b"P", 4096), Err(LineError::NotJson { first: b'P' }));
        assert_eq!(Answer::Legacy.encode(), "");
    }

    #[test]
    fn a_strangers_words_cannot_steer_a_terminal() {
        let refusal = Refusal::auth_failed("no\u{1b}[2J\r\nway");
        assert_eq!(refusal.to_string(), "auth_failed: no\\u{1b}[2J\\r\\nway");
    }
}
