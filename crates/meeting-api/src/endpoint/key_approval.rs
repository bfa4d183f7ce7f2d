//! The operator's view of published keys: all of them, and the word on one that waits. Not in the document.

use serde::{Deserialize, Serialize};

use super::ssh_key::KeyRecord;
use super::{Method, Route};
use crate::loose::{self, Loose};
use crate::{DecodeError, DeviceKey};

/// Lists the keys of all devices; with `?status=pending` those that wait. Choice: MA-60.
pub const LIST: Route = Route::new(Method::Get, "/api/ssh-keys");
/// Puts the waiting key in force. Choice: MA-60.
pub const APPROVE: Route = Route::new(Method::Post, "/api/devices/{device_key}/ssh-key/approve");
/// Forgets the waiting key. Choice: MA-60.
pub const REJECT: Route = Route::new(Method::Post, "/api/devices/{device_key}/ssh-key/reject");

/// The path of the list.
#[must_use]
pub fn list_path(pending_only: bool) -> String {
    let query = if pending_only { "?status=pending" } else { "" };
    format!("{}{query}", LIST.template)
}

/// The path that approves a device's waiting key.
#[must_use]
pub fn approve_path(device_key: &DeviceKey) -> String {
    APPROVE.path(device_key)
}

/// The operator's word on a waiting key. Its fingerprint, when given, must be that of the key which waits, so that no
/// other key than the one looked at is let in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct KeyDecision {
    /// `SHA256:…` of the key meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
}

impl KeyDecision {
    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError::Json`] when it is no object, `Invalid` when the fingerprint is no text.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Fields<'a> {
            #[serde(borrow)]
            fingerprint: Loose<'a>,
        }
        let fields: Fields<'_> = loose::request(body)?;
        Ok(Self { fingerprint: fields.fingerprint.text("fingerprint")?.map(Into::into) })
    }
}

/// `{"keys":[…]}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct KeyList {
    /// The keys, in the order of their devices.
    pub keys: Vec<KeyRecord>,
    /// How many entries could not be read and were left out.
    #[serde(skip)]
    pub unreadable: usize,
}

impl KeyList {
    /// A list of keys.
    #[must_use]
    pub const fn new(keys: Vec<KeyRecord>) -> Self {
        Self { keys, unreadable: 0 }
    }

    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError::Json`] when it is no object with a list.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Body {
            keys: Vec<serde_json::Value>,
        }
        let body: Body = loose::reply(body)?;
        let (keys, unreadable) = loose::readable(body.keys);
        Ok(Self { keys, unreadable })
    }
}
