//! The messages for other languages: JSON Schema and TypeScript, made from the types.
//!
//! What these functions give is kept in the tree, in `schema/` and `npm/types/`, and a test holds the files against them:
//!
//! ```sh
//! cargo test -p iframe-messages --all-features --test schema                    # are they fresh?
//! WRITE_SCHEMA=1 cargo test -p iframe-messages --all-features --test schema     # write them
//! ```
//!
//! Both describe what a peer may send. What they cannot say is checked when a message is read: sizes, depth, and keys that no record may have.
//!
//! Source: iframe §2. Choice: IF-65.

mod text;
mod typescript;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};

pub use typescript::typescript;

use crate::{HostMessage, IframeMessage};

/// The JSON Schema (2020-12) of what a host sends.
#[must_use]
pub fn host_message() -> Schema {
    root::<HostMessage>("HostMessage", "What a host page sends to the iframe.")
}

/// The JSON Schema (2020-12) of what an iframe sends.
#[must_use]
pub fn iframe_message() -> Schema {
    root::<IframeMessage>("IframeMessage", "What the iframe sends to its host page.")
}

/// The JSON Schema (2020-12) of the embedded wallet's `Process`, with `ProcessState` and `RoleDefinition` among its definitions.
#[cfg(feature = "wallet")]
#[must_use]
pub fn process() -> Schema {
    root::<crate::wallet::Process>("Process", "A process of the embedded wallet.")
}

/// The JSON Schema (2020-12) of the embedded wallet's `MerkleProofResult`.
#[cfg(feature = "wallet")]
#[must_use]
pub fn merkle_proof() -> Schema {
    root::<crate::wallet::MerkleProof>("MerkleProof", "A proof of the embedded wallet.")
}

fn root<T: JsonSchema>(title: &str, description: &str) -> Schema {
    let mut schema = SchemaGenerator::new(SchemaSettings::draft2020_12()).into_root_schema_for::<T>();
    schema.insert("title".to_owned(), title.into());
    schema.insert("description".to_owned(), description.into());
    schema
}

/// `string[] | null`, and there.
pub(crate) fn list_or_null(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Option<Vec<crate::ProcessId>>>()
}
