//! Statements about bearer secrets and nonces.

use super::times::Times;
use super::{Row, Sql, SqlError, Value, devices};
use crate::server::store::{CredentialRecord, NewCredential, Role};
use crate::{DeviceKey, UtcTimestamp};

macro_rules! credential_columns {
    () => {
        "SELECT id, role, device_key, name, sha256, created_at, revoked_at FROM credentials "
    };
}

fn record(mut row: Row) -> Result<CredentialRecord, SqlError> {
    let id = row.text()?;
    let role = row.text()?;
    let device: Option<DeviceKey> = row.optional_parsed()?;
    let role = match (role.as_str(), device) {
        ("operator", None) => Role::Operator,
        ("proxy", None) => Role::Proxy,
        ("device", Some(key)) => Role::Device(key),
        _ => return Err(SqlError::broken(format!("the secret {id} speaks for nobody"))),
    };
    Ok(CredentialRecord {
        id,
        role,
        name: row.text()?,
        sha256: row.bytes()?,
        created_at: row.time()?,
        revoked_at: row.optional_time()?,
    })
}

pub(super) fn create(sql: &mut dyn Sql, new: &NewCredential) -> Result<bool, SqlError> {
    let (role, device) = match &new.role {
        Role::Operator => ("operator", None),
        Role::Proxy => ("proxy", None),
        Role::Device(key) => {
            if !devices::known(sql, key)? {
                return Ok(false);
            }
            ("device", Some(key.as_str()))
        }
    };
    sql.first(
        "INSERT INTO credentials (id, role, device_key, name, sha256, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING RETURNING id",
        &[
            Value::Text(&new.id),
            Value::Text(role),
            Value::optional_text(device),
            Value::Text(&new.name),
            Value::Bytes(&new.sha256),
            Value::Integer(new.created_at.unix()),
        ],
    )
    .map(|row| row.is_some())
}

pub(super) fn create_first_operator(sql: &mut dyn Sql, new: &NewCredential) -> Result<bool, SqlError> {
    let first = sql.first(
        "INSERT INTO milestones (name, at) VALUES ('first operator', ?1) ON CONFLICT DO NOTHING RETURNING name",
        &[Value::Integer(new.created_at.unix())],
    )?;
    match first {
        Some(_) => create(sql, new),
        None => Ok(false),
    }
}

pub(super) fn one(sql: &mut dyn Sql, id: &str) -> Result<Option<CredentialRecord>, SqlError> {
    sql.first(concat!(credential_columns!(), "WHERE id = ?1"), &[Value::Text(id)])?.map(record).transpose()
}

pub(super) fn all(sql: &mut dyn Sql, device: Option<&DeviceKey>) -> Result<Vec<CredentialRecord>, SqlError> {
    let rows = match device {
        Some(key) => sql.run(
            concat!(credential_columns!(), "WHERE device_key = ?1 ORDER BY created_at, id"),
            &[Value::Text(key.as_str())],
        ),
        None => {
            sql.run(concat!(credential_columns!(), "WHERE device_key IS NULL ORDER BY created_at, id"), &[])
        }
    };
    rows?.into_iter().map(record).collect()
}

pub(super) fn revoke(sql: &mut dyn Sql, id: &str, at: UtcTimestamp) -> Result<bool, SqlError> {
    sql.first(
        "UPDATE credentials SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL RETURNING id",
        &[Value::Text(id), Value::Integer(at.unix())],
    )
    .map(|row| row.is_some())
}

/// The replaced secrets are deleted: nothing would ever read them again.
pub(super) fn replace_of_device(sql: &mut dyn Sql, new: &NewCredential) -> Result<bool, SqlError> {
    if let Role::Device(key) = &new.role {
        sql.run("DELETE FROM credentials WHERE device_key = ?1", &[Value::Text(key.as_str())])?;
    }
    create(sql, new)
}

pub(super) fn revoke_of_device(
    sql: &mut dyn Sql,
    key: &DeviceKey,
    at: UtcTimestamp,
) -> Result<u64, SqlError> {
    let withdrawn = sql.run(
        "UPDATE credentials SET revoked_at = ?2 WHERE device_key = ?1 AND revoked_at IS NULL RETURNING id",
        &[Value::Text(key.as_str()), Value::Integer(at.unix())],
    )?;
    Ok(u64::try_from(withdrawn.len()).unwrap_or(u64::MAX))
}

pub(super) fn spend_nonce(sql: &mut dyn Sql, nonce: &str, until: UtcTimestamp) -> Result<bool, SqlError> {
    sql.first(
        "INSERT INTO nonces (nonce, expires_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING RETURNING nonce",
        &[Value::Text(nonce), Value::Integer(until.unix())],
    )
    .map(|row| row.is_some())
}

pub(super) fn forget_expired(sql: &mut dyn Sql, now: UtcTimestamp) -> Result<(), SqlError> {
    let now = [Value::Integer(now.unix())];
    sql.run("DELETE FROM nonces WHERE expires_at < ?1", &now)?;
    sql.run("DELETE FROM reservations WHERE expires_at <= ?1", &now).map(drop)
}
