//! Topics: which machine, and what about it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

use crate::{GroupName, Qos};

/// The first level of every topic.
///
/// Source: ipwatch §2.1.
pub const ROOT: &str = "ipwatch";

/// The last level of a machine's topic.
///
/// Source: ipwatch §2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Leaf {
    /// Commands for the machine, from the backend.
    Command,
    /// The machine's figures, from its agent.
    Status,
    /// Whether the machine is there, from its agent or its last will.
    Availability,
    /// The machine's answers to commands, from its agent.
    Response,
}

impl Leaf {
    /// All four, in the document's order.
    pub const ALL: [Self; 4] = [Self::Command, Self::Status, Self::Availability, Self::Response];

    /// The text of the level.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Status => "status",
            Self::Availability => "availability",
            Self::Response => "response",
        }
    }

    /// The quality of service the document asks for: 1 on all four. A status may also go at 0, which is the agent's setting.
    ///
    /// Source: ipwatch §2.2, §6.2.
    #[must_use]
    pub const fn qos(self) -> Qos {
        Qos::AtLeastOnce
    }

    /// Whether what is published here is retained: only the availability is.
    ///
    /// Source: ipwatch §2.2.
    #[must_use]
    pub const fn is_retained(self) -> bool {
        matches!(self, Self::Availability)
    }

    /// The filter for this leaf of every machine.
    #[must_use]
    pub fn filter(self) -> String {
        format!("{ROOT}/device/+/{}", self.as_str())
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A topic of IPWatch. The machine in it is an address and the group a checked name, so that no wildcard and no level more
/// can get into a topic (threat M4).
///
/// An address is written in its canonical form and read in that form only: each machine has exactly one topic of each kind.
///
/// Source: ipwatch §2.1.
/// Choice: IM-1, IM-2.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Topic {
    /// `ipwatch/device/{IP}/{leaf}`.
    Device(IpAddr, Leaf),
    /// `ipwatch/device/{IP}/status/gz`: a compressed status, for those who ask for it.
    CompressedStatus(IpAddr),
    /// `ipwatch/group/{name}/command`: a command for all machines of a group.
    Group(GroupName),
}

impl Topic {
    /// The filter for the compressed status of every machine.
    pub const COMPRESSED_STATUS_FILTER: &'static str = "ipwatch/device/+/status/gz";

    /// The machine of the topic, unless it is a group's.
    #[must_use]
    pub const fn device(&self) -> Option<IpAddr> {
        match self {
            Self::Device(device, _) | Self::CompressedStatus(device) => Some(*device),
            Self::Group(_) => None,
        }
    }

    /// Reads a topic as it comes from a broker.
    ///
    /// # Errors
    /// It is none of ours.
    pub fn parse(text: &str) -> Result<Self, InvalidTopic> {
        let mut levels = text.split('/');
        let mut next = || levels.next().ok_or(InvalidTopic);
        if next()? != ROOT {
            return Err(InvalidTopic);
        }
        let (kind, name, leaf) = (next()?, next()?, next()?);
        let topic = match (kind, leaf, levels.next()) {
            ("device", "status", Some("gz")) => Self::CompressedStatus(address(name)?),
            ("device", leaf, None) => {
                let leaf = Leaf::ALL.into_iter().find(|known| known.as_str() == leaf).ok_or(InvalidTopic)?;
                Self::Device(address(name)?, leaf)
            }
            ("group", "command", None) => Self::Group(name.parse().map_err(|_| InvalidTopic)?),
            _ => return Err(InvalidTopic),
        };
        // Only one spelling of each topic is ours: that of an address too.
        if levels.next().is_some() { Err(InvalidTopic) } else { Ok(topic) }
    }
}

/// An address in the one form that we write.
fn address(text: &str) -> Result<IpAddr, InvalidTopic> {
    // The longest is an IPv6 address with an IPv4 address at its end.
    if text.len() > 45 {
        return Err(InvalidTopic);
    }
    let address: IpAddr = text.parse().map_err(|_| InvalidTopic)?;
    if address.to_string() == text { Ok(address) } else { Err(InvalidTopic) }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(device, leaf) => write!(f, "{ROOT}/device/{device}/{leaf}"),
            Self::CompressedStatus(device) => write!(f, "{ROOT}/device/{device}/status/gz"),
            Self::Group(name) => write!(f, "{ROOT}/group/{name}/command"),
        }
    }
}

