//! Replies with hashes and proofs.

use serde::{Deserialize, Serialize};

use crate::Record;

/// Payload of `VALUE_HASHED`.
///
/// Source: iframe §2.15.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct ValueHashed {
    /// The hash.
    pub hash: String,
}

/// Payload of `MERKLE_PROOF_RETRIEVED`.
///
/// Source: iframe §2.16.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct MerkleProofRetrieved {
    /// `MerkleProofResult`. Choice: IF-7.
    pub proof: Record,
}

/// Payload of `MERKLE_PROOF_VALIDATED`.
///
/// Source: iframe §2.17.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct MerkleProofValidated {
    /// Whether the proof holds.
    pub is_valid: bool,
}
