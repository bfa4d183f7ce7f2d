//! Heartbeats.

use crate::endpoint::heartbeat::{Heartbeat, HeartbeatReply};
use crate::server::call::{Call, bad_request, device_not_found, unavailable};
use crate::server::reply::Reply;
use crate::server::store::{Beat, Store};
use crate::{ClusterIp, Note, Refusal};

/// Source: meeting §3.1.
pub(super) async fn beat<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let heartbeat = Heartbeat::decode(call.body).map_err(bad_request)?;
    let beat = Beat {
        device_key: call.device_key()?.clone(),
        at: call.now,
        online_window: call.settings.online_window,
        ip_address: heartbeat.ip_address.or(call.source),
        ip_lan: heartbeat.ip_lan,
        ip_public: heartbeat.ip_public,
        mac: heartbeat.mac,
        cluster_ip: heartbeat.cluster_ip.as_ref().map(ClusterIp::as_str).map(str::to_owned),
        note: heartbeat.note.as_ref().map(Note::as_str).map(str::to_owned),
        remote: call.source,
    };
    let beaten = call.store().beat(beat).await.map_err(unavailable)?.ok_or_else(device_not_found)?;
    Ok(Reply::json(HeartbeatReply::new(beaten.ip_address, call.now).encode()))
}
