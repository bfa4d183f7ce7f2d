//! The keys that people and programs show.

use std::fmt;
use std::future::Future;
use std::str::FromStr;

use super::StoreError;

/// What a key is good for; each includes the one before.
///
/// Choice: IM-86.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Seeing machines, their history and the log.
    Read,
    /// Switching them on and off.
    Control,
    /// Deciding which machines, groups and schedules there are.
    Administer,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Control, Self::Administer];

    /// Its name, as commands and the database write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Control => "control",
            Self::Administer => "administer",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// The text names no [`Role`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is read, control or administer")]
pub struct UnknownRole;

/// What is stored of a new key. The key itself is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Its public part, 8 hex digits.
    pub id: String,
    /// Whose it is; no two keys in force have the same name.
    pub name: String,
    /// What it is good for.
    pub role: Role,
    /// The SHA-256 of the whole key.
    pub sha256: [u8; 32],
    /// When it was made.
    pub created_at: jiff::Timestamp,
    /// When it ends; never unless given.
    pub expires_at: Option<jiff::Timestamp>,
}

/// A key as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its public part, 8 hex digits.
    pub id: String,
    /// Whose it is.
    pub name: String,
    /// What it is good for.
    pub role: Role,
    /// The SHA-256 of the whole key.
    pub sha256: [u8; 32],
    /// When it was made.
    pub created_at: jiff::Timestamp,
    /// When it ends.
    pub expires_at: Option<jiff::Timestamp>,
    /// Since when it does not count any more.
    pub revoked_at: Option<jiff::Timestamp>,
}

impl KeyRecord {
    /// Whether it counts at this time.
    #[must_use]
    pub fn is_in_force(&self, now: jiff::Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// The keys that people and programs show. They may be added and revoked by other processes while a server runs.
pub trait Keys {
    /// Adds a key; `false` when a key in force has its name, or any its id.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn add_key(&self, key: NewKey) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The key with this id.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn key(&self, id: &str) -> impl Future<Output = Result<Option<KeyRecord>, StoreError>> + Send;

    /// All keys, those that do not count any more too, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn keys(&self) -> impl Future<Output = Result<Vec<KeyRecord>, StoreError>> + Send;

    /// Revokes the key with this id or, among those not revoked, this name; `false` when there is none.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn revoke_key(
        &self,
        id_or_name: &str,
        at: jiff::Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}
