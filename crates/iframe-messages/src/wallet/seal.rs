//! Sealing: XChaCha20-Poly1305 with nonces made from the caller's random bytes.

use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::hash::{Digest, Domain};
use crate::text::to_hex;

/// The secret under which a wallet is sealed. `Debug` never prints it, and it is wiped when dropped.
#[derive(Clone)]
pub struct WalletKey(Zeroizing<[u8; 32]>);

impl WalletKey {
    /// A key of 32 random bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A key for one purpose.
    pub(super) fn derive(&self, purpose: &str) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        // HMAC takes a key of any length.
        if let Ok(mut mac) = <Hmac<Sha256> as Mac>::new_from_slice(&*self.0) {
            mac.update(purpose.as_bytes());
            key.copy_from_slice(&mac.finalize().into_bytes());
        }
        Self(key)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(Key::from_slice(&*self.0))
    }
}

impl fmt::Debug for WalletKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WalletKey(…)")
    }
}

/// What is sealed cannot be opened: another key, another place, or changed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cannot be opened with this key")]
pub struct NotOpened;

/// Nonce and ciphertext, as hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Sealed(String);

const NONCE_BYTES: usize = 24;

/// Seals `plain` to its place. `random` may serve for several places, since the nonce is made from both.
pub(super) fn seal(key: &WalletKey, random: &[u8; 32], place: &[&[u8]], plain: &[u8]) -> Option<Vec<u8>> {
    let place = bind(place);
    let nonce = Digest::of(Domain::Nonce, &[random, &place]);
    let nonce = nonce.as_bytes().first_chunk::<NONCE_BYTES>()?;
    let sealed = key.cipher().encrypt(XNonce::from_slice(nonce), Payload { msg: plain, aad: &place }).ok()?;
    Some([&nonce[..], &sealed].concat())
}

/// Opens what was sealed to this place.
pub(super) fn open(key: &WalletKey, place: &[&[u8]], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(NotOpened)?;
    let payload = Payload { msg: sealed, aad: &bind(place) };
    key.cipher().decrypt(XNonce::from_slice(nonce), payload).map(Zeroizing::new).map_err(|_| NotOpened)
}

/// The parts of a place, each behind its length.
fn bind(place: &[&[u8]]) -> Vec<u8> {
    place
        .iter()
        .flat_map(|part| {
            u64::try_from(part.len())
                .unwrap_or(u64::MAX)
                .to_be_bytes()
                .into_iter()
                .chain(part.iter().copied())
        })
        .collect()
}

impl Sealed {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(to_hex(bytes))
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let value = |digit: &u8| char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        let byte = |pair: &[u8]| match pair {
            [high, low] => Some(value(high)? << 4 | value(low)?),
            _ => None,
        };
        // What is no hex gives nothing, which then cannot be opened.
        self.0.as_bytes().chunks(2).map(byte).collect::<Option<_>>().unwrap_or_default()
    }
}
