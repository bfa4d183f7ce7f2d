//! Statements about keys.

use super::times::Times;
use super::{Row, Sql, SqlError, Value};
use crate::server::store::{KeyRecord, NewKey};

pub(super) fn add(sql: &mut dyn Sql, key: &NewKey) -> Result<bool, SqlError> {
    let added = sql.first(
        "INSERT INTO keys (id, name, role, sha256, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT DO NOTHING RETURNING id",
        &[
            Value::Text(&key.id),
            Value::Text(&key.name),
            Value::Text(key.role.as_str()),
            Value::Bytes(&key.sha256),
            Value::Integer(key.created_at.as_second()),
            Value::optional_integer(key.expires_at.map(jiff::Timestamp::as_second)),
        ],
    )?;
    Ok(added.is_some())
}

pub(super) fn one(sql: &mut dyn Sql, id: &str) -> Result<Option<KeyRecord>, SqlError> {
    let found = sql.first(
        "SELECT id, name, role, sha256, created_at, expires_at, revoked_at FROM keys WHERE id = ?1",
        &[Value::Text(id)],
    )?;
    found.map(record).transpose()
}

pub(super) fn all(sql: &mut dyn Sql) -> Result<Vec<KeyRecord>, SqlError> {
    let rows = sql.run(
        "SELECT id, name, role, sha256, created_at, expires_at, revoked_at FROM keys ORDER BY created_at, id",
        &[],
    )?;
    rows.into_iter().map(record).collect()
}

pub(super) fn revoke(sql: &mut dyn Sql, id_or_name: &str, at: jiff::Timestamp) -> Result<bool, SqlError> {
    let revoked = sql.run(
        "UPDATE keys SET revoked_at = ?2 WHERE revoked_at IS NULL AND (id = ?1 OR name = ?1) RETURNING id",
        &[Value::Text(id_or_name), Value::Integer(at.as_second())],
    )?;
    Ok(!revoked.is_empty())
}

fn record(mut row: Row) -> Result<KeyRecord, SqlError> {
    let (id, name, role) = (row.shown()?, row.shown()?, row.shown()?);
    Ok(KeyRecord {
        role: role.parse().map_err(|_| SqlError::broken(format!("the key {id} has no known role")))?,
        id,
        name,
        sha256: row.bytes()?,
        created_at: row.time()?,
        expires_at: row.optional_time()?,
        revoked_at: row.optional_time()?,
    })
}
