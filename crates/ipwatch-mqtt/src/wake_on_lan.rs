use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The hardware address of a machine's network interface, `00:00:5e:00:53:07`.
///
/// Source: ipwatch §3.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddress([u8; 6]);

impl MacAddress {
    /// Its six bytes.
    #[must_use]
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }
}

/// The text is no [`MacAddress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a MAC address is six pairs of hex digits, 00:00:5e:00:53:07")]
pub struct InvalidMacAddress;

impl FromStr for MacAddress {
    type Err = InvalidMacAddress;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut octets = [0; 6];
        let mut pairs = text.split(separator);
        for octet in &mut octets {
            let pair = pairs.next().unwrap_or_default();
            let hex = pair.len() == 2 && pair.bytes().all(|byte| byte.is_ascii_hexdigit());
            *octet = u8::from_str_radix(if hex { pair } else { "" }, 16).map_err(|_| InvalidMacAddress)?;
        }
        if pairs.next().is_some() { Err(InvalidMacAddress) } else { Ok(Self(octets)) }
    }
}

impl TryFrom<String> for MacAddress {
    type Error = InvalidMacAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MacAddress> for String {
    fn from(address: MacAddress) -> Self {
        address.to_string()
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// The magic packet that wakes a machine: six bytes of ones, and its address sixteen times.
///
/// Source: ipwatch §3.2.
#[must_use]
pub fn magic_packet(address: MacAddress) -> [u8; 102] {
    let mut packet = [0xff; 102];
    for copy in packet.chunks_exact_mut(6).skip(1) {
        copy.copy_from_slice(&address.0);
    }
    packet
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may be blunt")]

    use super::*;

    #[test]
    fn an_address_is_read_in_both_spellings_and_written_in_one() {
        for text in ["00:00:5E:00:53:07", "00-00-5e-00-53-07"] {
            assert_eq!(text.parse::<MacAddress>().unwrap().to_string(), "00:00:5e:00:53:07");
        }
        for text in [
            "",
            "00:00:5e:00:53",
            "00:00:5e:00:53:07:08",
            "0:0:5e:0:53:7",
            "00:00:5e:00:53:0g",
            "00:00:5e:00:53:+7",
        ] {
            assert_eq!(text.parse::<MacAddress>(), Err(InvalidMacAddress), "{text:?}");
        }
    }

    #[test]
    fn the_packet_is_six_bytes_of_ones_and_sixteen_addresses() {
        let packet = magic_packet("01:02:03:04:05:06".parse().unwrap());
        assert_eq!(packet[..6], [0xff; 6]);
        assert!(packet[6..].chunks(6).all(|copy| copy == [1, 2, 3, 4, 5, 6]));
    }
}
