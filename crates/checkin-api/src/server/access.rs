//! Keys: how they are made, how one that is shown is recognised, and what it is good for (threats C1, C5).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use super::Settings;
use super::reply::unavailable;
use super::store::{CheckInStore, KeyRecord, NewKey, Role};
use crate::{ApiKey, Refusal};

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Nothing.
    Public,
    /// A key that may submit.
    Submit,
    /// A key that may read, unless reading is public.
    Read,
}

/// Whose key was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) name: String,
    pub(crate) role: Role,
}

/// A new key, and what is stored of it.
#[derive(Debug)]
pub struct MintedKey {
    /// What its owner is given, once.
    pub secret: ApiKey,
    /// What the store is given.
    pub key: NewKey,
}

/// Makes a key of 256 random bits: `mci_<id>_<secret>`, 8 and 64 hex digits. The id is public; the prefix lets scanners find a
/// leaked key.
///
/// # Errors
/// When the system has no randomness to give.
///
/// Choice: CI-25.
pub fn mint_key(
    role: Role,
    name: impl Into<String>,
    now: jiff::Timestamp,
    expires_at: Option<jiff::Timestamp>,
) -> std::io::Result<MintedKey> {
    let (mut id, mut random) = ([0; 4], [0; 32]);
    getrandom::fill(&mut id).map_err(std::io::Error::other)?;
    getrandom::fill(&mut random).map_err(std::io::Error::other)?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let text = format!("mci_{id}_{}", ApiKey::from_random(random).expose());
    let secret = ApiKey::new(text).map_err(std::io::Error::other)?;
    let sha256 = digest(secret.expose().as_bytes());
    let key = NewKey { id, name: name.into(), role, sha256, created_at: now, expires_at };
    Ok(MintedKey { secret, key })
}

pub(super) fn digest(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// The public part of a key of ours; `None` when it is none.
fn id_of(presented: &str) -> Option<&str> {
    let (id, secret) = presented.strip_prefix("mci_")?.split_once('_')?;
    let ours = id.len() == 8 && secret.len() == 64 && !secret.contains('_');
    ours.then_some(id)
}

/// How long a key is known before the store is asked again. A key revoked by another process counts no longer than this.
const KNOWN_FOR: Duration = Duration::from_secs(1);
/// How many keys are known at one time.
const MAX_KNOWN: usize = 4096;

/// The keys that were right lately, so that a flush does not ask the store for each check-in.
#[derive(Debug, Default)]
pub(super) struct KnownKeys(Mutex<HashMap<String, (KeyRecord, Instant)>>);

impl KnownKeys {
    fn get(&self, id: &str) -> Option<KeyRecord> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (record, since) = known.get(id)?;
        (since.elapsed() < KNOWN_FOR).then(|| record.clone())
    }

    fn keep(&self, record: KeyRecord) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(record.id.clone(), (record, Instant::now()));
    }
}

/// Finds out whose key the request shows, from its head alone, and whether that is enough.
///
/// # Errors
/// 401 without a key or with one that does not count, 403 with one that is good for something else, 503 when the store cannot
/// tell.
///
/// Source: checkin §1. Choice: CI-25.
pub(super) async fn admit<S: CheckInStore>(
    access: Access,
    headers: &HeaderMap,
    settings: &Settings,
    known: &KnownKeys,
    store: &S,
    now: jiff::Timestamp,
) -> Result<Option<Caller>, Refusal> {
    let open = access == Access::Public || access == Access::Read && settings.public_reading;
    if open {
        return Ok(None);
    }
    let presented = presented(headers)?;
    let caller = recognise(presented, settings, known, store, now).await?;
    let enough = match access {
        Access::Submit => caller.role.may_submit(),
        Access::Read => caller.role.may_read(),
        Access::Public => true,
    };
    if enough { Ok(Some(caller)) } else { Err(Refusal::new(403, "this key is not for that")) }
}

/// The words of a 401 to a request that shows no key.
pub(super) const KEY_MISSING: &str = "an API key is required: Authorization: Bearer <key>";

fn refused() -> Refusal {
    Refusal::new(401, "API key refused")
}

fn presented(headers: &HeaderMap) -> Result<&str, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Err(Refusal::new(401, KEY_MISSING)) };
    // Two servers may read two of them differently.
    if values.next().is_some() {
        return Err(refused());
    }
    let (scheme, secret) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(refused)?;
    let secret = secret.trim();
    let plausible = scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty();
    if plausible && secret.len() <= ApiKey::MAX_BYTES { Ok(secret) } else { Err(refused()) }
}

async fn recognise<S: CheckInStore>(
    presented: &str,
    settings: &Settings,
    known: &KnownKeys,
    store: &S,
    now: jiff::Timestamp,
) -> Result<Caller, Refusal> {
    let presented_digest = digest(presented.as_bytes());
    if let Some(secret) = &settings.secret
        && bool::from(secret.sha256.ct_eq(&presented_digest))
    {
        return Ok(Caller { name: secret.name.clone(), role: secret.role });
    }
    let id = id_of(presented).ok_or_else(refused)?;
    let record = match known.get(id) {
        Some(record) => record,
        None => {
            let found = store.key(id).await.map_err(|error| unavailable(&error))?;
            let record = found.ok_or_else(refused)?;
            known.keep(record.clone());
            record
        }
    };
    if !bool::from(record.sha256.ct_eq(&presented_digest)) {
        return Err(refused());
    }
    // Only whoever holds the key learns what became of it.
    if record.revoked_at.is_some() {
        return Err(Refusal::new(401, "API key revoked"));
    }
    if !record.is_in_force(now) {
        return Err(Refusal::new(401, "API key expired"));
    }
    Ok(Caller { name: record.name, role: record.role })
}
