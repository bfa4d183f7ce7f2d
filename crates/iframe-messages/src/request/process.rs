//! Requests about processes.

use serde::{Deserialize, Serialize};

use crate::{ProcessId, Record, StateId};

/// Payload of `CREATE_PROCESS`.
///
/// Source: iframe §2.11.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct CreateProcess {
    /// The attributes, to be split into public and private ones.
    pub process_data: Record,
    /// Which of them are private.
    pub private_fields: Vec<String>,
    /// Name of a role → `RoleDefinition`. Choice: IF-7.
    pub roles: Record,
}

/// Payload of `UPDATE_PROCESS`.
///
/// Source: iframe §2.12.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct UpdateProcess {
    /// The process.
    pub process_id: ProcessId,
    /// Attributes that change or are new.
    pub new_data: Record,
    /// Which of the new ones are private; those that exist stay what they are.
    pub private_fields: Vec<String>,
    /// New roles; null, or absent, keeps those of the last state.
    #[serde(default)]
    #[cfg_attr(feature = "schema", ts(optional = nullable))]
    pub roles: Option<Record>,
}

/// Payload of `NOTIFY_UPDATE`.
///
/// Source: iframe §2.13.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct NotifyUpdate {
    /// The process.
    pub process_id: ProcessId,
    /// The state of which the others are told.
    pub state_id: StateId,
}

/// Payload of `VALIDATE_STATE`.
///
/// Source: iframe §2.14.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ValidateState {
    /// The process.
    pub process_id: ProcessId,
    /// The state to which the user agrees.
    pub state_id: StateId,
}
