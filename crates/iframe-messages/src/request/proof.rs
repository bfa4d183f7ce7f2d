//! Requests for hashes and proofs.

use serde::{Deserialize, Serialize};

use crate::{Bytes, Record};

/// Payload of `HASH_VALUE`.
///
/// Source: iframe §2.15.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct HashValue {
    /// The commitment; the document's spelling is the wire's.
    pub commited_in: String,
    /// The attribute's name.
    pub label: String,
    /// The document.
    pub file_blob: FileBlob,
}

/// A document with its kind.
///
/// Source: iframe §2.15.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct FileBlob {
    /// Its media type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its content.
    pub data: Bytes,
}

/// Payload of `GET_MERKLE_PROOF`.
///
/// Source: iframe §2.16.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct GetMerkleProof {
    /// `ProcessState`. Choice: IF-7.
    pub process_state: Record,
    /// The attribute to prove.
    pub attribute_name: String,
}

/// Payload of `VALIDATE_MERKLE_PROOF`.
///
/// Source: iframe §2.17.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ValidateMerkleProof {
    /// A `MerkleProofResult` as a JSON text.
    pub merkle_proof: String,
    /// The hash of the document, from `HASH_VALUE`.
    pub document_hash: String,
}
