//! The packet hash of MeshCore, from the bytes of a packet or from what a bot has of a message.
//!
//! A group text of MeshCore is encrypted without a nonce, so that its payload, and with it the packet's hash, follows from the channel's
//! key, the sender's timestamp, the flags and the text `NAME: message`. Bots that hear one message agree on its hash without
//! sharing anything, whether they have the raw packet or only the message:
//!
//! ```
//! use checkin_api::meshcore::{ChannelKey, GroupText, Packet};
//!
//! // What one bot took from the air; the path is what the packet went through on its way there.
//! let raw = [
//!     0x15, 0x02, 0xaa, 0xbb, 0xd9, 0xba, 0x8e, 0x4e, 0xa9, 0x44, 0x48, 0x22, 0xac, 0x56, 0xb4, 0xd5, 0x2a, 0xc3, 0xc0, 0x04,
//!     0x4c, 0x6a, 0xe4, 0x02, 0x99, 0x7b, 0xb9, 0x80, 0x5c, 0xcb, 0x33, 0x1e, 0xc3, 0x37, 0x8d, 0xce, 0x33, 0x9f, 0x2d,
//! ];
//! let packet = Packet::decode(&raw)?;
//! assert_eq!(packet.packet_hash().as_str(), "887B9BE6056D0B05");
//!
//! // What another one was told by its radio.
//! let key = ChannelKey::of_channel("#test")?;
//! let message = GroupText::new(1_763_975_305, "Skip: Hello Mesh")?;
//! assert_eq!(message.packet_hash(&key), packet.packet_hash());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Nothing of the receiver enters: not its clock, its name, its number for the channel, the strength of the signal, nor the way
//! the packet took. A bot that puts any of these into a hash of its own makes two check-ins of one.
//!
//! Source: checkin §3, §4. Choice: CI-10.

mod channel_key;
mod group_text;
mod packet;

pub use channel_key::{ChannelKey, InvalidChannelKey, UnknownChannel};
pub use group_text::{GroupText, InvalidGroupText};
pub use packet::{InvalidPacket, Packet};

use sha2::{Digest, Sha256};

use crate::PacketHash;

/// Bytes of an AES block, which every ciphertext is made of.
const BLOCK_BYTES: usize = 16;
/// Bytes of the code that authenticates a ciphertext.
const MAC_BYTES: usize = 2;
/// Most bytes of a payload.
const MAX_PAYLOAD_BYTES: usize = 184;
/// The payload type of a group text.
const GROUP_TEXT: u8 = 5;

/// The first 8 bytes of SHA-256 over the parts, as 16 upper-case hex digits.
fn hash_of(parts: &[&[u8]]) -> PacketHash {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update(part);
    }
    let digest: [u8; 32] = sha.finalize().into();
    PacketHash::from_bytes(digest.first_chunk().copied().unwrap_or_default())
}
