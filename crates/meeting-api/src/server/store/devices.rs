//! Devices and their presence.

use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use super::StoreError;
use crate::{DeviceKey, MacAddress, ServiceName, TokenCode, UtcTimestamp};

/// One heartbeat, as it is to be stored. An absent field keeps what is known.
///
/// Source: meeting §3.1. Choice: MA-50.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// The device that reports.
    pub device_key: DeviceKey,
    /// When the heartbeat came in.
    pub at: UtcTimestamp,
    /// How long a heartbeat keeps a device online; decides whether this one is a return.
    pub online_window: Duration,
    /// The main address: the device's own word, else the peer's address.
    pub ip_address: Option<IpAddr>,
    /// The address on the device's own network.
    pub ip_lan: Option<IpAddr>,
    /// The public address the device found for itself.
    pub ip_public: Option<IpAddr>,
    /// The device's hardware address.
    pub mac: Option<MacAddress>,
    /// Addresses in the device's cluster, as it wrote them.
    pub cluster_ip: Option<String>,
    /// A short status.
    pub note: Option<String>,
    /// The peer the heartbeat came from, for the log of state changes.
    pub remote: Option<IpAddr>,
}

/// What a stored heartbeat left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beaten {
    /// The main address now on record.
    pub ip_address: Option<IpAddr>,
    /// Whether the device was away before this heartbeat.
    pub returned: bool,
}

/// All that is stored about one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRecord {
    /// The device's name in every route.
    pub device_key: DeviceKey,
    /// A name for people.
    pub device_name: Option<String>,
    /// The serial number on the product.
    pub product_serial: Option<String>,
    /// The kind of device.
    pub device_type: Option<String>,
    /// The software distribution it runs.
    pub distribution: Option<String>,
    /// Whether the operator lets this device do more than report.
    pub authorized: bool,
    /// The secret that the proxy compares in the tunnel's handshake.
    pub token_code: Option<TokenCode>,
    /// The gate for tunnels: at least one is needed.
    pub token_count: u32,
    /// A short status or remark, up to 2,000 characters.
    pub note: Option<String>,
    /// The services which the operator switched on.
    pub services: Vec<ServiceName>,
    /// When the device was entered.
    pub registered_at: UtcTimestamp,
    /// The last heartbeat.
    pub last_seen: Option<UtcTimestamp>,
    /// When the device came online or went away, as far as it was noticed.
    pub since: Option<UtcTimestamp>,
    /// The main address.
    pub ip_address: Option<IpAddr>,
    /// The address on the device's own network.
    pub ip_lan: Option<IpAddr>,
    /// The public address the device found for itself.
    pub ip_public: Option<IpAddr>,
    /// The device's hardware address.
    pub mac: Option<MacAddress>,
    /// Addresses in the device's cluster.
    pub cluster_ip: Option<String>,
}

/// A device to be entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDevice {
    /// The key it will be known by.
    pub device_key: DeviceKey,
    /// A name for people.
    pub device_name: Option<String>,
    /// The serial number on the product.
    pub product_serial: Option<String>,
    /// The kind of device.
    pub device_type: Option<String>,
    /// The software distribution it runs.
    pub distribution: Option<String>,
    /// Whether it may do more than report, from the start.
    pub authorized: bool,
    /// The secret for the tunnel's handshake.
    pub token_code: Option<TokenCode>,
    /// The gate for tunnels.
    pub token_count: u32,
    /// A remark.
    pub note: Option<String>,
    /// The services which are switched on.
    pub services: Vec<ServiceName>,
    /// When it is entered.
    pub registered_at: UtcTimestamp,
}

/// One change that an operator makes to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceChange {
    /// Lets the device do more than report, or no longer.
    Authorized(bool),
    /// Sets the gate for tunnels.
    TokenCount(u32),
    /// Replaces the secret of the tunnel's handshake.
    TokenCode(TokenCode),
    /// Replaces the remark; empty removes it.
    Note(String),
    /// Replaces the services that are switched on.
    Services(Vec<ServiceName>),
    /// Replaces the name for people; empty removes it.
    Name(String),
}

/// Which part of the listing of devices is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageRequest {
    /// At most so many devices.
    pub limit: u32,
    /// Skip so many devices, in the order of their keys.
    pub offset: u32,
    /// Only devices whose key begins with this text.
    pub prefix: String,
}

/// A part of the listing of devices, in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevicePage {
    /// The devices of this part.
    pub devices: Vec<DeviceRecord>,
    /// How many devices there are with that prefix.
    pub total: u64,
}

/// The role that keeps devices.
pub trait Devices {
    /// Stores a heartbeat; `None` when the device is unknown.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn beat(&self, beat: Beat) -> impl Future<Output = Result<Option<Beaten>, StoreError>> + Send;

    /// Reads one device; `None` when it is unknown.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn device(
        &self,
        key: &DeviceKey,
    ) -> impl Future<Output = Result<Option<DeviceRecord>, StoreError>> + Send;

    /// Reads a part of the listing.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn devices(&self, page: PageRequest) -> impl Future<Output = Result<DevicePage, StoreError>> + Send;

    /// Enters a device; `false` when the key is taken.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn create_device(&self, device: NewDevice) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Changes one thing about a device; `false` when it is unknown.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn change_device(
        &self,
        key: &DeviceKey,
        change: DeviceChange,
        at: UtcTimestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Removes a device with its key, tunnels, secrets and log; `false` when it is unknown.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn remove_device(&self, key: &DeviceKey) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Notices devices whose last heartbeat is older than the window, writes that into their logs and names them.
    /// Each departure is noticed once, by one of the receivers that share the database.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn notice_departures(
        &self,
        now: UtcTimestamp,
        online_window: Duration,
    ) -> impl Future<Output = Result<Vec<DeviceKey>, StoreError>> + Send;
}
