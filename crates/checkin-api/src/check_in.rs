use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::fields::Fields;
use crate::{DecodeError, Field, FieldError, PacketHash, Problem, Timestamp};

/// One check-in: a station said on a channel of the mesh that it is there, and a bot heard it.
///
/// A bot sends it as the body of one `POST` with `Content-Type: application/json`. Unknown fields pass.
///
/// ```
/// use checkin_api::CheckIn;
///
/// let check_in = CheckIn::decode(
///     br##"{"packet_hash":"A1B2C3D4E5F67890","username":"HOWL","message":"check in","channel":"#meshmonday",
///           "timestamp":"2025-03-03T14:30:00-07:00","source_bot":"meshcore-bot"}"##,
/// )?;
/// assert_eq!(check_in.username, "HOWL");
///
/// let error = CheckIn::decode(br#"{"packet_hash":"","username":7,"message":"","timestamp":"now"}"#).unwrap_err();
/// assert_eq!(error.to_string(), "packet_hash empty, username not a text, channel missing");
/// # Ok::<(), checkin_api::DecodeError>(())
/// ```
///
/// Source: checkin §3.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct CheckIn {
    /// The identity, see [`PacketHash`].
    pub packet_hash: PacketHash,
    /// The sender's name: what stood before the colon. Not empty.
    pub username: String,
    /// What the sender said: what stood after the colon. May be empty: a name alone is a check-in too. Choice: CI-7.
    pub message: String,
    /// The channel's name, for example `#meshmonday`. Not empty.
    pub channel: String,
    /// When the bot heard it.
    pub timestamp: Timestamp,
    /// The bot's own name where it gives one; never empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_bot: Option<String>,
}

impl CheckIn {
    /// Most bytes of a check-in's JSON: what the document's nginx lets through.
    ///
    /// Source: checkin §7.3. Choice: CI-8.
    pub const MAX_BYTES: usize = 4096;

    /// Reads the JSON of one check-in. The length is the caller's business, see [`MAX_BYTES`](Self::MAX_BYTES).
    ///
    /// # Errors
    /// [`DecodeError::Json`] when the bytes are no JSON object, [`DecodeError::Fields`] with every field that is missing or
    /// wrong.
    pub fn decode(json: &[u8]) -> Result<Self, DecodeError> {
        Fields::from_json(json)?.into_check_in()
    }

    /// The JSON, in the order of the document and without blanks.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Texts only: there is nothing that JSON could not hold.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Whether a receiver takes it: the fields are open to everybody, so that a caller can leave one empty.
    ///
    /// # Errors
    /// [`DecodeError::Fields`] as a receiver would name them; `message` is too long when the whole is longer than
    /// [`MAX_BYTES`](Self::MAX_BYTES).
    pub fn validate(&self) -> Result<(), DecodeError> {
        let empty =
            |field, text: &str| text.is_empty().then_some(FieldError { field, problem: Problem::Empty });
        let mut faults: Vec<_> =
            [empty(Field::Username, &self.username), empty(Field::Channel, &self.channel)]
                .into_iter()
                .flatten()
                .collect();
        if self.encode().len() > Self::MAX_BYTES {
            faults.push(FieldError { field: Field::Message, problem: Problem::TooLong });
            faults.sort_by_key(|fault| fault.field);
        }
        if faults.is_empty() { Ok(()) } else { Err(DecodeError::Fields(faults)) }
    }
}

impl<'de> Deserialize<'de> for CheckIn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Fields::deserialize(deserializer)?.into_check_in().map_err(D::Error::custom)
    }
}
