//! The device's own public key: published by the device, read and revoked by others.

use serde::{Deserialize, Deserializer, Serialize};

use super::{Method, Route};
use crate::loose::{self, Loose};
use crate::{DecodeError, DeviceKey, UtcTimestamp};

/// Device to server: here is my public key. Source: meeting §3.3.
pub const PUBLISH: Route = Route::new(Method::Put, "/api/devices/{device_key}/ssh-key");
/// The key and what is known of it.
pub const READ: Route = Route::new(Method::Get, "/api/devices/{device_key}/ssh-key");
/// Operator to server: the key counts no more. Soft: the record remains.
pub const REVOKE: Route = Route::new(Method::Delete, "/api/devices/{device_key}/ssh-key");

/// What a key counts for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum KeyStatus {
    /// In use.
    Authorized,
    /// Withdrawn.
    Revoked,
    /// Received, and waiting for the operator. Choice: MA-16.
    Pending,
}

impl KeyStatus {
    /// The status as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorized => "authorized",
            Self::Revoked => "revoked",
            Self::Pending => "pending",
        }
    }

    /// Reads a status.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Authorized, Self::Revoked, Self::Pending].into_iter().find(|status| status.as_str() == name)
    }
}

/// An unknown or absent status is `None`.
pub(super) fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<KeyStatus>, D::Error> {
    Ok(loose::string(deserializer)?.as_deref().and_then(KeyStatus::from_name))
}

/// The body of a publication: `{"pubkey":"ssh-ed25519 AAAA… comment"}`.
///
/// The key is a text here; with the feature `ssh-keys`, `PublicKey` says whether it is one.
///
/// Source: meeting §3.3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublishKey {
    /// The key as one line of OpenSSH.
    pub pubkey: String,
    /// The account that the key is for; an operator's field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh_user: Option<String>,
    /// An operator's field: `authorized` accepts a pending key, `revoked` withdraws it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<KeyStatus>,
}

impl PublishKey {
    /// Longest `pubkey`, in bytes (threat R5). Choice: MA-17.
    pub const MAX_PUBKEY_BYTES: usize = 16 * 1024;
    /// Longest `ssh_user`, in characters.
    pub const MAX_USER_CHARS: usize = 32;

    /// What a device sends.
    #[must_use]
    pub fn new(pubkey: impl Into<String>) -> Self {
        Self { pubkey: pubkey.into(), ssh_user: None, status: None }
    }

    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body. `ssh_public_key` is an older name of `pubkey`.
    ///
    /// # Errors
    /// [`DecodeError::Missing`] without `pubkey`; [`DecodeError::Invalid`] when it is longer than 16 KiB, when
    /// `ssh_user` is not a plain account name, or `status` is unknown; [`DecodeError::Json`] when the body is no object.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Fields<'a> {
            #[serde(borrow)]
            pubkey: Loose<'a>,
            #[serde(borrow)]
            ssh_public_key: Loose<'a>,
            #[serde(borrow)]
            ssh_user: Loose<'a>,
            #[serde(borrow)]
            status: Loose<'a>,
        }
        let fields: Fields<'_> = loose::request(body)?;
        let pubkey = match fields.pubkey.text("pubkey")? {
            Some(pubkey) => pubkey,
            None => fields.ssh_public_key.text("pubkey")?.ok_or(DecodeError::Missing { field: "pubkey" })?,
        };
        if pubkey.len() > Self::MAX_PUBKEY_BYTES {
            return Err(DecodeError::Invalid { field: "pubkey" });
        }
        let ssh_user = fields.ssh_user.text("ssh_user")?;
        if ssh_user.as_deref().is_some_and(|user| !is_account_name(user)) {
            return Err(DecodeError::Invalid { field: "ssh_user" });
        }
        let status = match fields.status.text("status")? {
            None => None,
            Some(name) => Some(KeyStatus::from_name(&name).ok_or(DecodeError::Invalid { field: "status" })?),
        };
        Ok(Self { pubkey: pubkey.into_owned(), ssh_user: ssh_user.map(Into::into), status })
    }
}

fn is_account_name(user: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    user.len() <= PublishKey::MAX_USER_CHARS && !user.starts_with('-') && user.bytes().all(allowed)
}

/// A device's key as the server holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    /// The device.
    pub device_key: DeviceKey,
    /// The account that the key is for.
    #[serde(default, deserialize_with = "loose::string")]
    pub ssh_user: Option<String>,
    /// The key as one line; none while the first one is pending.
    #[serde(default, deserialize_with = "loose::string")]
    pub pubkey: Option<String>,
    /// What it counts for.
    #[serde(default, deserialize_with = "status")]
    pub status: Option<KeyStatus>,
    /// When it was first published.
    #[serde(default, deserialize_with = "loose::value")]
    pub added: Option<UtcTimestamp>,
    /// When the record last changed.
    #[serde(default, deserialize_with = "loose::value")]
    pub modified: Option<UtcTimestamp>,
    /// `SHA256:…` of the key.
    #[serde(default, deserialize_with = "loose::string")]
    pub fingerprint: Option<String>,
    /// When the key was last used for SSH, where the server knows.
    #[serde(default, deserialize_with = "loose::value")]
    pub last_ssh: Option<UtcTimestamp>,
    /// A changed key that waits for the operator. Choice: MA-16.
    #[serde(default, deserialize_with = "loose::string", skip_serializing_if = "Option::is_none")]
    pub pending_pubkey: Option<String>,
    /// `SHA256:…` of the key that waits.
    #[serde(default, deserialize_with = "loose::string", skip_serializing_if = "Option::is_none")]
    pub pending_fingerprint: Option<String>,
}

impl KeyRecord {
    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError::Json`] when it is no such object.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        loose::reply(body)
    }
}
