//! Keys: how they are made, how one that is shown is recognised, and what it is good for.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::refusal::Refusal;
use super::reply::unavailable;
use super::settings::{PowerRate, Settings};
use super::store::{KeyRecord, NewKey, Role, Store};

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Access {
    /// Nothing.
    Public,
    /// A key of this role, or of one that includes it.
    Role(Role),
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
    pub secret: Zeroizing<String>,
    /// What the store is given.
    pub key: NewKey,
}

/// Makes a key of 256 random bits: `ipw_<id>_<secret>`, 8 and 64 hex digits. The id is public; the prefix lets scanners find a leaked key.
///
/// # Errors
/// When the system has no randomness to give.
///
/// Choice: IM-86.
pub fn mint_key(
    role: Role,
    name: impl Into<String>,
    now: jiff::Timestamp,
    expires_at: Option<jiff::Timestamp>,
) -> std::io::Result<MintedKey> {
    let (id, random) = (random_hex::<4>()?, random_hex::<32>()?);
    let secret = Zeroizing::new(format!("ipw_{}_{}", *id, *random));
    let sha256 = digest(secret.as_bytes());
    let id = id.to_string();
    Ok(MintedKey { secret, key: NewKey { id, name: name.into(), role, sha256, created_at: now, expires_at } })
}

/// So many random bytes, as hex digits.
pub(super) fn random_hex<const BYTES: usize>() -> std::io::Result<Zeroizing<String>> {
    let mut random = Zeroizing::new([0; BYTES]);
    getrandom::fill(random.as_mut_slice()).map_err(std::io::Error::other)?;
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0');
    let mut text = Zeroizing::new(String::with_capacity(2 * BYTES));
    for byte in random.iter() {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    Ok(text)
}

pub(super) fn digest(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// Longest key that is looked at, in bytes.
const MAX_KEY_BYTES: usize = 1024;

/// The public part of a key of ours; `None` when it is none.
fn id_of(presented: &str) -> Option<&str> {
    let (id, secret) = presented.strip_prefix("ipw_")?.split_once('_')?;
    let ours = id.len() == 8 && secret.len() == 64 && !secret.contains('_');
    ours.then_some(id)
}

/// How long a key is known before the store is asked again. A key revoked by another process counts no longer than this.
const KNOWN_FOR: Duration = Duration::from_secs(1);
/// How many keys are known at one time.
const MAX_KNOWN: usize = 4096;

/// The keys that were right lately, and how many power commands each may still send.
#[derive(Debug, Default)]
pub(super) struct KnownKeys {
    keys: Mutex<HashMap<String, (KeyRecord, Instant)>>,
    buckets: Mutex<HashMap<String, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    since: Instant,
}

impl KnownKeys {
    fn get(&self, id: &str) -> Option<KeyRecord> {
        let known = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let (record, since) = known.get(id)?;
        (since.elapsed() < KNOWN_FOR).then(|| record.clone())
    }

    fn keep(&self, record: KeyRecord) {
        let mut known = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(record.id.clone(), (record, Instant::now()));
    }

    /// Takes one power command out of what the key of this name may send.
    ///
    /// # Errors
    /// 429 with the time after which there is one.
    pub(super) fn take_power(&self, name: &str, rate: PowerRate) -> Result<(), Refusal> {
        let (burst, now) = (f64::from(rate.burst.max(1)), Instant::now());
        let per_second = f64::from(rate.per_minute.max(1)) / 60.0;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(name.to_owned()).or_insert(Bucket { tokens: burst, since: now });
        let earned = now.duration_since(bucket.since).as_secs_f64() * per_second;
        *bucket = Bucket { tokens: (bucket.tokens + earned).min(burst), since: now };
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        let seconds = ((1.0 - bucket.tokens) / per_second).ceil();
        let wait = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::from_secs(60));
        Err(Refusal::new(429, "too_many", "too many power commands with this key").with_retry_after(wait))
    }
}

/// Finds out whose key the request shows, from its head alone, and whether that is enough.
///
/// # Errors
/// 401 without a key or with one that does not count, 403 with one that is good for less, 503 when the store cannot tell.
///
/// Choice: IM-86.
pub(super) async fn admit<S: Store>(
    access: Access,
    headers: &HeaderMap,
    settings: &Settings,
    known: &KnownKeys,
    store: &S,
    now: jiff::Timestamp,
) -> Result<Option<Caller>, Refusal> {
    let Access::Role(role) = access else { return Ok(None) };
    let presented = presented(headers)?;
    let caller = recognise(presented, settings, known, store, now).await?;
    if caller.role >= role {
        return Ok(Some(caller));
    }
    let words = format!("this key may {}, and this takes one that may {role}", caller.role);
    Err(Refusal::new(403, "forbidden", words))
}

/// The code of a 401 to a request that shows no key.
pub(super) const KEY_MISSING: &str = "key_missing";

fn refused(words: &str) -> Refusal {
    Refusal::new(401, "key_refused", words)
}

fn presented(headers: &HeaderMap) -> Result<&str, Refusal> {
    let unread = || refused("the key is refused");
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Refusal::new(401, KEY_MISSING, "a key is required: Authorization: Bearer <key>"));
    };
    // Two servers may read two of them differently.
    if values.next().is_some() {
        return Err(unread());
    }
    let (scheme, secret) = value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(unread)?;
    let secret = secret.trim();
    let plausible = scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty();
    if plausible && secret.len() <= MAX_KEY_BYTES { Ok(secret) } else { Err(unread()) }
}

async fn recognise<S: Store>(
    presented: &str,
    settings: &Settings,
    known: &KnownKeys,
    store: &S,
    now: jiff::Timestamp,
) -> Result<Caller, Refusal> {
    let unknown = || refused("the key is refused");
    let presented_digest = digest(presented.as_bytes());
    if let Some(secret) = &settings.secret
        && bool::from(secret.sha256.ct_eq(&presented_digest))
    {
        return Ok(Caller { name: secret.name.clone(), role: secret.role });
    }
    let id = id_of(presented).ok_or_else(unknown)?;
    let record = match known.get(id) {
        Some(record) => record,
        None => {
            let found = store.key(id).await.map_err(|error| unavailable(&error))?;
            let record = found.ok_or_else(unknown)?;
            known.keep(record.clone());
            record
        }
    };
    if !bool::from(record.sha256.ct_eq(&presented_digest)) {
        return Err(unknown());
    }
    // Only whoever holds the key learns what became of it.
    if record.revoked_at.is_some() {
        return Err(refused("the key is revoked"));
    }
    if !record.is_in_force(now) {
        return Err(refused("the key is expired"));
    }
    Ok(Caller { name: record.name, role: record.role })
}
