//! Statements about published SSH keys.

use super::times::Times;
use super::{Row, Sql, SqlError, Value, devices, logs};
use crate::server::store::{Decision, KeyRecord, KeyStatus, OperatorKey, Publication, PublishedKey};
use crate::{DeviceKey, UtcTimestamp};

macro_rules! key_columns {
    () => {
        "k.device_key, d.authorized, k.ssh_user, k.pubkey, k.fingerprint, k.revoked, k.added, k.modified, \
         k.pending_pubkey, k.pending_fingerprint, k.pending_at \
         FROM ssh_keys k JOIN devices d ON d.device_key = k.device_key "
    };
}

fn record(mut row: Row) -> Result<KeyRecord, SqlError> {
    let mut record = KeyRecord {
        device_key: row.parsed()?,
        device_authorized: row.truth()?,
        ssh_user: row.optional_text()?,
        pubkey: row.text()?,
        fingerprint: row.text()?,
        status: if row.truth()? { KeyStatus::Revoked } else { KeyStatus::Authorized },
        added: row.time()?,
        modified: row.time()?,
        pending: None,
    };
    let (pubkey, fingerprint, at) = (row.optional_text()?, row.optional_text()?, row.optional_time()?);
    if let (Some(pubkey), Some(fingerprint), Some(at)) = (pubkey, fingerprint, at) {
        record.pending = Some(PublishedKey { pubkey, fingerprint, at });
    }
    Ok(record)
}

pub(super) fn one(sql: &mut dyn Sql, key: &DeviceKey) -> Result<Option<KeyRecord>, SqlError> {
    sql.first(concat!("SELECT ", key_columns!(), "WHERE k.device_key = ?1"), &[Value::Text(key.as_str())])?
        .map(record)
        .transpose()
}

pub(super) fn all(sql: &mut dyn Sql, pending_only: bool) -> Result<Vec<KeyRecord>, SqlError> {
    let statement = if pending_only {
        concat!("SELECT ", key_columns!(), "WHERE k.pending_pubkey IS NOT NULL ORDER BY k.device_key")
    } else {
        concat!("SELECT ", key_columns!(), "ORDER BY k.device_key")
    };
    sql.run(statement, &[])?.into_iter().map(record).collect()
}

pub(super) fn by_fingerprint(
    sql: &mut dyn Sql,
    fingerprint: &str,
    preferred: Option<&DeviceKey>,
) -> Result<Option<KeyRecord>, SqlError> {
    sql.first(
        concat!(
            "SELECT ",
            key_columns!(),
            "WHERE k.fingerprint = ?1 AND k.revoked = 0 \
             ORDER BY CASE WHEN k.device_key = ?2 THEN 0 ELSE 1 END, k.device_key LIMIT 1"
        ),
        &[Value::Text(fingerprint), Value::Text(preferred.map_or("", DeviceKey::as_str))],
    )?
    .map(record)
    .transpose()
}

pub(super) fn publish(
    sql: &mut dyn Sql,
    key: &DeviceKey,
    published: &PublishedKey,
    log_limit: u32,
) -> Result<Publication, SqlError> {
    if !devices::known(sql, key)? {
        return Ok(Publication::UnknownDevice);
    }
    let at = published.at.unix();
    let Some(current) = one(sql, key)? else {
        insert(sql, key, published, None, KeyStatus::Authorized)?;
        logs::append(sql, key, at, "Key published", None, None, log_limit)?;
        return Ok(Publication::First);
    };
    if current.status == KeyStatus::Authorized && current.fingerprint == published.fingerprint {
        return Ok(Publication::Same);
    }
    if current.pending.as_ref().is_some_and(|waiting| waiting.fingerprint == published.fingerprint) {
        return Ok(Publication::Pending);
    }
    sql.run(
        "UPDATE ssh_keys SET pending_pubkey = ?2, pending_fingerprint = ?3, pending_at = ?4 WHERE device_key = ?1",
        &[
            Value::Text(key.as_str()),
            Value::Text(&published.pubkey),
            Value::Text(&published.fingerprint),
            Value::Integer(at),
        ],
    )?;
    logs::append(sql, key, at, "Key change waits for approval", None, None, log_limit)?;
    Ok(Publication::Pending)
}

