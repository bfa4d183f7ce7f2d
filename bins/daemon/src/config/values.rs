//! Types for single settings: durations, sizes, addresses to listen on. A value that exists is valid.

use crate::human;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// A length of time, written `60s`, `5m`, `1h30m` or `250ms`. A bare number is refused, except 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period(Duration);

impl Period {
    /// Seconds, for defaults.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The duration.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl From<Period> for Duration {
    fn from(period: Period) -> Self {
        period.0
    }
}

impl From<Duration> for Period {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        human::parse_duration(text)
            .map(Self)
            .map_err(|wrong| format!("{wrong}; write a time like \"60s\", \"5m\" or \"1h30m\""))
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&human::duration(self.0))
    }
}

/// A count of bytes, written `65536`, `"64KiB"` or `"10MB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

impl ByteSize {
    /// Bytes, for defaults.
    #[must_use]
    pub const fn from_bytes(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The number of bytes as a length in memory; the largest `usize` where it does not fit.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl FromStr for ByteSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        human::parse_bytes(text)
            .map(Self)
            .map_err(|wrong| format!("{wrong}; write a size like 65536, \"64KiB\" or \"10MB\""))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&human::bytes(self.0))
    }
}

/// Where to listen: `127.0.0.1:9001`, `[::1]:9001`, `localhost:0`, or `systemd:name` for a socket handed over by systemd.
///
/// Port 0 takes any free port. A port alone is refused, because it would not say to whom the port is open.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ListenAddress {
    /// Host (name or address, without brackets) and port.
    Host {
        /// A name or an address.
        host: String,
        /// The port; 0 for any.
        port: u16,
    },
    /// The `FileDescriptorName=` of a systemd socket unit.
    Systemd(String),
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Host { host: address.ip().to_string(), port: address.port() }
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("systemd:") {
            return match name.is_empty() {
                true => Err("`systemd:` lacks the name of a socket".into()),
                false => Ok(Self::Systemd(name.into())),
            };
        }
        let (host, port) = split_host_port(text)?;
        Ok(Self::Host { host, port })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Host { host, port } => write!(f, "{host}:{port}"),
            Self::Systemd(name) => write!(f, "systemd:{name}"),
        }
    }
}

/// Host and port to connect to: `example.org:9001`, `192.0.2.1:22`, `[2001:db8::1]:22`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port, 1 to 65535.
    pub port: u16,
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match split_host_port(text)? {
            (_, 0) => Err(format!("`{text}`: nobody listens on port 0")),
            (host, port) => Ok(Self { host, port }),
        }
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ListenAddress::Host { host: self.host.clone(), port: self.port }.fmt(f)
    }
}

fn split_host_port(text: &str) -> Result<(String, u16), String> {
    let wrong =
        |why: &str| format!("`{text}` {why}; write an address like \"127.0.0.1:9001\" or \"[::1]:9001\"");
    let (host, port) = text.rsplit_once(':').ok_or_else(|| wrong("has no port"))?;
    let port = port.parse().map_err(|_| wrong("has no port from 0 to 65535"))?;
    let host = match host.strip_prefix('[') {
        Some(inner) => inner
            .strip_suffix(']')
            .filter(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok())
            .ok_or_else(|| wrong("has no IPv6 address in its brackets"))?,
        None if host.contains(':') => return Err(wrong("needs brackets round its IPv6 address")),
        None => host,
    };
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    match host.is_empty() || !host.chars().all(legal) {
        true => Err(wrong("has no host")),
        false => Ok((host.to_owned(), port)),
    }
}

macro_rules! as_text {
    ($type:ty, $expecting:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($expecting)
                    }

                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }

                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$type, E> {
                        number.to_string().parse().map_err(E::custom)
                    }

                    fn visit_i64<E: de::Error>(self, number: i64) -> Result<$type, E> {
                        number.to_string().parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_any(Text)
            }
        }
    };
}

as_text!(Period, "a time like \"60s\"");
as_text!(ByteSize, "a size like 65536 or \"64KiB\"");
as_text!(ListenAddress, "an address like \"127.0.0.1:9001\"");
as_text!(HostPort, "an address like \"example.org:9001\"");
