//! Requests: what a host asks of the iframe.

mod data;
mod process;
mod proof;

use serde::de::{Error, MapAccess};
use serde::{Deserialize, Serialize};

pub use data::{DecodePublicData, RetrieveData};
pub use process::{CreateProcess, NotifyUpdate, UpdateProcess, ValidateState};
pub use proof::{FileBlob, GetMerkleProof, HashValue, ValidateMerkleProof};

use crate::RequestKind;
use crate::decode::{Body, Fields, Found};
use crate::token::{AccessToken, RefreshToken, TokenPair};

/// A request, host to iframe.
///
/// Source: iframe §2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Request {
    /// One of the three that make, check and renew tokens.
    Link(LinkRequest),
    /// One of those that need a token.
    Call(AuthorizedCall),
}

/// The requests about the link itself.
///
/// Source: iframe §2.2, §2.3, §2.4.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum LinkRequest {
    /// Ask the user to link this host to the device. Source: iframe §2.2.
    RequestLink,
    /// Are these two tokens valid? Source: iframe §2.3.
    ValidateToken(TokenPair),
    /// A new access token for this refresh token. Source: iframe §2.4.
    RenewToken(RenewToken),
}

/// Payload of `RENEW_TOKEN`.
///
/// Source: iframe §2.4.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct RenewToken {
    /// The token to exchange.
    pub refresh_token: RefreshToken,
}

/// A call together with the token that allows it.
///
/// Source: iframe §1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AuthorizedCall {
    /// What is asked for.
    #[serde(flatten)]
    pub call: Call,
    /// `accessToken`, bound to the host's origin.
    #[serde(rename = "accessToken")]
    pub access_token: AccessToken,
}

/// What a linked host may ask for.
///
/// Source: iframe §2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Call {
    /// Pair the device. Source: iframe §2.5.
    CreatePairing,
    /// The id of the user's pairing. Source: iframe §2.6.
    GetPairingId,
    /// The processes in which the user takes part. Source: iframe §2.7.
    GetMyProcesses,
    /// All processes known here. Source: iframe §2.8.
    GetProcesses,
    /// The attributes of a state that the user may read. Source: iframe §2.9.
    RetrieveData(RetrieveData),
    /// What encoded public data hold. Source: iframe §2.10.
    DecodePublicData(DecodePublicData),
    /// A new process. Source: iframe §2.11.
    CreateProcess(CreateProcess),
    /// A new state of a process. Source: iframe §2.12.
    UpdateProcess(UpdateProcess),
    /// Tell the others of a state. Source: iframe §2.13.
    NotifyUpdate(NotifyUpdate),
    /// Agree to a state. Source: iframe §2.14.
    ValidateState(ValidateState),
    /// The hash of a document for a commitment. Source: iframe §2.15.
    HashValue(HashValue),
    /// The Merkle proof of an attribute. Source: iframe §2.16.
    GetMerkleProof(GetMerkleProof),
    /// Does this Merkle proof hold for this document? Source: iframe §2.17.
    ValidateMerkleProof(ValidateMerkleProof),
}

impl Request {
    /// Which one it is.
    #[must_use]
    pub const fn kind(&self) -> RequestKind {
        match self {
            Self::Link(LinkRequest::RequestLink) => RequestKind::RequestLink,
            Self::Link(LinkRequest::ValidateToken(_)) => RequestKind::ValidateToken,
            Self::Link(LinkRequest::RenewToken(_)) => RequestKind::RenewToken,
            Self::Call(authorized) => authorized.call.kind(),
        }
    }
}

impl Call {
    /// Which one it is.
    #[must_use]
    pub const fn kind(&self) -> RequestKind {
        match self {
            Self::CreatePairing => RequestKind::CreatePairing,
            Self::GetPairingId => RequestKind::GetPairingId,
            Self::GetMyProcesses => RequestKind::GetMyProcesses,
            Self::GetProcesses => RequestKind::GetProcesses,
            Self::RetrieveData(_) => RequestKind::RetrieveData,
            Self::DecodePublicData(_) => RequestKind::DecodePublicData,
            Self::CreateProcess(_) => RequestKind::CreateProcess,
            Self::UpdateProcess(_) => RequestKind::UpdateProcess,
            Self::NotifyUpdate(_) => RequestKind::NotifyUpdate,
            Self::ValidateState(_) => RequestKind::ValidateState,
            Self::HashValue(_) => RequestKind::HashValue,
            Self::GetMerkleProof(_) => RequestKind::GetMerkleProof,
            Self::ValidateMerkleProof(_) => RequestKind::ValidateMerkleProof,
        }
    }
}

impl Body for Request {
    type Kind = RequestKind;

    fn kind_of(tag: &str) -> Option<RequestKind> {
        RequestKind::from_tag(tag)
    }

    fn tag(kind: RequestKind) -> &'static str {
        kind.tag()
    }

    fn read<'de, A: MapAccess<'de>>(
        kind: RequestKind,
        map: A,
        found: &mut Found<'de>,
    ) -> Result<Self, A::Error> {
        let fields = Fields::new(map, found, kind.is_call());
        let call = match kind {
            RequestKind::RequestLink => {
                fields.none()?;
                return Ok(Self::Link(LinkRequest::RequestLink));
            }
            RequestKind::ValidateToken => {
                return fields.payload().map(LinkRequest::ValidateToken).map(Self::Link);
            }
            RequestKind::RenewToken => {
                return fields.payload().map(LinkRequest::RenewToken).map(Self::Link);
            }
            RequestKind::CreatePairing => fields.none().map(|()| Call::CreatePairing)?,
            RequestKind::GetPairingId => fields.none().map(|()| Call::GetPairingId)?,
            RequestKind::GetMyProcesses => fields.none().map(|()| Call::GetMyProcesses)?,
            RequestKind::GetProcesses => fields.none().map(|()| Call::GetProcesses)?,
            RequestKind::RetrieveData => Call::RetrieveData(fields.payload()?),
            RequestKind::DecodePublicData => Call::DecodePublicData(fields.payload()?),
            RequestKind::CreateProcess => Call::CreateProcess(fields.payload()?),
            RequestKind::UpdateProcess => Call::UpdateProcess(fields.payload()?),
            RequestKind::NotifyUpdate => Call::NotifyUpdate(fields.payload()?),
            RequestKind::ValidateState => Call::ValidateState(fields.payload()?),
            RequestKind::HashValue => Call::HashValue(fields.payload()?),
            RequestKind::GetMerkleProof => Call::GetMerkleProof(fields.payload()?),
            RequestKind::ValidateMerkleProof => Call::ValidateMerkleProof(fields.payload()?),
        };
        let access_token = found.take_access_token().ok_or_else(|| A::Error::missing_field("accessToken"))?;
        Ok(Self::Call(AuthorizedCall { call, access_token }))
    }
}
