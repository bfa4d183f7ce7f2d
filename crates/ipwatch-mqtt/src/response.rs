//! `response`: what a machine says to a command.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What a machine says to a command. Direction: agent to backend.
///
/// `{"success":true,"message":"…","timestamp":"2025-12-23T10:30:05Z"}`; `id` is that of the command, where it had one, and
/// `code` says in one word why a command was refused. Unknown fields pass.
///
/// Source: ipwatch §2.2.
/// Choice: IM-5, IM-6.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Response {
    /// Whether the command is carried out.
    pub success: bool,
    /// For people.
    #[serde(default)]
    pub message: String,
    /// When the machine said so.
    #[serde(
        default,
        deserialize_with = "crate::timestamp::lenient",
        serialize_with = "crate::timestamp::whole",
        skip_serializing_if = "Option::is_none"
    )]
    pub timestamp: Option<Timestamp>,
    /// The command's id. What is no id of ours is kept as it is, so that it never matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Why it is refused, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

impl Response {
    /// The payload.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        crate::message::json(self)
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// It is no JSON object with `success`.
    pub fn decode(payload: &[u8]) -> Result<Self, MalformedResponse> {
        crate::message::object(payload).map_err(MalformedResponse)
    }
}

/// A payload that is no response, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the payload is no response: {0}")]
pub struct MalformedResponse(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_example() {
        let text = r#"{"success":true,"message":"Shutdown en cours...","timestamp":"2025-12-23T10:30:05Z"}"#;
        let response = Response {
            success: true,
            message: "Shutdown en cours...".to_owned(),
            timestamp: Some("2025-12-23T10:30:05Z".parse().unwrap()),
            id: None,
            code: None,
        };
        assert_eq!(Response::decode(text.as_bytes()), Ok(response.clone()));
        assert_eq!(response.encode(), text);
    }

    #[test]
    fn the_flow_diagrams_example_has_no_timestamp() {
        let read =
            Response::decode(r#"{"success": true, "message": "Shutdown en cours..."}"#.as_bytes()).unwrap();
        assert_eq!((read.success, read.timestamp), (true, None));
        assert!(Response::decode(b"{}").is_err());
        assert!(Response::decode(br#"{"success":"true"}"#).is_err());
    }
}
