//! Public ports reserved for services of devices.

use std::future::Future;
use std::ops::RangeInclusive;

use super::StoreError;
use crate::{DeviceKey, ServiceName, UtcTimestamp};

/// A public port that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// The device behind the port.
    pub device_key: DeviceKey,
    /// The service behind the port; one reservation a device and service.
    pub service: ServiceName,
    /// The device's own port.
    pub local_port: u16,
    /// The public ports to choose from.
    pub ports: RangeInclusive<u16>,
    /// When the reservation ends; `None` means never.
    pub expires_at: Option<UtcTimestamp>,
    /// Now.
    pub at: UtcTimestamp,
}

/// What a reservation led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// The device is unknown.
    UnknownDevice,
    /// Every port of the range is taken.
    Exhausted,
    /// The port is reserved. An existing reservation is returned with its expiry renewed.
    Port {
        /// The public port.
        port: u16,
        /// When the reservation ends.
        expires_at: Option<UtcTimestamp>,
        /// Whether it is new.
        fresh: bool,
    },
}

/// A public port in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TunnelRecord {
    /// The device behind the port.
    pub device_key: DeviceKey,
    /// The service behind the port.
    pub service: ServiceName,
    /// The public port.
    pub port: u16,
    /// The device's own port.
    pub local_port: u16,
    /// When the reservation ends; `None` means never.
    pub expires_at: Option<UtcTimestamp>,
}

/// The role that keeps reserved ports.
pub trait Tunnels {
    /// Lists the reservations in force, in the order of their ports: of authorised devices, and of services which the
    /// operator allows them.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn tunnels(
        &self,
        now: UtcTimestamp,
    ) -> impl Future<Output = Result<Vec<TunnelRecord>, StoreError>> + Send;

    /// Reserves a port, or renews the reservation of the same device and service. A port is never given twice, and a
    /// device gets the same one again while it is free.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn reserve(&self, reservation: Reservation) -> impl Future<Output = Result<Reserved, StoreError>> + Send;

    /// Gives a port back; `false` when none was reserved.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn release(
        &self,
        key: &DeviceKey,
        service: &ServiceName,
        at: UtcTimestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Gives all ports of a device back; how many there were.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn release_all(
        &self,
        key: &DeviceKey,
        at: UtcTimestamp,
    ) -> impl Future<Output = Result<u64, StoreError>> + Send;
}
