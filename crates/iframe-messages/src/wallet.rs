//! A wallet to embed: all roles of a back end, without a back end of anybody's.
//!
//! A host can be developed and tested against it, and an application can ship it. It keeps everything in memory and gives it away sealed:
//! [`Wallet::save`] and [`Wallet::open`] are for the caller's storage.
//!
//! * A process is a chain of states, each the root of a Merkle tree over its attributes and over what governs it. A new state begins from the last
//!   committed one, and is committed when those agree who may, by the roles *before* it.
//! * Private attributes are sealed one by one with XChaCha20-Poly1305; roles say who may read which.
//! * [`MerkleProof`] shows that an attribute belongs to a state, and nothing of the other attributes.
//!
//! What the document names without defining it is defined here, as choices: another back end may have other forms.
//!
//! Source: iframe §2.5 to §2.17. Choice: IF-7, IF-60.

mod authority;
mod backend;
mod build;
mod hash;
mod process;
mod seal;
mod shape;
mod tree;
mod value;

pub use backend::{Notice, Wallet};
pub use hash::Digest;
pub use seal::{NotOpened, WalletKey};
pub use shape::{MerkleProof, Process, ProcessState, RoleDefinition, Roles};
pub use tree::Tree;
pub use value::document_hash;
