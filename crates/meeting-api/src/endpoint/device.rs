//! What the server knows of one device.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Method, Route};
use crate::{DecodeError, DeviceKey, MacAddress, Secret, ServiceSet, TokenCode, UtcTimestamp, loose};

/// Proxy or operator to server; strangers get the record without its secrets. Source: meeting §4.1.
pub const ROUTE: Route = Route::new(Method::Get, "/api/devices/{device_key}");

/// A device's record.
///
/// The document names the route without its shape; the fields are those seen in the field, read tolerantly
/// (`authorized` as `true` or `1`, services in three forms, numbers as texts; what cannot be read is `None`). Secrets
/// are absent for whoever may not know them; other fields without a value are written as null.
///
/// Choice: MA-19.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// The device.
    pub device_key: DeviceKey,
    /// Its name for people.
    #[serde(default, deserialize_with = "loose::string")]
    pub device_name: Option<String>,
    /// Its serial number.
    #[serde(default, deserialize_with = "loose::string")]
    pub product_serial: Option<String>,
    /// Whether the operator lets it in. Source: meeting §1.2.
    #[serde(default, deserialize_with = "crate::flag::deserialize")]
    pub authorized: bool,
    /// Its kind.
    #[serde(default, deserialize_with = "loose::string")]
    pub device_type: Option<String>,
    /// The software that it runs.
    #[serde(default, deserialize_with = "loose::string")]
    pub distribution: Option<String>,
    /// The secret of its tunnel. Source: meeting §1.3.
    #[serde(default, deserialize_with = "loose::value", skip_serializing_if = "Option::is_none")]
    pub token_code: Option<TokenCode>,
    /// How many uses it has left. Source: meeting §1.3.
    #[serde(default, deserialize_with = "loose::count")]
    pub token_count: u32,
    /// Its note.
    #[serde(default, deserialize_with = "loose::string")]
    pub note: Option<String>,
    /// The address of its last heartbeat.
    #[serde(default, deserialize_with = "loose::address")]
    pub ip_address: Option<IpAddr>,
    /// The device that it belongs to.
    #[serde(default, deserialize_with = "loose::value")]
    pub parent_device_key: Option<DeviceKey>,
    /// The bundles that it carries.
    #[serde(default, deserialize_with = "loose::strings")]
    pub bundles: Vec<String>,
    /// Where a copy of it might be found.
    #[serde(default, deserialize_with = "loose::string")]
    pub ghost_candidate_url: Option<String>,
    /// The name of its own wireless network.
    #[serde(default, deserialize_with = "loose::string")]
    pub ap_ssid: Option<String>,
    /// The password of its own wireless network.
    #[serde(
        default,
        deserialize_with = "loose::secret",
        serialize_with = "Secret::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub ap_password: Option<Secret>,
    /// A password of its web pages.
    #[serde(
        default,
        deserialize_with = "loose::secret",
        serialize_with = "Secret::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub http_pw_low: Option<Secret>,
    /// A password of its web pages.
    #[serde(
        default,
        deserialize_with = "loose::secret",
        serialize_with = "Secret::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub http_pw_medium: Option<Secret>,
    /// A password of its web pages.
    #[serde(
        default,
        deserialize_with = "loose::secret",
        serialize_with = "Secret::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub http_pw_high: Option<Secret>,
    /// The services that the operator has switched on. Source: meeting §1.5.
    #[serde(default)]
    pub services: ServiceSet,
    /// Its address on its own network. Choice: MA-20.
    #[serde(default, deserialize_with = "loose::address", skip_serializing_if = "Option::is_none")]
    pub ip_lan: Option<IpAddr>,
    /// Its public address as it sees it. Choice: MA-20.
    #[serde(default, deserialize_with = "loose::address", skip_serializing_if = "Option::is_none")]
    pub ip_public: Option<IpAddr>,
    /// Its MAC address. Choice: MA-20.
    #[serde(default, deserialize_with = "loose::value", skip_serializing_if = "Option::is_none")]
    pub mac: Option<MacAddress>,
    /// Its cluster addresses. Choice: MA-20.
    #[serde(default, deserialize_with = "loose::string", skip_serializing_if = "Option::is_none")]
    pub cluster_ip: Option<String>,
    /// The server's time of its last heartbeat. Choice: MA-20.
    #[serde(default, deserialize_with = "loose::value", skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<UtcTimestamp>,
    /// Whether that heartbeat is recent, by the server's clock; `None` from a server that does not say.
    /// Choice: MA-20.
    #[serde(default, deserialize_with = "online", skip_serializing_if = "Option::is_none")]
    pub online: Option<bool>,
    /// When it was registered. Choice: MA-20.
    #[serde(default, deserialize_with = "loose::value", skip_serializing_if = "Option::is_none")]
    pub registered_at: Option<UtcTimestamp>,
}

fn online<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    let value = loose::Loose::deserialize(deserializer)?;
    Ok(if value == loose::Loose::Null { None } else { value.flag() })
}

impl DeviceRecord {
    /// A record of which only the key is known; not authorised.
    #[must_use]
    pub fn new(device_key: DeviceKey) -> Self {
        Self {
            device_key,
            device_name: None,
            product_serial: None,
            authorized: false,
            device_type: None,
            distribution: None,
            token_code: None,
            token_count: 0,
            note: None,
            ip_address: None,
            parent_device_key: None,
            bundles: Vec::new(),
            ghost_candidate_url: None,
            ap_ssid: None,
            ap_password: None,
            http_pw_low: None,
            http_pw_medium: None,
            http_pw_high: None,
            services: ServiceSet::default(),
            ip_lan: None,
            ip_public: None,
            mac: None,
            cluster_ip: None,
            last_seen: None,
            online: None,
            registered_at: None,
        }
    }

    /// The record as a stranger may see it: without its secrets.
    #[must_use]
    pub fn without_secrets(mut self) -> Self {
        self.token_code = None;
        self.ap_password = None;
        self.http_pw_low = None;
        self.http_pw_medium = None;
        self.http_pw_high = None;
        self
    }

    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError::Json`] when it is no object, has no valid `device_key`, or `authorized` or `services` are
    /// in no known form.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        loose::reply(body)
    }
}
