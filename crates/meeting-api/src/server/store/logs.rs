//! The log of each device: what changed, when, from where.

use std::future::Future;

use super::StoreError;
use crate::{DeviceKey, UtcTimestamp};

/// A line of a device's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// When it happened.
    pub at: UtcTimestamp,
    /// What happened.
    pub event: String,
    /// The receiver or proxy that saw it.
    pub host: Option<String>,
    /// The peer's address.
    pub remote: Option<String>,
}

/// The role that keeps the logs. They are bounded: the oldest lines go first.
pub trait Logs {
    /// Writes a line; `false` when the device is unknown.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn append_log(
        &self,
        key: &DeviceKey,
        entry: LogRecord,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Reads a device's log, the newest line first; empty when the device is unknown.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn device_log(
        &self,
        key: &DeviceKey,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<LogRecord>, StoreError>> + Send;

    /// Empties a device's log; how many lines went.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn purge_log(&self, key: &DeviceKey) -> impl Future<Output = Result<u64, StoreError>> + Send;
}
