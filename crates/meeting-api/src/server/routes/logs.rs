//! A device's log.

use crate::Refusal;
use crate::endpoint::Success;
use crate::endpoint::logs::{DeviceLog, LogEntry};
use crate::server::call::{Call, unavailable};
use crate::server::reply::Reply;
use crate::server::store::Store;

/// Most lines of one answer.
const MAX_LINES: u32 = 10_000;

/// The newest line first. Choice: MA-65.
pub(super) async fn read<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let record = call.device_record().await?;
    let lines = call.store().device_log(&record.device_key, MAX_LINES).await.map_err(unavailable)?;
    let entries = lines.into_iter().map(|line| LogEntry {
        timestamp: line.at,
        event: line.event,
        host: line.host,
        remote: line.remote,
    });
    Ok(Reply::json(DeviceLog::new(entries.collect()).encode()))
}

pub(super) async fn purge<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let record = call.device_record().await?;
    call.store().purge_log(&record.device_key).await.map_err(unavailable)?;
    Ok(Reply::json(Success::done().encode()))
}
