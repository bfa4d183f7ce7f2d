//! `receiver device token`, `secret` and `revoke`: what a device proves itself by.

use clap::Args;
use daemon::exit::Failure;
use meeting_api::server::store::{DeviceChange, Role};
use meeting_api::server::{Store, SystemRandom, mint_secret};
use meeting_api::{DeviceKey, TokenCode};

use super::{random, token_code};
use crate::command::{database, device, done, now, unknown_device};

/// Shows or changes token code and count.
#[derive(Debug, Args)]
pub struct Token {
    /// The device
    key: DeviceKey,
    /// Set this code
    #[arg(long, value_parser = token_code, group = "change")]
    code: Option<TokenCode>,
    /// Set 6 new random hex digits
    #[arg(long, group = "change")]
    new: bool,
    /// Set a new code of 128 bits
    #[arg(long, group = "change")]
    long: bool,
    /// Set the count, which must be at least 1 for tunnels
    #[arg(long)]
    count: Option<u32>,
}

/// Issues or withdraws a device's bearer secret.
#[derive(Debug, Args)]
pub struct SecretOf {
    /// The device
    key: DeviceKey,
    /// Withdraw it instead
    #[arg(long)]
    revoke: bool,
}

pub(super) async fn revoke<S: Store>(store: &S, key: &DeviceKey) -> Result<String, Failure> {
    let known = store.change_device(key, DeviceChange::Authorized(false), now()).await.map_err(database)?;
    if !known {
        return Err(unknown_device(key));
    }
    store.revoke_key(key, now()).await.map_err(database)?;
    store.revoke_device_credentials(key, now()).await.map_err(database)?;
    store.release_all(key, now()).await.map_err(database)?;
    done(true, key, "authorisation, SSH key, secret and public ports taken back")
}

pub(super) async fn token<S: Store>(store: &S, wanted: Token) -> Result<String, Failure> {
    let key = &wanted.key;
    let code = match wanted.code {
        Some(code) => Some(code),
        None if wanted.new => Some(TokenCode::from_random(random()?)),
        None if wanted.long => Some(TokenCode::from_random_long(random()?)),
        None => None,
    };
    let changes = [code.map(DeviceChange::TokenCode), wanted.count.map(DeviceChange::TokenCount)];
    for change in changes.into_iter().flatten() {
        if !store.change_device(key, change, now()).await.map_err(database)? {
            return Err(unknown_device(key));
        }
    }
    let record = device(store, key).await?;
    let code = record.token_code.as_ref().map_or("none", |code| code.expose());
    Ok(format!("token_code   {code}\ntoken_count  {}\n", record.token_count))
}

pub(super) async fn secret<S: Store>(store: &S, wanted: &SecretOf) -> Result<String, Failure> {
    let key = &wanted.key;
    if wanted.revoke {
        let record = device(store, key).await?;
        let withdrawn = store.revoke_device_credentials(&record.device_key, now()).await.map_err(database)?;
        let what = if withdrawn == 0 { "there was no secret" } else { "secret withdrawn" };
        return done(true, key, what);
    }
    let minted = mint_secret(Role::Device(key.clone()), "device", now(), &SystemRandom)
        .map_err(|error| Failure::io("no random numbers", error))?;
    if !store.replace_device_credential(minted.credential).await.map_err(database)? {
        return Err(unknown_device(key));
    }
    Ok(format!("{}\n", minted.secret.expose()))
}
