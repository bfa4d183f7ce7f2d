//! What a proxy asks: which ports to open, and whether a device may open its tunnel.

use crate::Refusal;
use crate::endpoint::authorize_tunnel::TunnelAuthorization;
use crate::endpoint::tunnels::{Tunnel, TunnelList};
use crate::server::call::{Call, unavailable};
use crate::server::reply::Reply;
use crate::server::store::Store;

/// Source: meeting §4.3.
pub(super) async fn list<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let records = call.store().tunnels(call.now).await.map_err(unavailable)?;
    let tunnels = records.into_iter().map(|record| Tunnel {
        device_key: record.device_key,
        service: record.service,
        port: record.port,
        local_port: record.local_port,
        expires_at: record.expires_at,
    });
    Ok(Reply::json(TunnelList::new(tunnels.collect()).encode()))
}

/// The gate looks at the operator's word and at the tokens, and takes none: a device whose tunnel comes back ten times a
/// day opens it ten times. Source: meeting §1.2, §1.3. Choice: MA-58.
pub(super) async fn authorize<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let record = call.device_record().await?;
    if !record.authorized {
        return Err(Refusal::new(403, Refusal::DEVICE_NOT_AUTHORIZED));
    }
    if record.token_count == 0 {
        return Err(Refusal::new(403, Refusal::NO_TOKENS_LEFT));
    }
    let mut authorization = TunnelAuthorization::new(record.device_key, record.token_count);
    authorization.distribution = record.distribution;
    authorization.registered_at = Some(record.registered_at);
    authorization.token_code = record.token_code.filter(|_| call.may_see_secrets());
    Ok(Reply::json(authorization.encode()))
}
