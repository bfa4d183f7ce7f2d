//! Replies about processes.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{ProcessId, Record};

/// Payload of `GET_MY_PROCESSES` as a reply.
///
/// Source: iframe §2.7.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct MyProcesses {
    /// The processes; null where there are none yet. It must be there, be it null.
    #[serde(deserialize_with = "present")]
    #[cfg_attr(feature = "schema", schemars(schema_with = "crate::schema::list_or_null"))]
    pub my_processes: Option<Vec<ProcessId>>,
}

/// An option that is written as null and not left out.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// Payload of `PROCESSES_RETRIEVED`.
///
/// Source: iframe §2.8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct ProcessesRetrieved {
    /// Id of a process → `Process`. Choice: IF-7.
    pub processes: Record,
}

/// Payload of `PROCESS_CREATED`.
///
/// Source: iframe §2.11.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ProcessCreated {
    /// The process that was created.
    pub process_created: CreatedProcess,
}

/// A process as its creation returns it.
///
/// Source: iframe §2.11.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct CreatedProcess {
    /// Its id.
    pub process_id: ProcessId,
    /// `Process`. Choice: IF-7.
    pub process: Record,
    /// The attributes as they were given.
    pub process_data: Record,
}

/// Payload of `PROCESS_UPDATED`.
///
/// Source: iframe §2.12.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ProcessUpdated {
    /// `Process` with the new state. Choice: IF-7.
    pub updated_process: Record,
}

/// Payload of `STATE_VALIDATED`.
///
/// Source: iframe §2.14.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct StateValidated {
    /// `Process` with the user's agreement. Choice: IF-7.
    pub validated_process: Record,
}
