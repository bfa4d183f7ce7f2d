//! Devices: one, all, and new ones.

use crate::endpoint::device;
use crate::endpoint::devices::{self, CreateDevice, DeviceList, ListQuery};
use crate::server::access::Principal;
use crate::server::call::{Call, bad_request, no_randomness, unavailable};
use crate::server::clock::random_bytes;
use crate::server::reply::Reply;
use crate::server::store::{DeviceRecord, NewDevice, PageRequest, Store};
use crate::{DeviceKey, Note, Refusal, TokenCode};

/// Keys that a route of this API would hide. Choice: MA-63.
const RESERVED_KEYS: [&str; 3] = ["generate-key", "generate-and-register", "manual-create"];

/// Source: meeting §4.1. Choice: MA-66.
pub(super) async fn one<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let record = call.device_record().await?;
    let mut shown = wire(call, record);
    if !call.may_see_secrets() {
        shown = shown.without_secrets();
    }
    if call.principal == Principal::Anonymous {
        // The device's own network is nobody's business.
        (shown.ip_lan, shown.ip_public, shown.mac, shown.cluster_ip) = (None, None, None, None);
    }
    Ok(Reply::json(shown.encode()))
}

pub(super) async fn list<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let query = ListQuery::decode(call.query()).map_err(bad_request)?;
    let prefix = query.prefix().map(DeviceKey::as_str).unwrap_or_default().to_owned();
    let page = PageRequest { limit: query.limit(), offset: query.offset, prefix };
    let page = call.store().devices(page).await.map_err(unavailable)?;
    let devices = page.devices.into_iter().map(|record| wire(call, record)).collect();
    Ok(Reply::json(DeviceList::new(devices, page.total, &query).encode()))
}

fn wire<S: Store>(call: &Call<'_, S>, record: DeviceRecord) -> device::DeviceRecord {
    let mut shown = device::DeviceRecord::new(record.device_key);
    shown.device_name = record.device_name;
    shown.product_serial = record.product_serial;
    shown.authorized = record.authorized;
    shown.device_type = record.device_type;
    shown.distribution = record.distribution;
    shown.token_code = record.token_code;
    shown.token_count = record.token_count;
    shown.note = record.note;
    shown.ip_address = record.ip_address;
    shown.services = record.services.into_iter().collect();
    shown.ip_lan = record.ip_lan;
    shown.ip_public = record.ip_public;
    shown.mac = record.mac;
    shown.cluster_ip = record.cluster_ip;
    shown.last_seen = record.last_seen;
    shown.online = Some(call.is_online(record.last_seen));
    shown.registered_at = Some(record.registered_at);
    shown
}

fn random_key<S: Store>(call: &Call<'_, S>) -> Result<DeviceKey, Refusal> {
    let random = &*call.shared.environment.random;
    random_bytes(random).map(DeviceKey::from_random).map_err(no_randomness)
}

pub(super) fn random_token_code<S: Store>(call: &Call<'_, S>) -> Result<TokenCode, Refusal> {
    let random = &*call.shared.environment.random;
    random_bytes(random).map(TokenCode::from_random).map_err(no_randomness)
}

/// A key and a code to be used later; nothing is stored.
pub(super) async fn generate_key<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    Ok(Reply::json(devices::NewDevice::new(random_key(call)?, random_token_code(call)?).encode()))
}

pub(super) async fn generate_and_register<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let request = CreateDevice::decode(call.body).map_err(bad_request)?;
    enter(call, random_key(call)?, request).await
}

pub(super) async fn create<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let mut request = CreateDevice::decode(call.body).map_err(bad_request)?;
    let Some(key) = request.device_key.take() else {
        return Err(Refusal::new(400, "Missing device_key").with_field("device_key"));
    };
    if RESERVED_KEYS.contains(&key.as_str()) {
        return Err(Refusal::new(400, "Invalid device_key").with_field("device_key"));
    }
    enter(call, key, request).await
}

async fn enter<S: Store>(
    call: &Call<'_, S>,
    device_key: DeviceKey,
    request: CreateDevice,
) -> Result<Reply, Refusal> {
    let token_code = match request.token_code {
        Some(code) => code,
        None => random_token_code(call)?,
    };
    let new = NewDevice {
        device_key: device_key.clone(),
        device_name: request.device_name,
        product_serial: None,
        device_type: None,
        distribution: None,
        authorized: request.authorized.unwrap_or(false),
        token_code: Some(token_code.clone()),
        token_count: request.token_count.unwrap_or(0),
        note: request.note.as_ref().map(Note::as_str).map(str::to_owned),
        services: request.services.iter().flatten().cloned().collect(),
        registered_at: call.now,
    };
    if !call.store().create_device(new).await.map_err(unavailable)? {
        return Err(Refusal::new(409, "Device already exists"));
    }
    Ok(Reply::created(devices::NewDevice::new(device_key, token_code).encode()))
}
