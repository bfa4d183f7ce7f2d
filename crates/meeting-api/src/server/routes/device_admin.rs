//! What an operator changes about a device.

use super::devices::random_token_code;
use crate::endpoint::Success;
use crate::endpoint::device_admin::{
    Authorize, IssuedSecret, SetNote, SetServices, SetTokenCode, SetTokens, TokenCodeReply,
};
use crate::server::bearer::mint_secret;
use crate::server::call::{Call, bad_request, device_not_found, no_randomness, unavailable};
use crate::server::reply::Reply;
use crate::server::store::{DeviceChange, Role, Store};
use crate::{Note, Refusal};

pub(super) async fn authorize<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let request = Authorize::decode(call.body).map_err(bad_request)?;
    change(call, DeviceChange::Authorized(request.authorized)).await
}

pub(super) async fn set_tokens<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let request = SetTokens::decode(call.body).map_err(bad_request)?;
    change(call, DeviceChange::TokenCount(request.token_count)).await
}

/// Sets the code given, or a new random one.
pub(super) async fn set_token_code<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let request = SetTokenCode::decode(call.body).map_err(bad_request)?;
    let code = match request.token_code {
        Some(code) => code,
        None => random_token_code(call)?,
    };
    change(call, DeviceChange::TokenCode(code.clone())).await?;
    Ok(Reply::json(TokenCodeReply::new(code).encode()))
}

pub(super) async fn set_note<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let request = SetNote::decode(call.body).map_err(bad_request)?;
    let note = request.note.as_ref().map(Note::as_str).unwrap_or_default();
    change(call, DeviceChange::Note(note.to_owned())).await
}

pub(super) async fn set_services<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let request = SetServices::decode(call.body).map_err(bad_request)?;
    change(call, DeviceChange::Services(request.services.iter().cloned().collect())).await
}

async fn change<S: Store>(call: &Call<'_, S>, change: DeviceChange) -> Result<Reply, Refusal> {
    let known = call.store().change_device(call.device_key()?, change, call.now).await;
    if known.map_err(unavailable)? { Ok(done()) } else { Err(device_not_found()) }
}

pub(super) async fn delete<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let known = call.store().remove_device(call.device_key()?).await.map_err(unavailable)?;
    if known { Ok(done()) } else { Err(device_not_found()) }
}

/// A new bearer secret for the device; older ones count no more. Choice: MA-62.
pub(super) async fn issue_secret<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let device = call.device_key()?.clone();
    let random = &*call.shared.environment.random;
    let minted = mint_secret(Role::Device(device), "device", call.now, random).map_err(no_randomness)?;
    if !call.store().replace_device_credential(minted.credential).await.map_err(unavailable)? {
        return Err(device_not_found());
    }
    Ok(Reply::json(IssuedSecret { secret: minted.secret }.encode()))
}

pub(super) async fn revoke_secret<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let record = call.device_record().await?;
    let withdrawn = call.store().revoke_device_credentials(&record.device_key, call.now).await;
    if withdrawn.map_err(unavailable)? == 0 {
        return Err(Refusal::new(404, "No secret issued"));
    }
    Ok(done())
}

fn done() -> Reply {
    Reply::json(Success::done().encode())
}
