//! Is this a Meeting server?

use serde::{Deserialize, Serialize};

use super::{Method, Route};
use crate::{DecodeError, loose};

/// Anybody to server. Choice: MA-30.
pub const ROUTE: Route = Route::new(Method::Get, "/api");

/// The OpenAPI document of this API. Choice: MA-64.
pub const OPENAPI: Route = Route::new(Method::Get, "/api/openapi.json");

/// `{"status":"Meeting API ready","version":"3.3.1"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiStatus {
    /// Words for people; a Meeting server's begin with "Meeting API".
    pub status: String,
    /// The version of the server's software.
    #[serde(default)]
    pub version: String,
}

impl ApiStatus {
    /// The status of a server that is ready.
    #[must_use]
    pub fn ready(version: impl Into<String>) -> Self {
        Self { status: "Meeting API ready".to_owned(), version: version.into() }
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
