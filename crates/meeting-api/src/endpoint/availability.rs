//! Is the device there?

use serde::{Deserialize, Serialize};

use super::{Method, Route};
use crate::{DecodeError, DeviceKey, UtcTimestamp, loose};

/// Whether the device reported lately. Choice: MA-24.
pub const ROUTE: Route = Route::new(Method::Get, "/api/devices/{device_key}/availability");
/// When it last reported. Choice: MA-24.
pub const LAST_SEEN: Route = Route::new(Method::Get, "/api/status/{device_key}/last-seen");

/// One word on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AvailabilityStatus {
    /// Its last heartbeat is recent.
    Available,
    /// Its last heartbeat is old.
    Disconnected,
    /// It never sent one.
    #[serde(other)]
    Unknown,
}

/// `{"status":"Available","last_heartbeat":"…","since":"…","uptime":58}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Availability {
    /// One word on it.
    pub status: AvailabilityStatus,
    /// The server's time of the last heartbeat.
    #[serde(default, deserialize_with = "loose::value")]
    pub last_heartbeat: Option<UtcTimestamp>,
    /// Since when the status is what it is.
    #[serde(default, deserialize_with = "loose::value")]
    pub since: Option<UtcTimestamp>,
    /// Seconds since the last heartbeat, by the server's clock.
    #[serde(default, deserialize_with = "uptime")]
    pub uptime: Option<u64>,
}

fn uptime<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let number = loose::Loose::deserialize(deserializer)?.integer();
    Ok(number.and_then(|number| u64::try_from(number).ok()))
}

impl Availability {
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

/// `{"device_key":"…","last_seen":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSeen {
    /// The device.
    pub device_key: DeviceKey,
    /// The server's time of the last heartbeat; null before the first.
    #[serde(default, deserialize_with = "loose::value")]
    pub last_seen: Option<UtcTimestamp>,
}

impl LastSeen {
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
