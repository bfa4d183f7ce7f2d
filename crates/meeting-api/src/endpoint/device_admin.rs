//! What an operator changes about a device. Each answer is [`Success`](super::Success).

use serde::{Deserialize, Serialize};

use super::{Method, Route};
use crate::loose::{self, Loose};
use crate::{DecodeError, Note, Secret, ServiceSet, TokenCode};

/// `{"authorized":0|1}`. Source: meeting §1.2. Choice: MA-28.
pub const AUTHORIZE: Route = Route::new(Method::Put, "/api/devices/{device_key}/authorize");
/// `{"token_count":n}`. Source: meeting §1.3. Choice: MA-28.
pub const TOKENS: Route = Route::new(Method::Put, "/api/devices/{device_key}/tokens");
/// `{"token_code":"…"}`. Source: meeting §1.3. Choice: MA-28.
pub const TOKEN_CODE: Route = Route::new(Method::Put, "/api/devices/{device_key}/token-code");
/// `{"note":"…"}`; an empty or null note removes it. Choice: MA-28.
pub const NOTE: Route = Route::new(Method::Put, "/api/devices/{device_key}/note");
/// `{"services":[…]}`. Source: meeting §1.5. Choice: MA-28.
pub const SERVICES: Route = Route::new(Method::Put, "/api/devices/{device_key}");
/// Removes the device and everything of it. Choice: MA-28.
pub const DELETE: Route = Route::new(Method::Delete, "/api/devices/{device_key}");
/// Issues a bearer secret for the device's API calls; the answer shows it once, an older one counts no more.
/// Choice: MA-27.
pub const ISSUE_SECRET: Route = Route::new(Method::Post, "/api/devices/{device_key}/secret");
/// Withdraws the bearer secret. Choice: MA-27.
pub const REVOKE_SECRET: Route = Route::new(Method::Delete, "/api/devices/{device_key}/secret");

/// Lets a device in, or out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Authorize {
    /// Whether it is let in. Written as 0 or 1, the form of this request's samples.
    #[serde(serialize_with = "crate::flag::serialize_as_number")]
    pub authorized: bool,
}

impl Authorize {
    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError::Missing`] or [`DecodeError::Invalid`] for `authorized`, [`DecodeError::Json`] for no object.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow, default)]
            authorized: Loose<'a>,
        }
        let fields: Fields<'_> = loose::request(body)?;
        if fields.authorized == Loose::Null {
            return Err(DecodeError::Missing { field: "authorized" });
        }
        let authorized = fields.authorized.flag().ok_or(DecodeError::Invalid { field: "authorized" })?;
        Ok(Self { authorized })
    }
}

/// Sets how many uses a device has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SetTokens {
    /// The new count, 0 to 4,294,967,295.
    pub token_count: u32,
}

impl SetTokens {
    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError::Missing`] or [`DecodeError::Invalid`] for `token_count`, [`DecodeError::Json`] for no object.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow, default)]
            token_count: Loose<'a>,
        }
        let fields: Fields<'_> = loose::request(body)?;
        if fields.token_count == Loose::Null {
            return Err(DecodeError::Missing { field: "token_count" });
        }
        let count = fields.token_count.integer().and_then(|count| u32::try_from(count).ok());
        Ok(Self { token_count: count.ok_or(DecodeError::Invalid { field: "token_count" })? })
    }
}

/// Sets the secret of a device's tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetTokenCode {
    /// The new code; the server makes one up when it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_code: Option<TokenCode>,
}

impl SetTokenCode {
    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] for `token_code`, [`DecodeError::Json`] for no object.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow, default)]
            token_code: Loose<'a>,
        }
        let fields: Fields<'_> = loose::request(body)?;
        Ok(Self { token_code: fields.token_code.converted("token_code")? })
    }
}

/// The answer of [`TOKEN_CODE`]: success and the code in force, which the operator needs when the server made it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCodeReply {
    #[serde(deserialize_with = "crate::flag::deserialize")]
    success: bool,
    /// The code in force, where the server says it.
    #[serde(default, deserialize_with = "loose::value", skip_serializing_if = "Option::is_none")]
    pub token_code: Option<TokenCode>,
}

impl TokenCodeReply {
    /// Done; this code is in force.
    #[must_use]
    pub const fn new(token_code: TokenCode) -> Self {
        Self { success: true, token_code: Some(token_code) }
    }

    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError::Json`] when it is no such object, `Invalid` when `success` is not true.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let reply: Self = loose::reply(body)?;
        if reply.success { Ok(reply) } else { Err(DecodeError::Invalid { field: "success" }) }
    }
}

/// Sets or removes a device's note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetNote {
    /// The note; `None` removes it.
    pub note: Option<Note>,
}

impl SetNote {
    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError::Invalid`] for `note`, [`DecodeError::Json`] for no object.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Fields<'a> {
            #[serde(borrow, default)]
            note: Loose<'a>,
        }
        let fields: Fields<'_> = loose::request(body)?;
        Ok(Self { note: fields.note.converted("note")? })
    }
}

/// Switches services on and off: those named are on, all others off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SetServices {
    /// The services that are on.
    pub services: ServiceSet,
}

impl SetServices {
    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body, in any of the three forms of [`ServiceSet`].
    ///
    /// # Errors
    /// [`DecodeError::Missing`] or [`DecodeError::Invalid`] for `services`, [`DecodeError::Json`] for no object.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize)]
        struct Fields {
            services: Option<serde_json::Value>,
        }
        let fields: Fields = loose::request(body)?;
        let value = fields.services.ok_or(DecodeError::Missing { field: "services" })?;
        let services = ServiceSet::from_value(&value).ok_or(DecodeError::Invalid { field: "services" })?;
        Ok(Self { services })
    }
}

/// The answer of [`ISSUE_SECRET`]: `{"secret":"…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IssuedSecret {
    /// The secret, which the server keeps only as a digest.
    pub secret: Secret,
}

impl IssuedSecret {
    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            secret: &'a str,
        }
        loose::encode(&Body { secret: self.secret.expose() })
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError::Json`] when it is no such object.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        loose::reply(body)
    }
}
