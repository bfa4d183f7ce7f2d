//! Statements about reserved ports.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use super::times::Times;
use super::{Sql, SqlError, Value, devices, logs};
use crate::server::store::{Reservation, Reserved, TunnelRecord};
use crate::{DeviceKey, ServiceName, UtcTimestamp};

pub(super) fn in_force(sql: &mut dyn Sql, now: UtcTimestamp) -> Result<Vec<TunnelRecord>, SqlError> {
    sql.run(
        "SELECT d.services, r.device_key, r.service, r.port, r.local_port, r.expires_at \
         FROM reservations r JOIN devices d ON d.device_key = r.device_key \
         WHERE d.authorized = 1 AND (r.expires_at IS NULL OR r.expires_at > ?1) ORDER BY r.port",
        &[Value::Integer(now.unix())],
    )?
    .into_iter()
    .map(|mut row| {
        let allowed = row.text()?;
        let tunnel = TunnelRecord {
            device_key: row.parsed()?,
            service: row.parsed()?,
            port: row.number()?,
            local_port: row.number()?,
            expires_at: row.optional_time()?,
        };
        Ok((allowed, tunnel))
    })
    .filter_map(|read: Result<(String, TunnelRecord), SqlError>| match read {
        // An empty list of services restricts nothing.
        Ok((allowed, tunnel)) => (allowed.is_empty()
            || allowed.split(',').any(|name| name == tunnel.service.as_str()))
        .then_some(Ok(tunnel)),
        Err(error) => Some(Err(error)),
    })
    .collect()
}

pub(super) fn reserve(sql: &mut dyn Sql, wanted: &Reservation, log_limit: u32) -> Result<Reserved, SqlError> {
    if !devices::known(sql, &wanted.device_key)? {
        return Ok(Reserved::UnknownDevice);
    }
    let before = earlier_port(sql, wanted)?;
    sql.run("DELETE FROM reservations WHERE expires_at <= ?1", &[Value::Integer(wanted.at.unix())])?;
    if before.is_some_and(|port| wanted.ports.contains(&port)) {
        if let Some(renewed) = renew(sql, wanted)? {
            return Ok(renewed);
        }
    } else if before.is_some() {
        // The operator moved the range since: this port is no longer ours to give.
        sql.run(
            "DELETE FROM reservations WHERE device_key = ?1 AND service = ?2",
            &[Value::Text(wanted.device_key.as_str()), Value::Text(wanted.service.as_str())],
        )?;
    }
    // Another receiver may take the port that looked free: look again then, as often as there are ports.
    for _ in wanted.ports.clone() {
        let taken = taken_ports(sql)?;
        let Some(port) = choose(wanted, before, &taken) else { return Ok(Reserved::Exhausted) };
        if insert(sql, wanted, port)? {
            let event = format!("Tunnel {} reserved on port {port}", wanted.service);
            let at = wanted.at.unix();
            logs::append(sql, &wanted.device_key, at, &event, None, None, log_limit)?;
            return Ok(Reserved::Port { port, expires_at: wanted.expires_at, fresh: true });
        }
    }
    Ok(Reserved::Exhausted)
}

/// The port this device and service has, or had until its reservation ran out.
fn earlier_port(sql: &mut dyn Sql, wanted: &Reservation) -> Result<Option<u16>, SqlError> {
    sql.first(
        "SELECT port FROM reservations WHERE device_key = ?1 AND service = ?2",
        &[Value::Text(wanted.device_key.as_str()), Value::Text(wanted.service.as_str())],
    )?
    .map(|mut row| row.number())
    .transpose()
}

fn renew(sql: &mut dyn Sql, wanted: &Reservation) -> Result<Option<Reserved>, SqlError> {
    let row = sql.first(
        "UPDATE reservations SET local_port = ?3, \
         expires_at = CASE WHEN expires_at IS NULL THEN NULL ELSE CAST(?4 AS BIGINT) END \
         WHERE device_key = ?1 AND service = ?2 RETURNING port, expires_at",
        &[
            Value::Text(wanted.device_key.as_str()),
            Value::Text(wanted.service.as_str()),
            Value::Integer(wanted.local_port.into()),
            Value::optional_integer(wanted.expires_at.map(UtcTimestamp::unix)),
        ],
    )?;
    let Some(mut row) = row else { return Ok(None) };
    Ok(Some(Reserved::Port { port: row.number()?, expires_at: row.optional_time()?, fresh: false }))
}

fn taken_ports(sql: &mut dyn Sql) -> Result<HashSet<u16>, SqlError> {
    sql.run("SELECT port FROM reservations", &[])?.into_iter().map(|mut row| row.number()).collect()
}

fn insert(sql: &mut dyn Sql, wanted: &Reservation, port: u16) -> Result<bool, SqlError> {
    sql.first(
        "INSERT INTO reservations (device_key, service, port, local_port, expires_at) \
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING RETURNING port",
        &[
            Value::Text(wanted.device_key.as_str()),
            Value::Text(wanted.service.as_str()),
            Value::Integer(port.into()),
            Value::Integer(wanted.local_port.into()),
            Value::optional_integer(wanted.expires_at.map(UtcTimestamp::unix)),
        ],
    )
    .map(|row| row.is_some())
}

/// The free port to take: the one used before, else the first one from a place that depends on device and service, so
/// that a port which was just given back rarely leads to another device.
fn choose(wanted: &Reservation, before: Option<u16>, taken: &HashSet<u16>) -> Option<u16> {
    let free = |port: &u16| !taken.contains(port);
    if let Some(port) = before.filter(|port| wanted.ports.contains(port)).filter(free) {
        return Some(port);
    }
    let start = starting_port(&wanted.device_key, &wanted.service, &wanted.ports)?;
    let (first, last) = (*wanted.ports.start(), *wanted.ports.end());
    (start..=last).chain(first..start).find(free)
}

fn starting_port(device: &DeviceKey, service: &ServiceName, ports: &RangeInclusive<u16>) -> Option<u16> {
    let count = u64::from(ports.end().checked_sub(*ports.start())?) + 1;
    // FNV-1a: stable across receivers and versions, which the standard library's hasher does not promise.
    let hash = device
        .as_str()
        .bytes()
        .chain([0])
        .chain(service.as_str().bytes())
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    ports.start().checked_add(u16::try_from(hash % count).ok()?)
}

pub(super) fn release(
    sql: &mut dyn Sql,
    key: &DeviceKey,
    service: &ServiceName,
    at: UtcTimestamp,
    log_limit: u32,
) -> Result<bool, SqlError> {
    let gone = sql.first(
        "DELETE FROM reservations WHERE device_key = ?1 AND service = ?2 RETURNING port",
        &[Value::Text(key.as_str()), Value::Text(service.as_str())],
    )?;
    let Some(mut row) = gone else { return Ok(false) };
    let event = format!("Tunnel {service} on port {} released", row.integer()?);
    logs::append(sql, key, at.unix(), &event, None, None, log_limit)?;
    Ok(true)
}

pub(super) fn release_all(
    sql: &mut dyn Sql,
    key: &DeviceKey,
    at: UtcTimestamp,
    log_limit: u32,
) -> Result<u64, SqlError> {
    let gone = sql
        .run("DELETE FROM reservations WHERE device_key = ?1 RETURNING port", &[Value::Text(key.as_str())])?;
    if !gone.is_empty() {
        logs::append(sql, key, at.unix(), "All tunnels released", None, None, log_limit)?;
    }
    Ok(u64::try_from(gone.len()).unwrap_or(u64::MAX))
}
