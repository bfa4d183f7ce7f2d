//! Where a connection comes from, as the limits count it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// One source of connections: an IPv4 address, or the /64 network of an IPv6 address.
///
/// A whole /64 is what one subscriber holds, so a limit per IPv6 address would be no limit.
/// IPv4 addresses written as IPv6 (`::ffff:192.0.2.1`) count as the IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// One IPv4 address.
    V4(Ipv4Addr),
    /// The upper 64 bits of an IPv6 address.
    V6Network(u64),
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self::V4(v4),
            IpAddr::V6(v6) => {
                let [a, b, c, d, e, f, g, h, ..] = v6.octets();
                Self::V6Network(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
            }
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(v4) => v4.fmt(f),
            Self::V6Network(upper) => {
                write!(f, "{}/64", Ipv6Addr::from_bits(u128::from(*upper) << 64))
            }
        }
    }
}

/// The text is neither an IPv4 address nor an IPv6 address with or without `/64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither an IPv4 address nor an IPv6 network of 64 bits")]
pub struct NotASource;

impl FromStr for Source {
    type Err = NotASource;

    fn from_str(text: &str) -> Result<Self, NotASource> {
        let address = text.strip_suffix("/64").unwrap_or(text);
        address.parse::<IpAddr>().map(Self::from).map_err(|_| NotASource)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::from(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn an_ipv6_network_counts_as_one_source() {
        assert_eq!(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::9"));
        assert_ne!(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    }

    #[test]
    fn text_form_reads_back() {
        for text in ["192.0.2.1", "2001:db8:1:2::/64", "::/64"] {
            let parsed: Source = text.parse().unwrap();
            assert_eq!(parsed.to_string(), text);
        }
        assert_eq!("192.0.2".parse::<Source>(), Err(NotASource));
    }
}
