use aes::Aes128;
use aes::cipher::generic_array::GenericArray;
use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::{BLOCK_BYTES, ChannelKey, GROUP_TEXT, MAC_BYTES, MAX_PAYLOAD_BYTES, hash_of};
use crate::PacketHash;

/// A text on a channel: what the sender's radio encrypts.
///
/// The plaintext is the sender's timestamp (4 bytes, least significant first), a byte of flags, and the text `NAME: message`, filled up with
/// zeros to whole blocks of 16 bytes.
///
/// Choice: CI-10, CI-12.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupText {
    sender_timestamp: u32,
    flags: u8,
    text: Box<[u8]>,
}

/// Bytes before the text.
const HEAD_BYTES: usize = 5;

impl GroupText {
    /// Most bytes of a text, the name included: what fits into a packet. The firmware itself cuts at 160.
    pub const MAX_TEXT_BYTES: usize = 171;

    /// A plain text as it was received: `NAME: message`, every blank of it included. The flags are 0, as with everything that
    /// today's radios send to a channel.
    ///
    /// The timestamp is that of the message, in seconds since 1970 by the sender's clock, right or wrong.
    ///
    /// # Errors
    /// [`InvalidGroupText`] when no packet can hold it.
    pub fn new(sender_timestamp: u32, text: impl AsRef<[u8]>) -> Result<Self, InvalidGroupText> {
        let text = text.as_ref();
        if text.len() > Self::MAX_TEXT_BYTES {
            return Err(InvalidGroupText::TooLong);
        }
        if text.contains(&0) {
            return Err(InvalidGroupText::Nul);
        }
        Ok(Self { sender_timestamp, flags: 0, text: text.into() })
    }

    /// The text of a sender and its message, put together as the sender's radio does.
    ///
    /// # Errors
    /// [`InvalidGroupText`] when no packet can hold it.
    pub fn from_parts(sender_timestamp: u32, name: &str, message: &str) -> Result<Self, InvalidGroupText> {
        Self::new(sender_timestamp, format!("{name}: {message}"))
    }

    /// The same with other flags: the type of the text (0 is plain) times 4, and the number of the attempt.
    #[must_use]
    pub fn with_flags(mut self, flags: u8) -> Self {
        self.flags = flags;
        self
    }

    /// When the sender sent it, in seconds since 1970 by the sender's clock.
    #[must_use]
    pub const fn sender_timestamp(&self) -> u32 {
        self.sender_timestamp
    }

    /// The flags.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        self.flags
    }

    /// The text as sent. It is UTF-8 but for a last character that was cut.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The sender's name and the message, divided at the first colon with a blank; `None` where there is no such thing.
    /// What is no UTF-8 is replaced.
    #[must_use]
    pub fn name_and_message(&self) -> Option<(String, String)> {
        let text = String::from_utf8_lossy(&self.text);
        text.split_once(": ").map(|(name, message)| (name.to_owned(), message.to_owned()))
    }

    /// The payload of the packet: the channel's mark, 2 bytes of HMAC-SHA256 over the ciphertext, the ciphertext (AES-128, block by block).
    #[must_use]
    pub fn payload(&self, key: &ChannelKey) -> Vec<u8> {
        let cipher = Aes128::new(&key.cipher_key().into());
        let mut plaintext = self.sender_timestamp.to_le_bytes().to_vec();
        plaintext.push(self.flags);
        plaintext.extend_from_slice(&self.text);
        plaintext.resize(plaintext.len().next_multiple_of(BLOCK_BYTES), 0);
        for block in plaintext.chunks_exact_mut(BLOCK_BYTES) {
            cipher.encrypt_block(GenericArray::from_mut_slice(block));
        }
        let mut payload = vec![key.channel_hash()];
        payload.extend_from_slice(&mac(key, &plaintext));
        payload.append(&mut plaintext);
        payload
    }

    /// The hash of every packet that carries this text on the channel.
    #[must_use]
    pub fn packet_hash(&self, key: &ChannelKey) -> PacketHash {
        hash_of(&[&[GROUP_TEXT], &self.payload(key)])
    }

    /// Decrypts the payload of a group text; `None` when it is not of this channel, or not one at all.
    #[must_use]
    pub fn open(payload: &[u8], key: &ChannelKey) -> Option<Self> {
        let (mark, rest) = payload.split_first()?;
        let (code, ciphertext) = rest.split_at_checked(MAC_BYTES)?;
        let whole = !ciphertext.is_empty()
            && ciphertext.len().is_multiple_of(BLOCK_BYTES)
            && payload.len() <= MAX_PAYLOAD_BYTES;
        if !whole || *mark != key.channel_hash() || !bool::from(code.ct_eq(&mac(key, ciphertext))) {
            return None;
        }
        let cipher = Aes128::new(&key.cipher_key().into());
        let mut plaintext = ciphertext.to_vec();
        for block in plaintext.chunks_exact_mut(BLOCK_BYTES) {
            cipher.decrypt_block(GenericArray::from_mut_slice(block));
        }
        let (head, text) = plaintext.split_at_checked(HEAD_BYTES)?;
        let (timestamp, flags) = head.split_first_chunk()?;
        let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
        let text = Self::new(u32::from_le_bytes(*timestamp), text.get(..end)?).ok()?;
        Some(text.with_flags(*flags.first()?))
    }
}

/// The authentication code. HMAC fills a key up with zeros itself, so that 16 bytes and the same with 16 zeros give the same.
fn mac(key: &ChannelKey, ciphertext: &[u8]) -> [u8; MAC_BYTES] {
    let mac = <Hmac<Sha256> as Mac>::new_from_slice(key.mac_key());
    // HMAC takes keys of every length.
    let digest = mac.map(|mac| <[u8; 32]>::from(mac.chain_update(ciphertext).finalize().into_bytes()));
    digest.unwrap_or_default().first_chunk().copied().unwrap_or_default()
}

/// Why no packet can hold a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidGroupText {
    /// It is longer than [`GroupText::MAX_TEXT_BYTES`].
    #[error("a text has at most 171 bytes with the name before it")]
    TooLong,
    /// It holds a NUL, which ends a text.
    #[error("a text holds no NUL")]
    Nul,
}
