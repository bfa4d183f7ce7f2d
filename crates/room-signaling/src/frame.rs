//! A WebSocket text message, both directions: the name of a message and its fields.

use serde_json::{Map, Value};

/// The longest text that is read: 128 KiB. Enforced by [`Frame::decode`].
pub const MAX_FRAME_BYTES: usize = 128 * 1024;
/// How deep a frame may nest, its own bracket included. Enforced by [`Frame::decode`].
pub const MAX_DEPTH: usize = 64;

/// A message of any name. Which names exist is not this type's business: an unknown one is a frame too.
///
/// Source: rooms §3.1.
/// Choice: RS-4.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    service: String,
    fields: Map<String, Value>,
}

/// How a frame is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// `["meeting.x",{…}]`, as the document has it.
    #[default]
    Array,
    /// `{"service":"meeting.x","data":{…}}`.
    Object,
}

/// Why a text is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Longer than [`MAX_FRAME_BYTES`].
    #[error("a frame has at most {MAX_FRAME_BYTES} bytes")]
    TooLong,
    /// Deeper than [`MAX_DEPTH`].
    #[error("a frame nests at most {MAX_DEPTH} levels")]
    TooDeep,
    /// Not JSON.
    #[error("a frame is JSON")]
    NotJson,
    /// JSON of another shape.
    #[error("a frame is [name, {{fields}}] or {{\"service\": name, \"data\": {{fields}}}}")]
    WrongShape,
}

impl Frame {
    /// A frame of these parts.
    #[must_use]
    pub fn new(service: impl Into<String>, fields: Map<String, Value>) -> Self {
        Self { service: service.into(), fields }
    }

    /// Reads either shape.
    ///
    /// # Errors
    /// `TooLong` and `TooDeep` before anything is allocated, `NotJson`, `WrongShape`.
    pub fn decode(text: &str) -> Result<Self, FrameError> {
        if text.len() > MAX_FRAME_BYTES {
            return Err(FrameError::TooLong);
        }
        if depth(text) > MAX_DEPTH {
            return Err(FrameError::TooDeep);
        }
        let (service, fields) = match serde_json::from_str(text).map_err(|_| FrameError::NotJson)? {
            Value::Array(parts) => {
                let mut parts = parts.into_iter();
                (parts.next(), parts.next().filter(|_| parts.next().is_none()))
            }
            Value::Object(mut parts) => (parts.remove("service"), parts.remove("data")),
            _ => return Err(FrameError::WrongShape),
        };
        match (service, fields) {
            (Some(Value::String(service)), Some(Value::Object(fields))) => Ok(Self { service, fields }),
            _ => Err(FrameError::WrongShape),
        }
    }

    /// The text of the frame.
    #[must_use]
    pub fn encode(&self, shape: Shape) -> String {
        let service = Value::from(self.service.as_str());
        let fields = Value::Object(self.fields.clone());
        match shape {
            Shape::Array => Value::Array(vec![service, fields]).to_string(),
            Shape::Object => {
                Value::Object(Map::from_iter([("service".to_owned(), service), ("data".to_owned(), fields)]))
                    .to_string()
            }
        }
    }

    /// The whole name: `meeting.upstream-offer`.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The fields.
    #[must_use]
    pub const fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// The sender's correlation id, which an answer repeats.
    #[must_use]
    pub fn cid(&self) -> Option<&str> {
        self.fields.get("cid").and_then(Value::as_str)
    }
}

/// How deep brackets nest outside of strings. One pass, so that a hostile text costs no stack.
fn depth(text: &str) -> usize {
    let (mut now, mut most, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' if !quoted => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}
