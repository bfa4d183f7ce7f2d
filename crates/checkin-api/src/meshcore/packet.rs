use super::{ChannelKey, GROUP_TEXT, GroupText, MAX_PAYLOAD_BYTES, hash_of};
use crate::PacketHash;

/// The payload type of a trace.
const TRACE: u8 = 9;
/// Most bytes of a path.
const MAX_PATH_BYTES: usize = 64;

/// A packet as a radio hears it: header, transport codes where the route has them, path, payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    header: u8,
    path_len: u8,
    payload: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a packet.
    ///
    /// # Errors
    /// [`InvalidPacket`] when a radio would drop it: it ends early, or its path or payload is longer than allowed.
    pub fn decode(raw: &'a [u8]) -> Result<Self, InvalidPacket> {
        let (header, rest) = raw.split_first().ok_or(InvalidPacket::Short)?;
        // Routes 0 and 3 carry two codes of 2 bytes; they change on the way, like the path.
        let codes = if matches!(header & 3, 0 | 3) { 4 } else { 0 };
        let (_, rest) = rest.split_at_checked(codes).ok_or(InvalidPacket::Short)?;
        let (path_len, rest) = rest.split_first().ok_or(InvalidPacket::Short)?;
        // The upper two bits tell how many bytes a hop has, the lower six how many hops there are.
        let (hop_bytes, hops) = (usize::from(path_len >> 6) + 1, usize::from(path_len & 63));
        if hop_bytes > 3 || hop_bytes * hops > MAX_PATH_BYTES {
            return Err(InvalidPacket::Path);
        }
        let (_, payload) = rest.split_at_checked(hop_bytes * hops).ok_or(InvalidPacket::Short)?;
        if payload.is_empty() {
            return Err(InvalidPacket::Short);
        }
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(InvalidPacket::Long);
        }
        Ok(Self { header: *header, path_len: *path_len, payload })
    }

    /// Reads a packet from hex digits, as radios log it.
    ///
    /// # Errors
    /// [`InvalidPacket::NotHex`], and those of [`decode`](Self::decode).
    pub fn bytes_from_hex(text: &str) -> Result<Vec<u8>, InvalidPacket> {
        let (pairs, rest) = text.trim().as_bytes().as_chunks::<2>();
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        bytes.filter(|_| rest.is_empty()).ok_or(InvalidPacket::NotHex)
    }

    /// The type of the payload, 0 to 15.
    #[must_use]
    pub const fn payload_type(&self) -> u8 {
        self.header >> 2 & 15
    }

    /// The payload.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The packet's identity: the first 16 upper-case hex digits of SHA-256 over the type and the payload, and for a trace over the
    /// length of its path between them (2 bytes, least significant first), for a trace may pass a node twice.
    #[must_use]
    pub fn packet_hash(&self) -> PacketHash {
        let kind = self.payload_type();
        let path_len = u16::from(self.path_len).to_le_bytes();
        let between: &[u8] = if kind == TRACE { &path_len } else { &[] };
        hash_of(&[&[kind], between, self.payload])
    }

    /// The text that it carries, where it is one of this channel.
    #[must_use]
    pub fn group_text(&self, key: &ChannelKey) -> Option<GroupText> {
        // Later versions of the payload have other lengths.
        let readable = self.payload_type() == GROUP_TEXT && self.header >> 6 == 0;
        readable.then(|| GroupText::open(self.payload, key)).flatten()
    }
}

/// Why bytes are no packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPacket {
    /// It ends before its payload.
    #[error("the packet ends early")]
    Short,
    /// The path is longer than 64 bytes, or of a kind that does not exist yet.
    #[error("the packet's path is not valid")]
    Path,
    /// The payload has more than 184 bytes.
    #[error("the packet's payload is too long")]
    Long,
    /// The text is not an even number of hex digits.
    #[error("the packet is not written in hex digits")]
    NotHex,
}
