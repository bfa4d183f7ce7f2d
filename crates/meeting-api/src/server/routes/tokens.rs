//! The bearer secrets of operators and proxies.

use crate::Refusal;
use crate::endpoint::Success;
use crate::endpoint::tokens::{CreateToken, IssuedToken, TokenList, TokenRecord, TokenRole};
use crate::server::bearer::mint_secret;
use crate::server::call::{Call, bad_request, no_randomness, unavailable};
use crate::server::reply::Reply;
use crate::server::store::{Role, Store};

pub(super) async fn list<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let records = call.store().credentials(None).await.map_err(unavailable)?;
    let tokens = records.into_iter().filter_map(|record| {
        let role = match record.role {
            Role::Operator => TokenRole::Operator,
            Role::Proxy => TokenRole::Proxy,
            Role::Device(_) => return None,
        };
        let (created_at, revoked_at) = (record.created_at, record.revoked_at);
        Some(TokenRecord { id: record.id, role, name: record.name, created_at, revoked_at })
    });
    Ok(Reply::json(TokenList { tokens: tokens.collect() }.encode()))
}

pub(super) async fn create<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let request = CreateToken::decode(call.body).map_err(bad_request)?;
    let role = match request.role {
        TokenRole::Operator => Role::Operator,
        TokenRole::Proxy => Role::Proxy,
    };
    let random = &*call.shared.environment.random;
    let minted = mint_secret(role, request.name, call.now, random).map_err(no_randomness)?;
    let id = minted.credential.id.clone();
    if !call.store().create_credential(minted.credential).await.map_err(unavailable)? {
        // One chance in four billion a stored secret: the next try draws another name.
        let soon = std::time::Duration::from_secs(1);
        return Err(Refusal::new(503, "Try again").with_retry_after(soon));
    }
    Ok(Reply::created(IssuedToken { id, token: minted.secret }.encode()))
}

pub(super) async fn revoke<S: Store>(call: &Call<'_, S>) -> Result<Reply, Refusal> {
    let not_found = || Refusal::new(404, "No such token");
    let id = call.segment.ok_or_else(not_found)?;
    // Secrets of devices are withdrawn at their device.
    let record = call.store().credential(id).await.map_err(unavailable)?;
    if record.is_none_or(|record| matches!(record.role, Role::Device(_))) {
        return Err(not_found());
    }
    let withdrawn = call.store().revoke_credential(id, call.now).await.map_err(unavailable)?;
    if withdrawn { Ok(Reply::json(Success::done().encode())) } else { Err(not_found()) }
}
