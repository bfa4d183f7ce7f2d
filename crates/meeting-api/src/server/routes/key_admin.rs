//! Published SSH keys, as the operator handles them.

use super::keys::wire;
use crate::Refusal;
use crate::endpoint::Success;
use crate::endpoint::key_approval::{KeyDecision, KeyList};
use crate::server::call::{Call, bad_request, unavailable};
use crate::server::reply::Reply;
use crate::server::store::{Decision, Store};

pub(super) async fn list<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let pending_only = match call.query_value("status") {
        None | Some("") => false,
        Some("pending") => true,
        Some(_) => return Err(Refusal::new(400, "Invalid status").with_field("status")),
    };
    let records = call.store().ssh_keys(pending_only).await.map_err(unavailable)?;
    let keys = records.iter().map(|record| wire(record, true)).collect();
    Ok(Reply::json(KeyList::new(keys).encode()))
}

pub(super) async fn decide<S: Store>(call: &Call<'_, S>, decision: Decision) -> Result<Reply, Refusal> {
    let meant = KeyDecision::decode(call.body).map_err(bad_request)?.fingerprint;
    let device = call.device_key()?;
    let (named, now) = (meant.is_some(), call.now);
    if call.store().decide_key(device, decision, meant, now).await.map_err(unavailable)? {
        return Ok(Reply::json(Success::done().encode()));
    }
    call.device_record().await?;
    let waiting = call.store().ssh_key(device).await.map_err(unavailable)?.and_then(|key| key.pending);
    Err(match waiting {
        Some(_) if named => Refusal::new(409, "Another key waits").with_field("fingerprint"),
        _ => Refusal::new(404, "No key waits"),
    })
}

pub(super) async fn revoke<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let device = call.device_key()?;
    if call.store().revoke_key(device, call.now).await.map_err(unavailable)? {
        return Ok(Reply::json(Success::done().encode()));
    }
    call.device_record().await?;
    Err(Refusal::new(404, "No key published"))
}
