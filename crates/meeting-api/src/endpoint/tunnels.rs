//! The public ports that a proxy listens on.

use serde::{Deserialize, Serialize};

use super::{Method, Route};
use crate::loose::{self, Loose};
use crate::{DecodeError, DeviceKey, ServiceName, UtcTimestamp};

/// Proxy to server, polled. Source: meeting §4.3.
pub const ROUTE: Route = Route::new(Method::Get, "/api/tunnels");

/// One public port and where it leads.
///
/// Choice: MA-21.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tunnel {
    /// The device.
    pub device_key: DeviceKey,
    /// What for.
    pub service: ServiceName,
    /// The public port on the proxy, 1 to 65535.
    #[serde(deserialize_with = "port")]
    pub port: u16,
    /// The port on the device's own 127.0.0.1.
    #[serde(deserialize_with = "port")]
    pub local_port: u16,
    /// From when on the port is closed; `None` = stays open.
    #[serde(default)]
    pub expires_at: Option<UtcTimestamp>,
}

/// A port from 1, also as a text.
pub(super) fn port<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let number = Loose::deserialize(deserializer)?.integer();
    number
        .and_then(|number| u16::try_from(number).ok())
        .filter(|port| *port != 0)
        .ok_or_else(|| serde::de::Error::custom("a port is expected"))
}

/// `{"tunnels":[…]}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct TunnelList {
    /// The tunnels.
    pub tunnels: Vec<Tunnel>,
    /// How many entries could not be read and are left out: one bad row must not close every port.
    #[serde(skip)]
    pub unreadable: usize,
}

impl TunnelList {
    /// A list.
    #[must_use]
    pub const fn new(tunnels: Vec<Tunnel>) -> Self {
        Self { tunnels, unreadable: 0 }
    }

    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError::Json`] when it is no object with a list `tunnels`.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Body {
            tunnels: Vec<serde_json::Value>,
        }
        let body: Body = loose::reply(body)?;
        let (tunnels, unreadable) = loose::readable(body.tunnels);
        Ok(Self { tunnels, unreadable })
    }
}
