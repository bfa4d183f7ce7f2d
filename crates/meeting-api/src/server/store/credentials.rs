//! Bearer secrets of operators, proxies and devices, and the nonces of signatures.

use std::future::Future;

use super::StoreError;
use crate::{DeviceKey, UtcTimestamp};

/// Whom a bearer secret speaks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Role {
    /// A person or program that runs the service.
    Operator,
    /// The public edge of the tunnels.
    Proxy,
    /// One device.
    Device(DeviceKey),
}

/// A bearer secret to be stored. The secret itself is not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCredential {
    /// Its public name, part of the secret's text.
    pub id: String,
    /// Whom it speaks for.
    pub role: Role,
    /// A name for people.
    pub name: String,
    /// SHA-256 of the secret's whole text.
    pub sha256: [u8; 32],
    /// When it is created.
    pub created_at: UtcTimestamp,
}

/// A stored bearer secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialRecord {
    /// Its public name.
    pub id: String,
    /// Whom it speaks for.
    pub role: Role,
    /// A name for people.
    pub name: String,
    /// SHA-256 of the secret's whole text.
    pub sha256: [u8; 32],
    /// When it was created.
    pub created_at: UtcTimestamp,
    /// When it was withdrawn; `None` means that it counts.
    pub revoked_at: Option<UtcTimestamp>,
}

/// The role that keeps credentials.
pub trait Credentials {
    /// Stores a secret; `false` when its device is unknown or its name taken.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn create_credential(
        &self,
        credential: NewCredential,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Stores the very first operator's secret; `false` when there was one before. Of several receivers that start
    /// together on one database, one gets `true`.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn create_first_operator(
        &self,
        credential: NewCredential,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Reads the secret of this name, withdrawn or not.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn credential(
        &self,
        id: &str,
    ) -> impl Future<Output = Result<Option<CredentialRecord>, StoreError>> + Send;

    /// Lists the secrets of one device, or those of operators and proxies, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn credentials(
        &self,
        device: Option<&DeviceKey>,
    ) -> impl Future<Output = Result<Vec<CredentialRecord>, StoreError>> + Send;

    /// Withdraws a secret; `false` when there is none of that name in force.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn revoke_credential(
        &self,
        id: &str,
        at: UtcTimestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Stores a device's secret in place of all it had before; `false` when the device is unknown or the name taken.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn replace_device_credential(
        &self,
        credential: NewCredential,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Withdraws all secrets of a device; how many counted until now.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn revoke_device_credentials(
        &self,
        device: &DeviceKey,
        at: UtcTimestamp,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// Remembers a nonce until `until`; `false` when it is remembered already, by whichever receiver.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn spend_nonce(
        &self,
        nonce: String,
        until: UtcTimestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Forgets nonces and reservations whose time is over.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn forget_expired(&self, now: UtcTimestamp) -> impl Future<Output = Result<(), StoreError>> + Send;
}
