use std::fmt;

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};

use crate::text::{from_hex, to_hex};

/// A SHA-256 hash, 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// What a hash is about: the first part of what is hashed, so that a hash of one kind is none of another. Choice: IF-61.
#[derive(Debug, Clone, Copy)]
pub(super) enum Domain {
    Value,
    Header,
    Node,
    Root,
    Commitment,
    Process,
    Pairing,
    Nonce,
}

impl Domain {
    const fn label(self) -> &'static str {
        match self {
            Self::Value => "iframe-messages value 1",
            Self::Header => "iframe-messages header 1",
            Self::Node => "iframe-messages node 1",
            Self::Root => "iframe-messages root 1",
            Self::Commitment => "iframe-messages commitment 1",
            Self::Process => "iframe-messages process 1",
            Self::Pairing => "iframe-messages pairing 1",
            Self::Nonce => "iframe-messages nonce 1",
        }
    }
}

impl Digest {
    /// SHA-256 over the domain and the parts, each behind its length in eight bytes, most significant first.
    pub(super) fn of(domain: Domain, parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in std::iter::once(domain.label().as_bytes()).chain(parts.iter().copied()) {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The same over a domain and two hashes, in one piece: of a tree's time, this is nearly all.
    pub(super) fn of_two(domain: Domain, left: &Self, right: &Self) -> Self {
        const WORD: [u8; 8] = 32_u64.to_be_bytes();
        let label = domain.label().as_bytes();
        let mut input = [0; 128];
        let length = u64::try_from(label.len()).unwrap_or(u64::MAX).to_be_bytes();
        let parts: [&[u8]; 6] = [&length, label, &WORD, &left.0, &WORD, &right.0];
        let mut used = 0;
        for part in parts {
            let Some(room) = input.get_mut(used..used + part.len()) else { break };
            room.copy_from_slice(part);
            used += part.len();
        }
        Self(Sha256::digest(input.get(..used).unwrap_or_default()).into())
    }

    /// Reads 64 hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        from_hex(text).map(Self)
    }

    /// The hash of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::invalid_value(Unexpected::Other("text"), &"64 hex digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_in_one_piece_are_two_parts() {
        let (left, right) = (Digest([1; 32]), Digest([2; 32]));
        let parts = Digest::of(Domain::Node, &[&left.0, &right.0]);
        assert_eq!(Digest::of_two(Domain::Node, &left, &right), parts);
        assert_ne!(Digest::of_two(Domain::Node, &right, &left), parts);
    }
}
