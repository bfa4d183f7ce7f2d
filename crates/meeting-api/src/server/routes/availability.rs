//! Whether a device is there.

use std::time::Duration;

use crate::endpoint::availability::{Availability, AvailabilityStatus, LastSeen};
use crate::server::call::Call;
use crate::server::reply::Reply;
use crate::server::store::Store;
use crate::{Refusal, UtcTimestamp};

pub(super) async fn availability<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let record = call.device_record().await?;
    let gone_at = |seen: UtcTimestamp, window: Duration| {
        seen.plus_seconds(i64::try_from(window.as_secs()).unwrap_or(i64::MAX))
    };
    let (status, since) = match record.last_seen {
        None => (AvailabilityStatus::Unknown, None),
        Some(_) if call.is_online(record.last_seen) => (AvailabilityStatus::Available, record.since),
        Some(seen) => (AvailabilityStatus::Disconnected, Some(gone_at(seen, call.settings.online_window))),
    };
    let uptime = record.last_seen.map(|seen| call.now.seconds_since(seen));
    Ok(Reply::json(Availability { status, last_heartbeat: record.last_seen, since, uptime }.encode()))
}

pub(super) async fn last_seen<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let record = call.device_record().await?;
    Ok(Reply::json(LastSeen { device_key: record.device_key, last_seen: record.last_seen }.encode()))
}
