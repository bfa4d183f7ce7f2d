//! What a proxy calls, besides [`authorize_tunnel`](Client::authorize_tunnel) and [`availability`](Client::availability).

use super::device::same_device;
use super::{Client, ClientError};
use crate::DeviceKey;
use crate::endpoint::device::{self, DeviceRecord};
use crate::endpoint::tunnels::{self, TunnelList};

/// Calls of a proxy.
impl Client {
    /// The record of a device; with its secrets for a proxy or an operator. Source: meeting §4.1.
    ///
    /// # Errors
    /// See [`ClientError`]; `Protocol` when the answer is about another device.
    pub async fn device(&self, device_key: &DeviceKey) -> Result<DeviceRecord, ClientError> {
        let body = self.call(device::ROUTE.method, &device::ROUTE.path(device_key), None).await?;
        let record = DeviceRecord::decode(&body)?;
        same_device(device_key, &record.device_key)?;
        Ok(record)
    }

    /// The public ports to listen on. Source: meeting §4.3.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn tunnels(&self) -> Result<TunnelList, ClientError> {
        let body = self.call(tunnels::ROUTE.method, tunnels::ROUTE.template, None).await?;
        Ok(TunnelList::decode(&body)?)
    }
}
