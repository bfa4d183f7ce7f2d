//! What goes over MQTT, whichever version: a topic, a payload and how it is to be delivered.

use std::time::Duration;

use bytes::Bytes;

use crate::Topic;

/// The largest MQTT packet that agent, controller and embedded broker take, in bytes (threat M6).
///
/// Choice: IM-3.
pub const MAX_PACKET_BYTES: usize = 64 * 1024;

/// Quality of service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Qos {
    /// 0: at most once, not acknowledged.
    AtMostOnce,
    /// 1: at least once, acknowledged by the broker.
    AtLeastOnce,
    /// 2: exactly once. IPWatch never publishes with it, and takes what comes with it.
    ExactlyOnce,
}

/// What MQTT 5 can say beside a payload. A connection of version 3.1.1 sends none of it and receives none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Properties {
    /// Where the answer is wanted.
    pub response_topic: Option<String>,
    /// What the answer is to carry, so that it is known for what it answers.
    pub correlation: Option<Bytes>,
    /// How long the broker may keep the message for a receiver that is away. Whole seconds go over the wire.
    pub expiry: Option<Duration>,
    /// The payload's media type.
    pub content_type: Option<String>,
}

/// One message, published or received. As a last will, it is what the broker publishes when the connection is lost.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Publication {
    /// The topic. Text, because what comes in may be nobody's topic that we know; [`Topic::parse`] reads it.
    pub topic: String,
    /// The payload.
    pub payload: Bytes,
    /// How surely it is delivered.
    pub qos: Qos,
    /// Published: whether the broker keeps it for those who subscribe afterwards. Received: whether it was kept, and is old news.
    pub retain: bool,
    /// MQTT 5 only.
    pub properties: Properties,
}

impl Publication {
    /// A message on one of the document's topics, with the quality of service and the retain bit that belong to it.
    ///
    /// Source: ipwatch §2.2.
    #[must_use]
    pub fn new(topic: &Topic, payload: impl Into<Bytes>) -> Self {
        let (qos, retain) = match topic {
            Topic::Device(_, leaf) => (leaf.qos(), leaf.is_retained()),
            Topic::CompressedStatus(_) | Topic::Group(_) => (Qos::AtLeastOnce, false),
        };
        Self {
            topic: topic.to_string(),
            payload: payload.into(),
            qos,
            retain,
            properties: Properties::default(),
        }
    }

    /// The same with these properties.
    #[must_use]
    pub fn with(self, properties: Properties) -> Self {
        Self { properties, ..self }
    }

    /// The same with this quality of service.
    #[must_use]
    pub fn at(self, qos: Qos) -> Self {
        Self { qos, ..self }
    }
}

/// A payload: JSON without white space (document §6.2). Our types have no map with other keys than text and nothing else that could fail.
pub(crate) fn json(value: &impl serde::Serialize) -> Bytes {
    serde_json::to_vec(value).unwrap_or_default().into()
}

/// Reads a payload that is a JSON object. An array of the fields in order, which serde would take too, is none.
pub(crate) fn object<T: serde::de::DeserializeOwned>(payload: &[u8]) -> Result<T, String> {
    match payload.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(payload).map_err(|error| error.to_string()),
        _ => Err("it is no JSON object".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Leaf;

    #[test]
    fn a_topic_brings_its_quality_of_service_and_its_retain_bit() {
        let device = "10.0.0.100".parse().unwrap();
        let table = [
            (Topic::Device(device, Leaf::Command), false),
            (Topic::Device(device, Leaf::Status), false),
            (Topic::Device(device, Leaf::Availability), true),
            (Topic::Device(device, Leaf::Response), false),
            (Topic::CompressedStatus(device), false),
            (Topic::Group("room-7".parse().unwrap()), false),
        ];
        for (topic, retain) in table {
            let publication = Publication::new(&topic, "x");
            assert_eq!((publication.qos, publication.retain), (Qos::AtLeastOnce, retain), "{topic}");
            assert_eq!(publication.topic, topic.to_string());
        }
    }
}
