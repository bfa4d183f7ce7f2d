//! The heartbeat: a device says that it is there, and where.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Method, Route};
use crate::loose::{self, Loose};
use crate::{ClusterIp, DecodeError, MacAddress, Note, UtcTimestamp};

/// Device to server, every 60 s. Source: meeting §3.1.
pub const ROUTE: Route = Route::new(Method::Post, "/api/devices/{device_key}/online");
/// The same by another path, seen in the field. Choice: MA-13.
pub const ALIAS: Route = Route::new(Method::Post, "/api/status/{device_key}/online");

/// The body of a heartbeat. Every field is optional.
///
/// Unknown fields pass unread, `services` among them: the server is the source of truth for services.
///
/// Source: meeting §3.1, §1.5.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Heartbeat {
    /// The device's main address; the server takes the peer's address when it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<IpAddr>,
    /// The device's address on its own network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_lan: Option<IpAddr>,
    /// The public address as the device sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_public: Option<IpAddr>,
    /// The MAC address of the interface that `ip_lan` belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddress>,
    /// Cluster addresses, in the device's own form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_ip: Option<ClusterIp>,
    /// A short status for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
}

impl Heartbeat {
    /// The JSON body, fields in the document's order.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body. Null and the empty text count as absent, an empty body as `{}`.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] with the field's name when an address, the MAC or a text is not valid,
    /// [`DecodeError::Json`] when the body is no JSON object.
    ///
    /// Source: meeting §3.1. Choice: MA-7, MA-14.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Fields<'a> {
            #[serde(borrow)]
            ip_address: Loose<'a>,
            #[serde(borrow)]
            ip_lan: Loose<'a>,
            #[serde(borrow)]
            ip_public: Loose<'a>,
            #[serde(borrow)]
            mac: Loose<'a>,
            #[serde(borrow)]
            cluster_ip: Loose<'a>,
            #[serde(borrow)]
            note: Loose<'a>,
        }
        let fields: Fields<'_> = loose::request(body)?;
        Ok(Self {
            ip_address: fields.ip_address.parsed("ip_address")?,
            ip_lan: fields.ip_lan.parsed("ip_lan")?,
            ip_public: fields.ip_public.parsed("ip_public")?,
            mac: fields.mac.parsed("mac")?,
            cluster_ip: fields.cluster_ip.converted("cluster_ip")?,
            note: fields.note.converted("note")?,
        })
    }
}

/// The server's answer: `{"ok":true,"ip_address":"…","last_seen":"…"}`.
///
/// Source: meeting §3.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HeartbeatReply {
    #[serde(deserialize_with = "crate::flag::deserialize")]
    ok: bool,
    /// The address that the server has noted.
    #[serde(default, deserialize_with = "loose::address")]
    pub ip_address: Option<IpAddr>,
    /// The server's time of this heartbeat.
    #[serde(default, deserialize_with = "loose::value")]
    pub last_seen: Option<UtcTimestamp>,
}

impl HeartbeatReply {
    /// The answer to a heartbeat that was noted.
    #[must_use]
    pub const fn new(ip_address: Option<IpAddr>, last_seen: UtcTimestamp) -> Self {
        Self { ok: true, ip_address, last_seen: Some(last_seen) }
    }

    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body. What cannot be read of the address and the time is `None`.
    ///
    /// # Errors
    /// [`DecodeError::Json`] when it is no such object, `Invalid` when `ok` is not true.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let reply: Self = loose::reply(body)?;
        if reply.ok { Ok(reply) } else { Err(DecodeError::Invalid { field: "ok" }) }
    }
}
