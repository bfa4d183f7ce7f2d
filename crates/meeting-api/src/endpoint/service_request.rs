//! A public port is asked for, and the services of a device are listed.

use serde::{Deserialize, Serialize};

use super::{Method, Route};
use crate::loose::{self, Loose};
use crate::{DecodeError, ServiceName, ServiceSet, UtcTimestamp};

/// Reserves a public port for a service of the device; the same again returns the same port. Choice: MA-22.
pub const ROUTE: Route = Route::new(Method::Post, "/api/devices/{device_key}/service");
/// Lists the services that are switched on. Choice: MA-22.
pub const LIST: Route = Route::new(Method::Get, "/api/devices/{device_key}/service");
/// Gives a port back, `?service=` naming which. Operator to server; not in the document. Choice: MA-64.
pub const RELEASE: Route = Route::new(Method::Delete, "/api/devices/{device_key}/service");

/// `{"service":"ssh"}`, or `{"service":"relay","port":1883}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ServiceRequest {
    /// The service.
    pub service: ServiceName,
    /// The local port on the device; `relay` only, and required there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

impl ServiceRequest {
    /// A request for one of the named services. `relay` takes [`ServiceRequest::relay`].
    ///
    /// # Errors
    /// [`DecodeError::Missing`] for `relay`, which needs its port.
    pub fn new(service: ServiceName) -> Result<Self, DecodeError> {
        if service == ServiceName::RELAY {
            Err(DecodeError::Missing { field: "port" })
        } else {
            Ok(Self { service, port: None })
        }
    }

    /// A request for another local port of the device. `None` for port 0.
    #[must_use]
    pub fn relay(port: u16) -> Option<Self> {
        (port != 0).then_some(Self { service: ServiceName::RELAY, port: Some(port) })
    }

    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body. `port` is ignored unless the service is `relay`.
    ///
    /// # Errors
    /// [`DecodeError::Missing`] without `service`, or without `port` for `relay`; [`DecodeError::Invalid`] when one of
    /// them is not valid; [`DecodeError::Json`] when the body is no object.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Fields<'a> {
            #[serde(borrow)]
            service: Loose<'a>,
            #[serde(borrow)]
            port: Loose<'a>,
        }
        let fields: Fields<'_> = loose::request(body)?;
        let service = fields.service.parsed("service")?.ok_or(DecodeError::Missing { field: "service" })?;
        if service != ServiceName::RELAY {
            return Ok(Self { service, port: None });
        }
        let absent = fields.port == Loose::Null || fields.port == Loose::Text("".into());
        let port = fields.port.integer().and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0);
        match port {
            Some(port) => Ok(Self { service, port: Some(port) }),
            None if absent => Err(DecodeError::Missing { field: "port" }),
            None => Err(DecodeError::Invalid { field: "port" }),
        }
    }
}

/// `{"port":9051,"url":"ssh -p 9051 device@host","expires_at":"…"}`: the port that was reserved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceGrant {
    /// The public port.
    #[serde(deserialize_with = "super::tunnels::port")]
    pub port: u16,
    /// How to use it: a URL, or a command line for people.
    #[serde(default)]
    pub url: String,
    /// Until when; `None` = stays open.
    #[serde(default)]
    pub expires_at: Option<UtcTimestamp>,
}

impl ServiceGrant {
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

/// `{"services":[…]}`: the services that are switched on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ServiceList {
    /// The services.
    pub services: ServiceSet,
}

impl ServiceList {
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
