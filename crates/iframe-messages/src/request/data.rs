//! Requests for data.

use serde::{Deserialize, Serialize};

use crate::{Bytes, ProcessId, StateId};

/// Payload of `RETRIEVE_DATA`.
///
/// Source: iframe §2.9.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct RetrieveData {
    /// The process.
    pub process_id: ProcessId,
    /// Its state.
    pub state_id: StateId,
}

/// Payload of `DECODE_PUBLIC_DATA`.
///
/// Source: iframe §2.10.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct DecodePublicData {
    /// `number[]`; the other forms of bytes are read too.
    #[serde(serialize_with = "Bytes::serialize_as_numbers")]
    #[cfg_attr(feature = "schema", schemars(with = "Bytes"))]
    pub encoded_data: Bytes,
}
