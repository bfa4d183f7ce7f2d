//! The bearer secrets of operators and proxies. Not in the document.

use serde::{Deserialize, Serialize};

use super::{Method, Route};
use crate::loose::{self, Loose};
use crate::{DecodeError, Secret, UtcTimestamp};

/// Lists the secrets, without the secrets. Choice: MA-62.
pub const LIST: Route = Route::new(Method::Get, "/api/tokens");
/// Makes one; the answer shows it once. Choice: MA-62.
pub const CREATE: Route = Route::new(Method::Post, "/api/tokens");
/// Withdraws one. Choice: MA-62.
pub const REVOKE: Route = Route::new(Method::Delete, "/api/tokens/{id}");

/// Whom a secret speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenRole {
    /// Whoever runs the service.
    Operator,
    /// The public edge of the tunnels.
    Proxy,
}

impl TokenRole {
    /// The role as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Proxy => "proxy",
        }
    }

    /// The role of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Operator, Self::Proxy].into_iter().find(|role| role.as_str() == name)
    }
}

/// Asks for a new secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreateToken {
    /// Whom it will speak for.
    pub role: TokenRole,
    /// A name for people, up to 100 characters.
    pub name: String,
}

impl CreateToken {
    /// Longest name, in characters.
    pub const MAX_NAME_CHARS: usize = 100;

    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        loose::encode(self)
    }

    /// Reads a body. An absent name is the role's.
    ///
    /// # Errors
    /// [`DecodeError::Json`] when it is no object, `Missing` or `Invalid` with the field.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Fields<'a> {
            #[serde(borrow)]
            role: Loose<'a>,
            #[serde(borrow)]
            name: Loose<'a>,
        }
        let fields: Fields<'_> = loose::request(body)?;
        let role = fields.role.text("role")?.ok_or(DecodeError::Missing { field: "role" })?;
        let role = TokenRole::from_name(&role).ok_or(DecodeError::Invalid { field: "role" })?;
        let name = fields.name.text("name")?.map_or_else(|| role.as_str().to_owned(), Into::into);
        if name.chars().nth(Self::MAX_NAME_CHARS).is_some() || name.contains(char::is_control) {
            return Err(DecodeError::Invalid { field: "name" });
        }
        Ok(Self { role, name })
    }
}

/// `{"id":"…","token":"…"}`: the only time that the secret is shown.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct IssuedToken {
    /// Its public name.
    pub id: String,
    /// The secret, to be sent as `Authorization: Bearer`.
    pub token: Secret,
}

impl IssuedToken {
    /// The JSON body.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            id: &'a str,
            token: &'a str,
        }
        loose::encode(&Body { id: &self.id, token: self.token.expose() })
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`DecodeError::Json`] when it is no such object.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        loose::reply(body)
    }
}

/// What is shown of a secret later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// Its public name.
    pub id: String,
    /// Whom it speaks for.
    pub role: TokenRole,
    /// Its name for people.
    pub name: String,
    /// When it was made.
    pub created_at: UtcTimestamp,
    /// When it was withdrawn; null while it counts.
    #[serde(default)]
    pub revoked_at: Option<UtcTimestamp>,
}

/// `{"tokens":[…]}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TokenList {
    /// The secrets, oldest first, those withdrawn among them.
    pub tokens: Vec<TokenRecord>,
}

impl TokenList {
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
