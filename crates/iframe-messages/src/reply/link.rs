//! Replies about link and pairing.

use serde::{Deserialize, Serialize};

use crate::PairingId;
use crate::token::{AccessToken, RefreshToken};

/// Payload of `VALIDATE_TOKEN` as a reply.
///
/// Source: iframe §2.3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct TokenValidated {
    /// Whether both are valid for this origin.
    pub is_valid: bool,
    /// The token of the request.
    pub access_token: AccessToken,
    /// The token of the request.
    pub refresh_token: RefreshToken,
}

/// Payload of `PAIRING_CREATED`.
///
/// Source: iframe §2.5.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct PairingCreated {
    /// The new pairing.
    pub pairing_id: PairingId,
}

/// Payload of `GET_PAIRING_ID` as a reply.
///
/// Source: iframe §2.6.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct UserPairing {
    /// The user's pairing.
    pub user_pairing_id: PairingId,
}
