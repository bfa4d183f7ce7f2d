//! Statements about the log of each device.

use super::times::Times;
use super::{Sql, SqlError, Value, devices};
use crate::DeviceKey;
use crate::server::store::LogRecord;

/// Writes a line for a device that is known to exist, and lets the oldest lines go.
pub(super) fn append(
    sql: &mut dyn Sql,
    key: &DeviceKey,
    at: i64,
    event: &str,
    host: Option<&str>,
    remote: Option<&str>,
    limit: u32,
) -> Result<(), SqlError> {
    sql.run(
        "INSERT INTO device_log (device_key, at, event, host, remote) VALUES (?1, ?2, ?3, ?4, ?5)",
        &[
            Value::Text(key.as_str()),
            Value::Integer(at),
            Value::Text(event),
            Value::optional_text(host),
            Value::optional_text(remote),
        ],
    )?;
    sql.run(
        "DELETE FROM device_log WHERE device_key = ?1 AND id <= \
         (SELECT id FROM device_log WHERE device_key = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        &[Value::Text(key.as_str()), Value::Integer(limit.into())],
    )?;
    Ok(())
}

pub(super) fn append_if_known(
    sql: &mut dyn Sql,
    key: &DeviceKey,
    entry: &LogRecord,
    limit: u32,
) -> Result<bool, SqlError> {
    if !devices::known(sql, key)? {
        return Ok(false);
    }
    let (host, remote) = (entry.host.as_deref(), entry.remote.as_deref());
    append(sql, key, entry.at.unix(), &entry.event, host, remote, limit)?;
    Ok(true)
}

pub(super) fn newest(sql: &mut dyn Sql, key: &DeviceKey, limit: u32) -> Result<Vec<LogRecord>, SqlError> {
    sql.run(
        "SELECT at, event, host, remote FROM device_log WHERE device_key = ?1 ORDER BY id DESC LIMIT ?2",
        &[Value::Text(key.as_str()), Value::Integer(limit.into())],
    )?
    .into_iter()
    .map(|mut row| {
        Ok(LogRecord {
            at: row.time()?,
            event: row.text()?,
            host: row.optional_text()?,
            remote: row.optional_text()?,
        })
    })
    .collect()
}

pub(super) fn purge(sql: &mut dyn Sql, key: &DeviceKey) -> Result<u64, SqlError> {
    let gone =
        sql.run("DELETE FROM device_log WHERE device_key = ?1 RETURNING id", &[Value::Text(key.as_str())])?;
    Ok(u64::try_from(gone.len()).unwrap_or(u64::MAX))
}
