//! The server's own public key, which a device may let in.

use serde::{Deserialize, Serialize};

use super::{Method, Route};
use crate::{DecodeError, UtcTimestamp, loose};

/// Device to server; with `?format=plain` the answer is the key as text. Choice: MA-25.
pub const ROUTE: Route = Route::new(Method::Get, "/api/ssh/pubkey");

/// `{"pubkey","fingerprint":"SHA256:…","host","generated_at","usage"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerPubkey {
    /// The key as one line of OpenSSH.
    pub pubkey: String,
    /// `SHA256:…` of the key.
    #[serde(default, deserialize_with = "loose::string")]
    pub fingerprint: Option<String>,
    /// The server's name.
    #[serde(default, deserialize_with = "loose::string")]
    pub host: Option<String>,
    /// When it was made.
    #[serde(default, deserialize_with = "loose::value")]
    pub generated_at: Option<UtcTimestamp>,
    /// What it is for, for people.
    #[serde(default, deserialize_with = "loose::string")]
    pub usage: Option<String>,
}

impl ServerPubkey {
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
