use serde::Serialize;

use crate::decode::{Body, Decoded, decode};
use crate::{Limits, MessageId, Reply, Request};

/// A message: a [`Request`] or a [`Reply`] with its `messageId`.
///
/// Source: iframe §1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Message<B> {
    /// What it says.
    #[serde(flatten)]
    pub body: B,
    /// What the host calls the request; the reply bears it again.
    #[serde(rename = "messageId", skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
}

/// What a host sends.
pub type HostMessage = Message<Request>;

/// What an iframe sends.
pub type IframeMessage = Message<Reply>;

impl<B: Body> Message<B> {
    /// Reads a message. Whatever else pages say to each other is [`Decoded::NotOurs`].
    ///
    /// Choice: IF-6.
    #[must_use]
    pub fn decode(json: &[u8], limits: Limits) -> Decoded<B> {
        decode(json, limits)
    }
}

impl<B: Serialize> Message<B> {
    /// The message as JSON, `type` first.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Nothing in these types can fail to be written: all keys are texts.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
