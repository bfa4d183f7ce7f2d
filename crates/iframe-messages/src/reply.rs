//! Replies: what the iframe says to the host.

mod data;
mod link;
mod process;
mod proof;

use serde::de::MapAccess;
use serde::{Deserialize, Serialize};

pub use data::{DataRetrieved, PublicDataDecoded};
pub use link::{PairingCreated, TokenValidated, UserPairing};
pub use process::{
    CreatedProcess, MyProcesses, ProcessCreated, ProcessUpdated, ProcessesRetrieved, StateValidated,
};
pub use proof::{MerkleProofRetrieved, MerkleProofValidated, ValueHashed};

use crate::decode::{Body, Fields, Found};
use crate::token::TokenPair;
use crate::{Refusal, ReplyKind};

/// A reply, or `LISTENING`; iframe to host.
///
/// Source: iframe §2.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reply {
    /// The iframe is ready. Source: iframe §2.1.
    Listening,
    /// The user has agreed. Source: iframe §2.2.
    LinkAccepted(TokenPair),
    /// `VALIDATE_TOKEN`. Source: iframe §2.3.
    #[serde(rename = "VALIDATE_TOKEN")]
    TokenValidated(TokenValidated),
    /// `RENEW_TOKEN`. Source: iframe §2.4.
    #[serde(rename = "RENEW_TOKEN")]
    TokenRenewed(TokenPair),
    /// The device is paired. Source: iframe §2.5.
    PairingCreated(PairingCreated),
    /// `GET_PAIRING_ID`. Source: iframe §2.6.
    #[serde(rename = "GET_PAIRING_ID")]
    UserPairing(UserPairing),
    /// `GET_MY_PROCESSES`. Source: iframe §2.7.
    #[serde(rename = "GET_MY_PROCESSES")]
    MyProcesses(MyProcesses),
    /// All processes known there. Source: iframe §2.8.
    ProcessesRetrieved(ProcessesRetrieved),
    /// The attributes that the user may read. Source: iframe §2.9.
    DataRetrieved(DataRetrieved),
    /// What the data held. Source: iframe §2.10.
    PublicDataDecoded(PublicDataDecoded),
    /// The process is there. Source: iframe §2.11.
    ProcessCreated(ProcessCreated),
    /// The state is there. Source: iframe §2.12.
    ProcessUpdated(ProcessUpdated),
    /// The others are told. Source: iframe §2.13.
    UpdateNotified,
    /// The user's agreement is noted. Source: iframe §2.14.
    StateValidated(StateValidated),
    /// The hash. Source: iframe §2.15.
    ValueHashed(ValueHashed),
    /// The proof. Source: iframe §2.16.
    MerkleProofRetrieved(MerkleProofRetrieved),
    /// Whether it holds. Source: iframe §2.17.
    MerkleProofValidated(MerkleProofValidated),
    /// It did not work. Source: iframe §3.
    Error(ErrorReply),
}

/// Payload of `ERROR`.
///
/// Source: iframe §3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct ErrorReply {
    /// Why.
    pub error: Refusal,
}

impl Reply {
    /// Which one it is.
    #[must_use]
    pub const fn kind(&self) -> ReplyKind {
        match self {
            Self::Listening => ReplyKind::Listening,
            Self::LinkAccepted(_) => ReplyKind::LinkAccepted,
            Self::TokenValidated(_) => ReplyKind::TokenValidated,
            Self::TokenRenewed(_) => ReplyKind::TokenRenewed,
            Self::PairingCreated(_) => ReplyKind::PairingCreated,
            Self::UserPairing(_) => ReplyKind::UserPairing,
            Self::MyProcesses(_) => ReplyKind::MyProcesses,
            Self::ProcessesRetrieved(_) => ReplyKind::ProcessesRetrieved,
            Self::DataRetrieved(_) => ReplyKind::DataRetrieved,
            Self::PublicDataDecoded(_) => ReplyKind::PublicDataDecoded,
            Self::ProcessCreated(_) => ReplyKind::ProcessCreated,
            Self::ProcessUpdated(_) => ReplyKind::ProcessUpdated,
            Self::UpdateNotified => ReplyKind::UpdateNotified,
            Self::StateValidated(_) => ReplyKind::StateValidated,
            Self::ValueHashed(_) => ReplyKind::ValueHashed,
            Self::MerkleProofRetrieved(_) => ReplyKind::MerkleProofRetrieved,
            Self::MerkleProofValidated(_) => ReplyKind::MerkleProofValidated,
            Self::Error(_) => ReplyKind::Error,
        }
    }
}

impl From<Refusal> for Reply {
    fn from(error: Refusal) -> Self {
        Self::Error(ErrorReply { error })
    }
}

impl Body for Reply {
    type Kind = ReplyKind;

    fn kind_of(tag: &str) -> Option<ReplyKind> {
        ReplyKind::from_tag(tag)
    }

    fn tag(kind: ReplyKind) -> &'static str {
        kind.tag()
    }

    fn read<'de, A: MapAccess<'de>>(
        kind: ReplyKind,
        map: A,
        found: &mut Found<'de>,
    ) -> Result<Self, A::Error> {
        let fields = Fields::new(map, found, false);
        Ok(match kind {
            ReplyKind::Listening => fields.none().map(|()| Self::Listening)?,
            ReplyKind::LinkAccepted => Self::LinkAccepted(fields.payload()?),
            ReplyKind::TokenValidated => Self::TokenValidated(fields.payload()?),
            ReplyKind::TokenRenewed => Self::TokenRenewed(fields.payload()?),
            ReplyKind::PairingCreated => Self::PairingCreated(fields.payload()?),
            ReplyKind::UserPairing => Self::UserPairing(fields.payload()?),
            ReplyKind::MyProcesses => Self::MyProcesses(fields.payload()?),
            ReplyKind::ProcessesRetrieved => Self::ProcessesRetrieved(fields.payload()?),
            ReplyKind::DataRetrieved => Self::DataRetrieved(fields.payload()?),
            ReplyKind::PublicDataDecoded => Self::PublicDataDecoded(fields.payload()?),
            ReplyKind::ProcessCreated => Self::ProcessCreated(fields.payload()?),
            ReplyKind::ProcessUpdated => Self::ProcessUpdated(fields.payload()?),
            ReplyKind::UpdateNotified => fields.none().map(|()| Self::UpdateNotified)?,
            ReplyKind::StateValidated => Self::StateValidated(fields.payload()?),
            ReplyKind::ValueHashed => Self::ValueHashed(fields.payload()?),
            ReplyKind::MerkleProofRetrieved => Self::MerkleProofRetrieved(fields.payload()?),
            ReplyKind::MerkleProofValidated => Self::MerkleProofValidated(fields.payload()?),
            ReplyKind::Error => Self::Error(fields.payload()?),
        })
    }
}
