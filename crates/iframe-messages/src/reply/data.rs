//! Replies with data.

use serde::{Deserialize, Serialize};

use crate::{Json, Record};

/// Payload of `DATA_RETRIEVED`.
///
/// Source: iframe §2.9.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct DataRetrieved {
    /// Attribute → value.
    pub data: Record,
}

/// Payload of `PUBLIC_DATA_DECODED`.
///
/// Source: iframe §2.10.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct PublicDataDecoded {
    /// What the bytes held.
    pub decoded_data: Json,
}
