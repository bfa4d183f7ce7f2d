//! `status`: a machine's figures.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use thiserror::Error;

/// A machine's figures. Direction: agent to backend, every 30 s and on demand.
///
/// What an agent cannot tell is left out, and a field of a shape that is not ours reads as absent: one odd figure costs
/// none of the others. Unknown fields pass.
///
/// Source: ipwatch §2.2, §3.3.
/// Choice: IM-7.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Status {
    /// The machine's own name.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub hostname: Option<String>,
    /// The address of its topics, as text: for people. What counts is the address in the topic.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The operating system, as `Linux`.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Its version, as `5.15.0-91-generic`.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// Seconds since the machine started.
    #[serde(default, deserialize_with = "seconds", skip_serializing_if = "Option::is_none")]
    pub uptime: Option<u64>,
    /// Processor time in use, 0 to 100, over all cores.
    #[serde(default, deserialize_with = "figure", skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<f64>,
    /// Memory in use, 0 to 100.
    #[serde(default, deserialize_with = "figure", skip_serializing_if = "Option::is_none")]
    pub memory_percent: Option<f64>,
    /// The disk in use, 0 to 100.
    #[serde(default, deserialize_with = "figure", skip_serializing_if = "Option::is_none")]
    pub disk_percent: Option<f64>,
    /// When the figures were taken.
    #[serde(
        default,
        deserialize_with = "crate::timestamp::lenient",
        serialize_with = "crate::timestamp::whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub timestamp: Option<Timestamp>,
}

impl Status {
    /// The longest text that is kept of a field, in bytes; a longer one is cut at a character's end.
    pub const MAX_TEXT_BYTES: usize = 255;

    /// The payload.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        crate::message::json(self)
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// It is no JSON object.
    pub fn decode(payload: &[u8]) -> Result<Self, MalformedStatus> {
        crate::message::object(payload).map_err(MalformedStatus)
    }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(mut text) => {
            text.truncate(text.floor_char_boundary(Status::MAX_TEXT_BYTES));
            Some(text)
        }
        _ => None,
    })
}

fn figure<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_f64())
}

/// Whole seconds; a peer may send a fraction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked before")]
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let whole = value.as_f64().filter(|seconds| (0.0..1e15).contains(seconds)).map(|seconds| seconds as u64);
    Ok(value.as_u64().or(whole))
}

/// A payload that is no status, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the payload is no status: {0}")]
pub struct MalformedStatus(String);

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = concat!(
        r#"{"hostname":"server-01","ip":"10.0.0.100","platform":"Linux","platform_version":"5.15.0-91-generic","#,
        r#""uptime":86400,"cpu_percent":45.2,"memory_percent":62.5,"disk_percent":78.3,"timestamp":"2025-12-23T10:30:00Z"}"#
    );

    #[test]
    fn the_documents_example() {
        let status = Status {
            hostname: Some("server-01".to_owned()),
            ip: Some("10.0.0.100".to_owned()),
            platform: Some("Linux".to_owned()),
            platform_version: Some("5.15.0-91-generic".to_owned()),
            uptime: Some(86_400),
            cpu_percent: Some(45.2),
            memory_percent: Some(62.5),
            disk_percent: Some(78.3),
            timestamp: Some("2025-12-23T10:30:00Z".parse().unwrap()),
        };
        assert_eq!(Status::decode(EXAMPLE.as_bytes()), Ok(status.clone()));
        assert_eq!(status.encode(), EXAMPLE);
    }

    #[test]
    fn odd_fields_cost_none_of_the_others() {
        let text = r#"{"hostname":7,"uptime":12.9,"cpu_percent":"45","memory_percent":62,"extra":{"a":[]},"disk_percent":null}"#;
        let read = Status::decode(text.as_bytes()).unwrap();
        let expected = Status { uptime: Some(12), memory_percent: Some(62.0), ..Status::default() };
        assert_eq!(read, expected);
        assert_eq!(Status::decode(br#"{"uptime":-1}"#).unwrap().uptime, None);
        let long = format!(r#"{{"hostname":"{}"}}"#, "é".repeat(200));
        assert_eq!(Status::decode(long.as_bytes()).unwrap().hostname.unwrap().len(), 254);
        for other in ["", "[]", "7", "{"] {
            assert!(Status::decode(other.as_bytes()).is_err(), "{other}");
        }
    }
}