impl FromStr for Topic {
    type Err = InvalidTopic;

    fn from_str(text: &str) -> Result<Self, InvalidTopic> {
        Self::parse(text)
    }
}

/// A topic that is none of IPWatch's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the topic is none of IPWatch's")]
pub struct InvalidTopic;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn device(leaf: Leaf) -> Topic {
        Topic::Device("10.0.0.100".parse().unwrap(), leaf)
    }

    #[test]
    fn the_documents_topics() {
        let table = [
            ("ipwatch/device/10.0.0.100/command", device(Leaf::Command)),
            ("ipwatch/device/10.0.0.100/status", device(Leaf::Status)),
            ("ipwatch/device/10.0.0.100/availability", device(Leaf::Availability)),
            ("ipwatch/device/10.0.0.100/response", device(Leaf::Response)),
            (
                "ipwatch/device/2001:db8::7/status",
                Topic::Device("2001:db8::7".parse().unwrap(), Leaf::Status),
            ),
            ("ipwatch/device/10.0.0.100/status/gz", Topic::CompressedStatus("10.0.0.100".parse().unwrap())),
            ("ipwatch/group/room-7/command", Topic::Group("room-7".parse().unwrap())),
        ];
        for (text, topic) in table {
            assert_eq!(Topic::parse(text), Ok(topic.clone()));
            assert_eq!(topic.to_string(), text);
        }
    }

    #[test]
    fn what_is_retained_and_how_sure_it_is() {
        let retained: Vec<_> = Leaf::ALL.into_iter().filter(|leaf| leaf.is_retained()).collect();
        assert_eq!(retained, [Leaf::Availability]);
        assert!(Leaf::ALL.into_iter().all(|leaf| leaf.qos() == Qos::AtLeastOnce));
        assert_eq!(Leaf::Status.filter(), "ipwatch/device/+/status");
    }

    /// M4: one spelling each, and nothing with a wildcard, a level more or a zero byte.
    #[test]
    fn what_is_no_topic() {
        let table = [
            "",
            "ipwatch",
            "ipwatch/device/10.0.0.100",
            "ipwatch/device/10.0.0.100/",
            "ipwatch/device/10.0.0.100/command/x",
            "ipwatch/device/10.0.0.100/status/gz/x",
            "ipwatch/device/+/command",
            "ipwatch/device/#",
            "ipwatch/device/10.0.0.1\0/command",
            "ipwatch/device/010.0.0.1/command",
            "ipwatch/device/2001:DB8::7/status",
            "ipwatch/device/2001:db8:0::7/status",
            "ipwatch/device/10.0.0.100/Command",
            "/ipwatch/device/10.0.0.100/command",
            "IPWATCH/device/10.0.0.100/command",
            "ipwatch/group/+/command",
            "ipwatch/group/room-7/status",
            "ipwatch/group//command",
        ];
        for text in table {
            assert_eq!(Topic::parse(text), Err(InvalidTopic), "{text:?}");
        }
    }

    proptest! {
        /// M4: whatever the address, its topics hold no wildcard and come back the same.
        #[test]
        fn topics_come_back(bytes: [u8; 16], four: bool, leaf in 0..4_usize) {
            let address = match four {
                true => IpAddr::from([bytes[0], bytes[1], bytes[2], bytes[3]]),
                false => IpAddr::from(bytes),
            };
            let topic = Topic::Device(address, Leaf::ALL[leaf]);
            let text = topic.to_string();
            prop_assert!(!text.contains(['+', '#', '\0']));
            prop_assert_eq!(text.split('/').count(), 4);
            prop_assert_eq!(Topic::parse(&text), Ok(topic));
        }

        #[test]
        fn what_is_read_is_written_the_same(text in "(ipwatch/)?[a-z+#./:0-9]{0,40}") {
            if let Ok(topic) = Topic::parse(&text) {
                prop_assert_eq!(topic.to_string(), text);
            }
        }
    }
}
