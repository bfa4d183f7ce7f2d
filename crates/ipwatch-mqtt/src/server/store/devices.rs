//! Machines, and the groups that they are in.

use std::future::Future;
use std::net::IpAddr;

use jiff::Timestamp;

use super::StoreError;
use crate::{GroupName, MacAddress};

/// What is told of a machine when it is registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDevice {
    /// Its address: the one in its topics.
    pub address: IpAddr,
    /// What people call it.
    pub name: String,
    /// Where a magic packet finds it.
    pub mac: Option<MacAddress>,
    /// The groups that it is in; one that is not there yet is made.
    pub groups: Vec<GroupName>,
    /// The broker's user that may speak for it (threat M3).
    pub user: Option<String>,
}

/// A machine as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRecord {
    /// Its number in the store; its history hangs on it.
    pub id: i64,
    /// Its address.
    pub address: IpAddr,
    /// What people call it.
    pub name: String,
    /// Where a magic packet finds it.
    pub mac: Option<MacAddress>,
    /// The groups that it is in, in their order.
    pub groups: Vec<GroupName>,
    /// The broker's user that may speak for it.
    pub user: Option<String>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// Since when it does not count any more.
    pub retired_at: Option<Timestamp>,
}

/// A group as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRecord {
    /// Its name.
    pub name: GroupName,
    /// The machines in it that are not retired, by address.
    pub devices: Vec<IpAddr>,
}

/// Machines, and the groups that they are in. They may be changed by other processes while a server runs.
pub trait Devices {
    /// Registers a machine, or changes one; whether it is new. One that was retired counts again, with its history.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn put_device(
        &self,
        device: NewDevice,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Retires a machine: it leaves its groups, and what is told of it is not taken any more. Its history and its log stay until they age
    /// out. `false` when there is none.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn retire_device(
        &self,
        address: IpAddr,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// All machines, the retired too, by address.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn devices(&self) -> impl Future<Output = Result<Vec<DeviceRecord>, StoreError>> + Send;

    /// Sets who is in a group, and makes it if it is not there. The addresses that are no machine's are given back; then nothing is done.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn put_group(
        &self,
        name: GroupName,
        devices: Vec<IpAddr>,
    ) -> impl Future<Output = Result<Vec<IpAddr>, StoreError>> + Send;

    /// Forgets a group; `false` when there is none. Its machines stay.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn delete_group(&self, name: GroupName) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// All groups, by name, the empty ones too.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn groups(&self) -> impl Future<Output = Result<Vec<GroupRecord>, StoreError>> + Send;
}
