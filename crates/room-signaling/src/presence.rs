//! Whether somebody is there.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A presence code. Read from a number or from its digit as text; written as a number.
///
/// Source: rooms §2.3 and §2.4.
/// Choice: RS-3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presence {
    /// 0: no socket.
    Offline,
    /// 1: a socket.
    Online,
    /// 2: in a room.
    InRoom,
}

impl Presence {
    /// The code on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Offline => 0,
            Self::Online => 1,
            Self::InRoom => 2,
        }
    }
}

impl Serialize for Presence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.code())
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Number(u64),
    Text(String),
}

impl<'de> Deserialize<'de> for Presence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Number(0) => Ok(Self::Offline),
            Written::Number(1) => Ok(Self::Online),
            Written::Number(2) => Ok(Self::InRoom),
            Written::Text(text) if text == "0" => Ok(Self::Offline),
            Written::Text(text) if text == "1" => Ok(Self::Online),
            Written::Text(text) if text == "2" => Ok(Self::InRoom),
            Written::Number(_) | Written::Text(_) => Err(de::Error::custom("a presence code is 0, 1 or 2")),
        }
    }
}
