//! The forms of what the document names without defining it.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hash::Digest;
use crate::{PairingId, Record, StateId};

/// `Process`: its states, the committed ones first and in their order, then those that wait for agreement.
///
/// Source: iframe §2.8. Choice: IF-62.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Process {
    /// The states.
    pub states: Vec<ProcessState>,
}

/// `ProcessState`: attributes and what governs them. The private attributes themselves are not in it.
///
/// Source: iframe §2.16. Choice: IF-62.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct ProcessState {
    /// The root of the state's Merkle tree.
    pub state_id: StateId,
    /// The committed state from which it began; null for the first.
    pub previous_state_id: Option<StateId>,
    /// The commitment: random, so that equal values in two states have different hashes. The document's spelling.
    pub commited_in: Digest,
    /// The public attributes.
    pub public_data: Record,
    /// The names of the private ones.
    pub private_fields: Vec<String>,
    /// The hash of each attribute, public or private.
    pub commitments: BTreeMap<String, Digest>,
    /// Who may do what.
    pub roles: Roles,
    /// Who has agreed.
    pub validations: Vec<PairingId>,
    /// Whether that is enough.
    pub is_committed: bool,
}

/// Name of a role → what it may do.
pub type Roles = BTreeMap<String, RoleDefinition>;

/// `RoleDefinition`: a group of people and what they may do. Whoever is in any role may make a new state.
///
/// Source: iframe §2.11. Choice: IF-62.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct RoleDefinition {
    /// Who is in it, by pairing.
    pub members: Vec<PairingId>,
    /// The private attributes that they may read.
    #[serde(default)]
    #[cfg_attr(feature = "schema", ts(as = "Option<Vec<String>>", optional))]
    pub reads: Vec<String>,
    /// Whether their agreement is needed for a state to be committed.
    #[serde(default)]
    #[cfg_attr(feature = "schema", ts(as = "Option<bool>", optional))]
    pub validates: bool,
    /// Of how many of them: 1 unless told otherwise.
    #[serde(default = "one")]
    #[cfg_attr(feature = "schema", ts(as = "Option<u32>", optional))]
    pub quorum: u32,
}

const fn one() -> u32 {
    1
}

/// `MerkleProofResult`: that an attribute belongs to a state.
///
/// Source: iframe §2.16. Choice: IF-61.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[serde(rename_all = "camelCase")]
pub struct MerkleProof {
    /// The state: the root of its tree.
    pub root: StateId,
    /// The attribute.
    pub attribute_name: String,
    /// The commitment that the attribute's hash is for.
    pub commited_in: Digest,
    /// Which leaf it is.
    pub index: u64,
    /// How many there are.
    pub leaf_count: u64,
    /// The hashes beside the way to the root, from the leaf on.
    pub siblings: Vec<Digest>,
}

/// Reads a record as one of these.
pub(super) fn from_record<T: DeserializeOwned>(record: Record) -> Option<T> {
    serde_json::from_value(Value::Object(record.into_map())).ok()
}

/// Writes one of these as a record.
pub(super) fn to_record<T: Serialize>(shape: &T) -> Record {
    // Names of attributes and values have passed the same checks before.
    match serde_json::to_value(shape) {
        Ok(Value::Object(map)) => Record::new(map).unwrap_or_default(),
        _ => Record::default(),
    }
}
