//! Identifiers of hubs, rooms and users: sixteen lower-case hexadecimal digits, which grant nothing to whoever guesses them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// What is wrong with a text that should be an identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an identifier has sixteen lower-case hexadecimal digits")]
#[non_exhaustive]
pub struct IdError;

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let digits = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                if text.len() != 16 || !digits {
                    return Err(IdError);
                }
                u64::from_str_radix(text, 16).map($name).map_err(|_| IdError)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

hex_id! {
    /// A hub: the group of people that rooms belong to.
    ///
    /// Source: rooms §2.1.
    /// Choice: RS-1.
    HubId
}
hex_id! {
    /// A room.
    ///
    /// Source: rooms §2.1.
    /// Choice: RS-1.
    RoomId
}
hex_id! {
    /// A user.
    ///
    /// Source: rooms §2.1.
    /// Choice: RS-1.
    UserId
}
