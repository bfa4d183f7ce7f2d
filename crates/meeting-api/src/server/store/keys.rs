//! Published SSH keys of devices, and their approval.

use std::future::Future;

use super::StoreError;
use crate::{DeviceKey, UtcTimestamp};

/// Whether a published key counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyStatus {
    /// The key is in force.
    Authorized,
    /// The key was withdrawn; it is kept, and counts for nothing.
    Revoked,
}

/// The key on record for a device, and the one that waits to replace it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    /// Whose key it is.
    pub device_key: DeviceKey,
    /// Whether the operator lets that device do more than report.
    pub device_authorized: bool,
    /// The user name at which the key is of use; `None` means any.
    pub ssh_user: Option<String>,
    /// The key, one line in OpenSSH's form, written back from the parsed key.
    pub pubkey: String,
    /// `SHA256:…` of the key.
    pub fingerprint: String,
    /// Whether it counts.
    pub status: KeyStatus,
    /// When the first key of this device was published.
    pub added: UtcTimestamp,
    /// When the key or its status changed last.
    pub modified: UtcTimestamp,
    /// The key that waits for the operator's word.
    pub pending: Option<PublishedKey>,
}

/// A key as it was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedKey {
    /// One line in OpenSSH's form, written back from the parsed key.
    pub pubkey: String,
    /// `SHA256:…` of the key.
    pub fingerprint: String,
    /// When it was published.
    pub at: UtcTimestamp,
}

/// What a publication by a device led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publication {
    /// The device is unknown.
    UnknownDevice,
    /// The first key of the device: in force at once.
    First,
    /// The key was in force before: nothing changed.
    Same,
    /// A changed or withdrawn key: it waits for the operator.
    Pending,
}

/// A key that an operator sets, without waiting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorKey {
    /// The new key; `None` keeps the one on record.
    pub key: Option<PublishedKey>,
    /// The user name at which the key is of use; `None` keeps what is on record.
    pub ssh_user: Option<String>,
    /// Whether the key counts; `None` keeps what is on record (a new key counts).
    pub status: Option<KeyStatus>,
    /// When the operator did it.
    pub at: UtcTimestamp,
}

/// The operator's word about a waiting key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The waiting key replaces the one in force.
    Approve,
    /// The waiting key is forgotten.
    Reject,
}

/// The role that keeps published keys.
pub trait Keys {
    /// Reads the key of a device, in force or withdrawn.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn ssh_key(&self, key: &DeviceKey) -> impl Future<Output = Result<Option<KeyRecord>, StoreError>> + Send;

    /// Stores a key which a device publishes. Two publications at once leave one in force and the other waiting.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn publish_key(
        &self,
        key: &DeviceKey,
        published: PublishedKey,
    ) -> impl Future<Output = Result<Publication, StoreError>> + Send;

    /// Stores what an operator sets; `false` when the device is unknown or there is no key to change.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn set_key(
        &self,
        key: &DeviceKey,
        set: OperatorKey,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Approves or rejects the waiting key; `false` when none waits, or when the one that waits is not `fingerprint`.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn decide_key(
        &self,
        key: &DeviceKey,
        decision: Decision,
        fingerprint: Option<String>,
        at: UtcTimestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Withdraws the key of a device and forgets the waiting one; `false` when there is none.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn revoke_key(
        &self,
        key: &DeviceKey,
        at: UtcTimestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Lists the keys of all devices in the order of their device keys; with `pending_only`, those that wait.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn ssh_keys(&self, pending_only: bool)
    -> impl Future<Output = Result<Vec<KeyRecord>, StoreError>> + Send;

    /// Finds the key in force with this fingerprint; that of `preferred` when several devices share one.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn key_by_fingerprint(
        &self,
        fingerprint: &str,
        preferred: Option<&DeviceKey>,
    ) -> impl Future<Output = Result<Option<KeyRecord>, StoreError>> + Send;
}
