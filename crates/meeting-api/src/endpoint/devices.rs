//! The operator's list of devices, and new ones.

use serde::{Deserialize, Serialize};

use super::device::DeviceRecord;
use super::{Method, Route};
use crate::loose::{self, Loose};
use crate::{DecodeError, DeviceKey, Note, Secret, ServiceSet, TokenCode};

/// Operator to server: `?limit=1..100&offset&prefix`. Choice: MA-26.
pub const LIST: Route = Route::new(Method::Get, "/api/devices");
/// A key and a token_code that are free; nothing is stored. Choice: MA-26.
pub const GENERATE_KEY: Route = Route::new(Method::Get, "/api/devices/generate-key");
/// The same, and the device is registered. Choice: MA-26.
pub const GENERATE_AND_REGISTER: Route = Route::new(Method::Post, "/api/devices/generate-and-register");
/// A device with a key of the operator's choice; 409 when it exists. Choice: MA-26.
pub const MANUAL_CREATE: Route = Route::new(Method::Post, "/api/devices/manual-create");

/// The query of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    limit: u32,
    /// How many devices to leave out from the start.
    pub offset: u32,
    prefix: Option<DeviceKey>,
}

impl ListQuery {
    /// Most devices of one answer.
    pub const MAX_LIMIT: u32 = 100;
    /// Devices of one answer when the query does not say.
    pub const DEFAULT_LIMIT: u32 = 25;

    /// The query for `limit` devices (brought into 1 to 100) from `offset` on.
    #[must_use]
    pub fn new(limit: u32, offset: u32) -> Self {
        Self { limit: limit.clamp(1, Self::MAX_LIMIT), offset, prefix: None }
    }

    /// Only devices whose key begins so. (The beginning of a key is itself a valid key.)
    #[must_use]
    pub fn with_prefix(mut self, prefix: DeviceKey) -> Self {
        self.prefix = Some(prefix);
        self
    }

    /// How many devices at most, 1 to 100.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// How the keys begin.
    #[must_use]
    pub const fn prefix(&self) -> Option<&DeviceKey> {
        self.prefix.as_ref()
    }

    /// Path and query.
    #[must_use]
    pub fn path(&self) -> String {
        let Self { limit, offset, prefix } = self;
        let prefix = prefix.as_ref().map(|prefix| format!("&prefix={prefix}")).unwrap_or_default();
        format!("{}?limit={limit}&offset={offset}{prefix}", LIST.template)
    }

    /// Reads a query (the part after `?`). Unknown parameters pass; an empty one counts as absent.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] when `limit` is not 1 to 100, `offset` no number, or `prefix` cannot begin a key.
    pub fn decode(query: &str) -> Result<Self, DecodeError> {
        let mut read = Self::default();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                _ if value.is_empty() => {}
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=Self::MAX_LIMIT).contains(limit));
                    read.limit = limit.ok_or(DecodeError::Invalid { field: "limit" })?;
                }
                "offset" => {
                    read.offset = value.parse().map_err(|_| DecodeError::Invalid { field: "offset" })?;
                }
                "prefix" => {
                    let prefix = value.parse().map_err(|_| DecodeError::Invalid { field: "prefix" })?;
                    read.prefix = Some(prefix);
                }
                _ => {}
            }
        }
        Ok(read)
    }
}

impl Default for ListQuery {
    fn default() -> Self {
        Self::new(Self::DEFAULT_LIMIT, 0)
    }
}

/// `{"devices":[…],"total","limit","offset"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeviceList {
    /// The devices of this answer.
    pub devices: Vec<DeviceRecord>,
    /// How many there are in all.
    pub total: u64,
    /// The limit that was applied.
    pub limit: u32,
    /// The offset that was applied.
    pub offset: u32,
    /// How many entries could not be read and are left out.
    #[serde(skip)]
    pub unreadable: usize,
}

