//! May this device open its tunnel?

use serde::{Deserialize, Serialize};

use super::{Method, Route};
use crate::{DecodeError, DeviceKey, Refusal, TokenCode, UtcTimestamp, loose};

/// Agent or proxy to server, before a tunnel. 403 when the device is not authorised or has no tokens. Choice: MA-23.
pub const ROUTE: Route = Route::new(Method::Post, "/api/devices/{device_key}/authorize-tunnel");

/// `{"ok":true,…}`: it may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TunnelAuthorization {
    #[serde(deserialize_with = "crate::flag::deserialize")]
    ok: bool,
    /// The device.
    pub device_key: DeviceKey,
    /// Whether the operator lets it in.
    #[serde(default, deserialize_with = "crate::flag::deserialize")]
    pub authorized: bool,
    /// The secret of its tunnel, for those who may know it.
    #[serde(default, deserialize_with = "loose::value", skip_serializing_if = "Option::is_none")]
    pub token_code: Option<TokenCode>,
    /// How many uses it has left.
    #[serde(default, deserialize_with = "loose::count")]
    pub token_count: u32,
    /// The software that it runs.
    #[serde(default, deserialize_with = "loose::string")]
    pub distribution: Option<String>,
    /// When it was registered.
    #[serde(default, deserialize_with = "loose::value")]
    pub registered_at: Option<UtcTimestamp>,
}

impl TunnelAuthorization {
    /// Permission for an authorised device; the other fields are `None`.
    #[must_use]
    pub const fn new(device_key: DeviceKey, token_count: u32) -> Self {
        Self {
            ok: true,
            device_key,
            authorized: true,
            token_code: None,
            token_count,
            distribution: None,
            registered_at: None,
        }
    }

    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError::Json`] when it is no such object, `Invalid` when `ok` is not true.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let reply: Self = loose::reply(body)?;
        if reply.ok { Ok(reply) } else { Err(DecodeError::Invalid { field: "ok" }) }
    }
}

/// This route's own form of a refusal: `{"ok":false,"error":"…"}`.
#[must_use]
pub fn encode_refusal(refusal: &Refusal) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        ok: bool,
        error: &'a str,
    }
    loose::encode(&Body { ok: false, error: &refusal.error })
}
