//! Permission words and the two meanings that their bits have had.

use serde::{Deserialize, Serialize};

/// A permission word: `permission` of a room, `privilege` of a member. The bits mean what the [`Scheme`] says.
///
/// Source: rooms §2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Permission(pub u8);

/// Which meaning the bits of a [`Permission`] have.
///
/// Choice: RS-2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// 2 reads, 4 writes, 8 modifies: what the document's 7, 31 and 63 fit.
    #[default]
    Legacy,
    /// 2 reads, 4 chats, 8 writes and modifies.
    V2,
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// See and join.
    Read,
    /// Add.
    Write,
    /// Change and delete.
    Modify,
    /// Administer.
    Admin,
    /// Own.
    Own,
}

impl Permission {
    /// Whether the word allows `need`.
    #[must_use]
    pub fn allows(self, need: Need, scheme: Scheme) -> bool {
        let bit = match (need, scheme) {
            (Need::Read, _) => 2,
            (Need::Write, Scheme::Legacy) => 4,
            (Need::Write, Scheme::V2) | (Need::Modify, _) => 8,
            (Need::Admin, _) => 16,
            (Need::Own, _) => 32,
        };
        self.0 & bit != 0
    }
}