impl DeviceList {
    /// The answer to `query`, of `total` devices in all.
    #[must_use]
    pub fn new(devices: Vec<DeviceRecord>, total: u64, query: &ListQuery) -> Self {
        Self { devices, total, limit: query.limit, offset: query.offset, unreadable: 0 }
    }

    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError::Json`] when it is no object with a list `devices`.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Body {
            devices: Vec<serde_json::Value>,
            #[serde(default, deserialize_with = "loose::count")]
            total: u32,
            #[serde(default, deserialize_with = "loose::count")]
            limit: u32,
            #[serde(default, deserialize_with = "loose::count")]
            offset: u32,
        }
        let body: Body = loose::reply(body)?;
        let (devices, unreadable) = loose::readable(body.devices);
        Ok(Self { devices, total: body.total.into(), limit: body.limit, offset: body.offset, unreadable })
    }
}

/// The body of a creation. All fields but the key (which `generate-and-register` makes up) have defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct CreateDevice {
    /// The key; required by `manual-create`, ignored by `generate-and-register`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_key: Option<DeviceKey>,
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// The secret of its tunnel; made up when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_code: Option<TokenCode>,
    /// Uses to begin with; the server's default when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_count: Option<u32>,
    /// Whether it is let in at once; not when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorized: Option<bool>,
    /// The services that are switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub services: Option<ServiceSet>,
    /// A note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Note>,
}

impl CreateDevice {
    /// Longest `device_name`, in characters.
    pub const MAX_NAME_CHARS: usize = 255;

    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body; `devicekey` is another spelling of `device_key`.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] with the field's name, [`DecodeError::Json`] when the body is no object.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Fields<'a> {
            #[serde(borrow, alias = "devicekey")]
            device_key: Loose<'a>,
            #[serde(borrow)]
            device_name: Loose<'a>,
            #[serde(borrow)]
            token_code: Loose<'a>,
            #[serde(borrow)]
            token_count: Loose<'a>,
            #[serde(borrow)]
            authorized: Loose<'a>,
            services: Option<serde_json::Value>,
            #[serde(borrow)]
            note: Loose<'a>,
        }
        let fields: Fields<'_> = loose::request(body)?;
        let device_name = fields.device_name.text("device_name")?;
        let too_long =
            |name: &str| name.chars().nth(Self::MAX_NAME_CHARS).is_some() || name.contains(char::is_control);
        if device_name.as_deref().is_some_and(too_long) {
            return Err(DecodeError::Invalid { field: "device_name" });
        }
        let services = match &fields.services {
            None => None,
            Some(value) => {
                Some(ServiceSet::from_value(value).ok_or(DecodeError::Invalid { field: "services" })?)
            }
        };
        Ok(Self {
            device_key: fields.device_key.parsed("device_key")?,
            device_name: device_name.map(Into::into),
            token_code: fields.token_code.converted("token_code")?,
            token_count: optional(&fields.token_count, "token_count", |count| {
                count.integer().and_then(|count| u32::try_from(count).ok())
            })?,
            authorized: optional(&fields.authorized, "authorized", |flag| flag.flag())?,
            services,
            note: fields.note.converted("note")?,
        })
    }
}

fn optional<T>(
    value: &Loose<'_>,
    field: &'static str,
    read: impl Fn(&Loose<'_>) -> Option<T>,
) -> Result<Option<T>, DecodeError> {
    if *value == Loose::Null {
        return Ok(None);
    }
    read(value).map(Some).ok_or(DecodeError::Invalid { field })
}

/// The answer of the three routes that make a device: `{"devicekey":"…","token_code":"…"}`.
///
/// `device_key` is read too, for both spellings are about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NewDevice {
    /// The key.
    #[serde(rename = "devicekey", alias = "device_key")]
    pub device_key: DeviceKey,
    /// The secret of its tunnel.
    pub token_code: TokenCode,
    /// The bearer secret of its API calls, where the server issues one. Shown once. Choice: MA-27.
    #[serde(
        default,
        deserialize_with = "loose::secret",
        serialize_with = "Secret::serialize_option",
        skip_serializing_if = "Option::is_none"
    )]
    pub secret: Option<Secret>,
}

impl NewDevice {
    /// A device that has just been made, without a bearer secret.
    #[must_use]
    pub const fn new(device_key: DeviceKey, token_code: TokenCode) -> Self {
        Self { device_key, token_code, secret: None }
    }

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