fn insert(
    sql: &mut dyn Sql,
    key: &DeviceKey,
    published: &PublishedKey,
    ssh_user: Option<&str>,
    status: KeyStatus,
) -> Result<(), SqlError> {
    sql.run(
        "INSERT INTO ssh_keys (device_key, ssh_user, pubkey, fingerprint, revoked, added, modified) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
        &[
            Value::Text(key.as_str()),
            Value::optional_text(ssh_user),
            Value::Text(&published.pubkey),
            Value::Text(&published.fingerprint),
            Value::Integer((status == KeyStatus::Revoked).into()),
            Value::Integer(published.at.unix()),
        ],
    )
    .map(drop)
}

pub(super) fn set(
    sql: &mut dyn Sql,
    key: &DeviceKey,
    set: &OperatorKey,
    log_limit: u32,
) -> Result<bool, SqlError> {
    if !devices::known(sql, key)? {
        return Ok(false);
    }
    let at = set.at.unix();
    match (one(sql, key)?, &set.key) {
        (None, None) => return Ok(false),
        (None, Some(new)) => {
            let status = set.status.unwrap_or(KeyStatus::Authorized);
            insert(sql, key, new, set.ssh_user.as_deref(), status)?;
        }
        (Some(current), new) => {
            // A new key counts unless the operator says otherwise, and settles the one that waits.
            let kept = if new.is_some() { KeyStatus::Authorized } else { current.status };
            let status = set.status.unwrap_or(kept);
            sql.run(
                "UPDATE ssh_keys SET pubkey = COALESCE(?2, pubkey), fingerprint = COALESCE(?3, fingerprint), \
                 ssh_user = COALESCE(?4, ssh_user), revoked = ?5, modified = ?6 WHERE device_key = ?1",
                &[
                    Value::Text(key.as_str()),
                    Value::optional_text(new.as_ref().map(|key| key.pubkey.as_str())),
                    Value::optional_text(new.as_ref().map(|key| key.fingerprint.as_str())),
                    Value::optional_text(set.ssh_user.as_deref()),
                    Value::Integer((status == KeyStatus::Revoked).into()),
                    Value::Integer(at),
                ],
            )?;
            if new.is_some() || status == KeyStatus::Revoked {
                forget_pending(sql, key)?;
            }
        }
    }
    logs::append(sql, key, at, "Key set by the operator", None, None, log_limit)?;
    Ok(true)
}

fn forget_pending(sql: &mut dyn Sql, key: &DeviceKey) -> Result<(), SqlError> {
    sql.run(
        "UPDATE ssh_keys SET pending_pubkey = NULL, pending_fingerprint = NULL, pending_at = NULL \
         WHERE device_key = ?1",
        &[Value::Text(key.as_str())],
    )
    .map(drop)
}

pub(super) fn decide(
    sql: &mut dyn Sql,
    key: &DeviceKey,
    decision: Decision,
    fingerprint: Option<&str>,
    at: UtcTimestamp,
    log_limit: u32,
) -> Result<bool, SqlError> {
    if !devices::known(sql, key)? {
        return Ok(false);
    }
    let Some(waiting) = one(sql, key)?.and_then(|current| current.pending) else { return Ok(false) };
    if fingerprint.is_some_and(|wanted| wanted != waiting.fingerprint) {
        return Ok(false);
    }
    let event = match decision {
        Decision::Approve => {
            sql.run(
                "UPDATE ssh_keys SET pubkey = pending_pubkey, fingerprint = pending_fingerprint, revoked = 0, \
                 modified = ?2 WHERE device_key = ?1",
                &[Value::Text(key.as_str()), Value::Integer(at.unix())],
            )?;
            "Key approved"
        }
        Decision::Reject => "Key rejected",
    };
    forget_pending(sql, key)?;
    logs::append(sql, key, at.unix(), event, None, None, log_limit)?;
    Ok(true)
}

pub(super) fn revoke(
    sql: &mut dyn Sql,
    key: &DeviceKey,
    at: UtcTimestamp,
    log_limit: u32,
) -> Result<bool, SqlError> {
    if !devices::known(sql, key)? {
        return Ok(false);
    }
    let changed = sql.first(
        "UPDATE ssh_keys SET revoked = 1, modified = ?2, pending_pubkey = NULL, pending_fingerprint = NULL, \
         pending_at = NULL WHERE device_key = ?1 RETURNING device_key",
        &[Value::Text(key.as_str()), Value::Integer(at.unix())],
    )?;
    if changed.is_some() {
        logs::append(sql, key, at.unix(), "Key revoked", None, None, log_limit)?;
    }
    Ok(changed.is_some())
}
