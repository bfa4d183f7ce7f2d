use std::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The key of a channel: who has it reads and writes there.
///
/// 16 bytes, or 32 as some private channels have. AES takes the first 16, the authentication code all of them. `Debug` does not print it.
///
/// Choice: CI-11.
#[derive(Clone, PartialEq, Eq)]
pub struct ChannelKey {
    bytes: Zeroizing<[u8; 32]>,
    len: usize,
}

impl ChannelKey {
    /// The key of the channel that every MeshCore radio comes with, `Public`. It is no secret.
    const PUBLIC: [u8; 16] =
        [0x8b, 0x33, 0x87, 0xe9, 0xc5, 0xcd, 0xea, 0x6a, 0xc9, 0xe5, 0xed, 0xba, 0xa1, 0x15, 0xcd, 0x72];

    /// A key of 16 or 32 bytes.
    ///
    /// # Errors
    /// [`InvalidChannelKey`] when it has another length.
    pub fn new(key: &[u8]) -> Result<Self, InvalidChannelKey> {
        let mut bytes = Zeroizing::new([0; 32]);
        let len = key.len();
        match bytes.get_mut(..len) {
            Some(place) if len == 16 || len == 32 => place.copy_from_slice(key),
            _ => return Err(InvalidChannelKey),
        }
        // The firmware takes 32 bytes whose second half is zero for a key of 16.
        let short = bytes.get(16..).is_some_and(|rest| rest.iter().all(|byte| *byte == 0));
        Ok(Self { bytes, len: if short { 16 } else { 32 } })
    }

    /// A key as it is shown in settings and links: 32 or 64 hex digits.
    ///
    /// # Errors
    /// [`InvalidChannelKey`] when it is nothing of the kind.
    pub fn from_hex(text: &str) -> Result<Self, InvalidChannelKey> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(32));
        let (pairs, rest) = text.trim().as_bytes().as_chunks::<2>();
        for [high, low] in pairs {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            let (Some(high), Some(low)) = (digit(*high), digit(*low)) else { return Err(InvalidChannelKey) };
            bytes.push(high << 4 | low);
        }
        if rest.is_empty() { Self::new(&bytes) } else { Err(InvalidChannelKey) }
    }

    /// The key of the channel `Public`.
    #[must_use]
    pub fn public() -> Self {
        Self::of_sixteen(Self::PUBLIC)
    }

    /// The key that a channel's name stands for: the first 16 bytes of SHA-256 of `#name`, in lower case and with its `#`; that of
    /// `Public` is [`public`](Self::public).
    ///
    /// # Errors
    /// [`UnknownChannel`] for any other name: a private channel has a key of its own.
    pub fn of_channel(name: &str) -> Result<Self, UnknownChannel> {
        if name.eq_ignore_ascii_case("public") {
            return Ok(Self::public());
        }
        if !name.starts_with('#') || name.len() < 2 {
            return Err(UnknownChannel);
        }
        let digest: [u8; 32] = Sha256::digest(name.to_lowercase()).into();
        Ok(Self::of_sixteen(digest.first_chunk().copied().unwrap_or_default()))
    }

    fn of_sixteen(key: [u8; 16]) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        if let Some(first) = bytes.first_chunk_mut() {
            *first = key;
        }
        Self { bytes, len: 16 }
    }

    /// The channel's mark, by which a radio finds the key: the first byte of SHA-256 of the key.
    #[must_use]
    pub fn channel_hash(&self) -> u8 {
        let digest: [u8; 32] = Sha256::digest(self.bytes.get(..self.len).unwrap_or_default()).into();
        digest.first().copied().unwrap_or_default()
    }

    /// What AES takes.
    pub(super) fn cipher_key(&self) -> [u8; 16] {
        self.bytes.first_chunk().copied().unwrap_or_default()
    }

    /// What the authentication code takes: 32 bytes, filled up with zeros.
    pub(super) fn mac_key(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl fmt::Debug for ChannelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ChannelKey(…)")
    }
}

/// The bytes are no [`ChannelKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a channel key is 16 or 32 bytes, 32 or 64 hex digits")]
pub struct InvalidChannelKey;

/// No key follows from the channel's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key follows from #names and from Public only; another channel's key must be given")]
pub struct UnknownChannel;

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(key: &ChannelKey) -> String {
        key.cipher_key().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn keys_follow_from_names() {
        // Recorded; the first is MeshCore's own example, all are what `printf '#test' | sha256sum` begins with.
        for (name, key, hash) in [
            ("#test", "9cd8fcf22a47333b591d96a2b848b73f", 0xd9),
            ("#TEST", "9cd8fcf22a47333b591d96a2b848b73f", 0xd9),
            ("#bot", "eb50a1bcb3e4e5d7bf69a57c9dada211", 0xca),
            ("Public", "8b3387e9c5cdea6ac9e5edbaa115cd72", 0x11),
        ] {
            let found = ChannelKey::of_channel(name).unwrap();
            assert_eq!((hex(&found).as_str(), found.channel_hash()), (key, hash), "{name}");
            assert_eq!(ChannelKey::from_hex(key).unwrap(), found);
        }
        for name in ["", "#", "test", "Publicity"] {
            assert_eq!(ChannelKey::of_channel(name), Err(UnknownChannel), "{name}");
        }
    }

    #[test]
    fn a_key_has_16_or_32_bytes() {
        for (text, valid) in
            [("00", false), ("zz", false), (&"0".repeat(31), false), (&"aB".repeat(16), true)]
        {
            assert_eq!(ChannelKey::from_hex(text).is_ok(), valid, "{text}");
        }
        assert_eq!(ChannelKey::new(&[1; 17]), Err(InvalidChannelKey));
        assert_eq!(ChannelKey::new(&[1; 33]), Err(InvalidChannelKey));
        assert_eq!(ChannelKey::new(&[]), Err(InvalidChannelKey));
        assert_ne!(ChannelKey::new(&[1; 16]), ChannelKey::new(&[1; 32]));
    }

    #[test]
    fn zeros_behind_a_short_key_do_not_make_a_long_one() {
        let mut padded = [7; 32];
        padded[16..].fill(0);
        assert_eq!(ChannelKey::new(&padded), ChannelKey::new(&[7; 16]));
    }

    #[test]
    fn it_is_never_printed() {
        assert_eq!(format!("{:?}", ChannelKey::public()), "ChannelKey(…)");
    }
}
