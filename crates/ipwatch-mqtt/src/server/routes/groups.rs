//! Groups.

use http::{Response, StatusCode};

use super::body;
use crate::GroupName;
use crate::server::fleet::Fleet;
use crate::server::refusal::Refusal;
use crate::server::reply::{ReplyBody, json, no_content, unavailable};
use crate::server::service::Call;
use crate::server::shapes::{GroupBody, GroupList, GroupView};
use crate::server::store::{GroupRecord, Store};

fn unknown() -> Refusal {
    Refusal::new(404, "unknown_group", "no such group")
}

fn view(GroupRecord { name, devices }: GroupRecord) -> GroupView {
    GroupView { name, devices }
}

pub(super) async fn list<S: Store, F: Fleet>(call: &Call<'_, S, F>) -> Result<Response<ReplyBody>, Refusal> {
    let groups = call.shared.store.groups().await.map_err(|error| unavailable(&error))?;
    Ok(json(StatusCode::OK, &GroupList { groups: groups.into_iter().map(view).collect() }))
}

pub(super) async fn show<S: Store, F: Fleet>(call: &Call<'_, S, F>) -> Result<Response<ReplyBody>, Refusal> {
    let name = call.segment::<GroupName>().ok_or_else(unknown)?;
    let groups = call.shared.store.groups().await.map_err(|error| unavailable(&error))?;
    let group = groups.into_iter().find(|group| group.name == name).ok_or_else(unknown)?;
    Ok(json(StatusCode::OK, &view(group)))
}

pub(super) async fn put<S: Store, F: Fleet>(call: &Call<'_, S, F>) -> Result<Response<ReplyBody>, Refusal> {
    let name = call.segment::<GroupName>();
    let name = name.ok_or_else(|| Refusal::invalid("this can be no group's name"))?;
    let GroupBody { devices } = body(&call.parts.headers, &call.body)?;
    let mut devices: Vec<_> = devices.into_iter().map(|device| device.to_canonical()).collect();
    devices.sort_unstable();
    devices.dedup();
    if devices.len() > call.settings.max_devices {
        return Err(Refusal::invalid("these are more than there may be machines"));
    }
    let store = &call.shared.store;
    let kept = store.put_group(name.clone(), devices.clone()).await.map_err(|error| unavailable(&error))?;
    if let Some(stranger) = kept.first() {
        return Err(Refusal::new(409, "unknown_device", format!("{stranger} is no registered machine")));
    }
    call.shared.reload().await.map_err(|error| unavailable(&error))?;
    Ok(json(StatusCode::OK, &GroupView { name, devices }))
}

pub(super) async fn delete<S: Store, F: Fleet>(
    call: &Call<'_, S, F>,
) -> Result<Response<ReplyBody>, Refusal> {
    let name = call.segment::<GroupName>().ok_or_else(unknown)?;
    let deleted = call.shared.store.delete_group(name).await.map_err(|error| unavailable(&error))?;
    call.shared.reload().await.map_err(|error| unavailable(&error))?;
    if deleted { Ok(no_content()) } else { Err(unknown()) }
}
