//! Published SSH keys, as devices and readers see them.

use crate::endpoint::Success;
use crate::endpoint::ssh_key::{self, PublishKey};
use crate::server::access::Principal;
use crate::server::call::{Call, bad_request, device_not_found, unavailable};
use crate::server::reply::Reply;
use crate::server::store::{KeyRecord, KeyStatus, OperatorKey, Publication, PublishedKey, Store};
use crate::{DeviceKey, PublicKey, Refusal};

/// A device publishes, or an operator sets. A first key counts at once; a changed one waits for the operator.
/// Source: meeting §3.3. Choice: MA-60.
pub(super) async fn publish<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let request = PublishKey::decode(call.body).map_err(bad_request)?;
    let key = PublicKey::parse(&request.pubkey)
        .map_err(|reason| Refusal::new(400, format!("Invalid pubkey: {reason}")).with_field("pubkey"))?;
    let record = call.device_record().await?;
    let published = PublishedKey { pubkey: key.to_string(), fingerprint: key.fingerprint(), at: call.now };
    if call.is_operator() {
        let status = match request.status {
            None => None,
            Some(ssh_key::KeyStatus::Authorized) => Some(KeyStatus::Authorized),
            Some(ssh_key::KeyStatus::Revoked) => Some(KeyStatus::Revoked),
            Some(_) => return Err(Refusal::new(400, "Invalid status").with_field("status")),
        };
        let set = OperatorKey { key: Some(published), ssh_user: request.ssh_user, status, at: call.now };
        let known = call.store().set_key(&record.device_key, set).await.map_err(unavailable)?;
        return if known { Ok(done()) } else { Err(device_not_found()) };
    }
    // `ssh_user` and `status` are the operator's, and ignored from a device.
    if !record.authorized {
        return Err(Refusal::new(403, Refusal::DEVICE_NOT_AUTHORIZED));
    }
    match call.store().publish_key(&record.device_key, published).await.map_err(unavailable)? {
        Publication::UnknownDevice => Err(device_not_found()),
        Publication::First | Publication::Same => Ok(done()),
        Publication::Pending => Ok(Reply::json(Success::pending().encode())),
    }
}

fn done() -> Reply {
    Reply::json(Success::done().encode())
}

pub(super) async fn read<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let device = call.device_key()?;
    let Some(record) = call.store().ssh_key(device).await.map_err(unavailable)? else {
        call.device_record().await?;
        return Err(Refusal::new(404, "No key published"));
    };
    // The waiting key is for the operator's eyes, and for the device that published it.
    let insider = match &call.principal {
        Principal::Operator => true,
        Principal::Device(key) => key == device,
        Principal::Proxy | Principal::Anonymous => false,
    };
    Ok(Reply::json(wire(&record, insider).encode()))
}

pub(super) fn wire(record: &KeyRecord, with_pending: bool) -> ssh_key::KeyRecord {
    let pending = record.pending.as_ref().filter(|_| with_pending);
    ssh_key::KeyRecord {
        device_key: record.device_key.clone(),
        ssh_user: record.ssh_user.clone(),
        pubkey: Some(record.pubkey.clone()),
        status: Some(match record.status {
            KeyStatus::Authorized => ssh_key::KeyStatus::Authorized,
            KeyStatus::Revoked => ssh_key::KeyStatus::Revoked,
        }),
        added: Some(record.added),
        modified: Some(record.modified),
        fingerprint: Some(record.fingerprint.clone()),
        last_ssh: None,
        pending_pubkey: pending.map(|key| key.pubkey.clone()),
        pending_fingerprint: pending.map(|key| key.fingerprint.clone()),
    }
}

/// The published key as text. Source: meeting §3.4.
pub(super) async fn plain<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let not_found = || Refusal::new(404, "not_found");
    let Some(device) = call.query_value("device_key") else {
        return Err(Refusal::new(400, "Missing device_key").with_field("device_key"));
    };
    let device: DeviceKey = device.parse().map_err(|_| not_found())?;
    let record = call.store().ssh_key(&device).await.map_err(unavailable)?;
    let in_force = record.filter(|record| record.status == KeyStatus::Authorized);
    in_force.map(|record| Reply::text(format!("{}\n", record.pubkey))).ok_or_else(not_found)
}
