//! Machines.

use std::net::IpAddr;

use http::{Response, StatusCode};

use super::{body, name};
use crate::server::fleet::Fleet;
use crate::server::refusal::Refusal;
use crate::server::reply::{ReplyBody, json, no_content, unavailable};
use crate::server::service::Call;
use crate::server::shapes::DeviceBody;
use crate::server::store::{NewDevice, Store};

/// Most groups of one machine.
const MAX_GROUPS: usize = 64;

pub(super) fn address<S, F>(call: &Call<'_, S, F>) -> Result<IpAddr, Refusal> {
    call.segment::<IpAddr>().map(|address| address.to_canonical()).ok_or_else(Refusal::unknown_device)
}

pub(super) fn show<S: Store, F: Fleet>(call: &Call<'_, S, F>) -> Result<Response<ReplyBody>, Refusal> {
    let view = call.shared.live.view(address(call)?).ok_or_else(Refusal::unknown_device)?;
    Ok(json(StatusCode::OK, &view))
}

pub(super) async fn put<S: Store, F: Fleet>(call: &Call<'_, S, F>) -> Result<Response<ReplyBody>, Refusal> {
    let address = call.segment::<IpAddr>().map(|address| address.to_canonical());
    let address = address.filter(|address| !address.is_unspecified() && !address.is_multicast());
    let address = address.ok_or_else(|| Refusal::invalid("this is no machine's address"))?;
    let asked: DeviceBody = body(&call.parts.headers, &call.body)?;
    name(&asked.name)?;
    if let Some(user) = &asked.user
        && (user.is_empty() || user.len() > 256 || user.chars().any(char::is_control))
    {
        return Err(Refusal::invalid("a user has 1 to 256 bytes, none of them a control character"));
    }
    if asked.groups.len() > MAX_GROUPS {
        return Err(Refusal::invalid(format!("a machine is in at most {MAX_GROUPS} groups")));
    }
    let shared = call.shared;
    if shared.live.record(address).is_none()
        && shared.live.records(|_| true).len() >= call.settings.max_devices
    {
        let words = format!("there are {} machines, and no more may be", call.settings.max_devices);
        return Err(Refusal::new(409, "too_many_devices", words));
    }
    let DeviceBody { name, mac, groups, user } = asked;
    let device = NewDevice { address, name, mac, groups, user };
    let now = shared.environment.clock.now();
    let new = shared.store.put_device(device, now).await.map_err(|error| unavailable(&error))?;
    shared.reload().await.map_err(|error| unavailable(&error))?;
    let view = shared.live.view(address).ok_or_else(Refusal::unknown_device)?;
    Ok(json(if new { StatusCode::CREATED } else { StatusCode::OK }, &view))
}

pub(super) async fn retire<S: Store, F: Fleet>(
    call: &Call<'_, S, F>,
) -> Result<Response<ReplyBody>, Refusal> {
    let (address, shared) = (address(call)?, call.shared);
    let now = shared.environment.clock.now();
    let retired = shared.store.retire_device(address, now).await.map_err(|error| unavailable(&error))?;
    shared.reload().await.map_err(|error| unavailable(&error))?;
    if !retired {
        return Err(Refusal::unknown_device());
    }
    shared.fleet.retired(address).await;
    Ok(no_content())
}
