//! A device's log: what happened to it, kept by the server.

use serde::{Deserialize, Serialize};

use super::{Method, Route};
use crate::{DecodeError, UtcTimestamp, loose};

/// Operator to server; the answer is a list, newest first. Choice: MA-29.
pub const ROUTE: Route = Route::new(Method::Get, "/api/devices/{device_key}/logs");
/// Empties it. Choice: MA-29.
pub const PURGE: Route = Route::new(Method::Post, "/api/devices/{device_key}/purge-logs");

/// `{"timestamp","event":"Connected","host","remote"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When.
    pub timestamp: UtcTimestamp,
    /// What, in a word or a few.
    pub event: String,
    /// The server that noted it.
    #[serde(default, deserialize_with = "loose::string")]
    pub host: Option<String>,
    /// The peer's address.
    #[serde(default, deserialize_with = "loose::string")]
    pub remote: Option<String>,
}

/// The list. On the wire it has no object around it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
#[non_exhaustive]
pub struct DeviceLog {
    /// The entries.
    pub entries: Vec<LogEntry>,
    /// How many entries could not be read and are left out.
    #[serde(skip)]
    pub unreadable: usize,
}

impl DeviceLog {
    /// A log.
    #[must_use]
    pub const fn new(entries: Vec<LogEntry>) -> Self {
        Self { entries, unreadable: 0 }
    }

    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError::Json`] when it is no list.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let items: Vec<serde_json::Value> =
            serde_json::from_slice(body).map_err(|error| DecodeError::from_json(&error))?;
        let (entries, unreadable) = loose::readable(items);
        Ok(Self { entries, unreadable })
    }
}
