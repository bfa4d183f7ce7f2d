//! Statements about machines and groups.

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::Timestamp;

use super::times::Times;
use super::{Row, Sql, SqlError, Value};
use crate::GroupName;
use crate::server::store::{DeviceRecord, GroupRecord, NewDevice};

pub(super) fn put(sql: &mut dyn Sql, device: &NewDevice, now: Timestamp) -> Result<bool, SqlError> {
    let address = device.address.to_string();
    let known = sql.first(
        "SELECT id FROM devices WHERE address = ?1 AND retired_at IS NULL",
        &[Value::Text(&address)],
    )?;
    let mac = device.mac.map(|mac| mac.to_string());
    let row = sql.first(
        "INSERT INTO devices (address, name, mac, mqtt_user, created_at) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (address) DO UPDATE SET name = ?2, mac = ?3, mqtt_user = ?4, retired_at = NULL RETURNING id",
        &[
            Value::Text(&address),
            Value::Text(&device.name),
            Value::optional_text(mac.as_deref()),
            Value::optional_text(device.user.as_deref()),
            Value::Integer(now.as_second()),
        ],
    )?;
    let id = row.ok_or_else(|| SqlError::broken("a machine was not kept"))?.integer()?;
    sql.run("DELETE FROM group_members WHERE device = ?1", &[Value::Integer(id)])?;
    for group in &device.groups {
        make_group(sql, group)?;
        join(sql, group, id)?;
    }
    Ok(known.is_none())
}

fn make_group(sql: &mut dyn Sql, name: &GroupName) -> Result<(), SqlError> {
    sql.run(
        "INSERT INTO device_groups (name) VALUES (?1) ON CONFLICT DO NOTHING",
        &[Value::Text(name.as_str())],
    )
    .map(drop)
}

fn join(sql: &mut dyn Sql, name: &GroupName, device: i64) -> Result<(), SqlError> {
    sql.run(
        "INSERT INTO group_members (group_name, device) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        &[Value::Text(name.as_str()), Value::Integer(device)],
    )
    .map(drop)
}

pub(super) fn retire(sql: &mut dyn Sql, address: IpAddr, now: Timestamp) -> Result<bool, SqlError> {
    let address = address.to_string();
    let retired = sql.first(
        "UPDATE devices SET retired_at = ?2 WHERE address = ?1 AND retired_at IS NULL RETURNING id",
        &[Value::Text(&address), Value::Integer(now.as_second())],
    )?;
    let Some(mut row) = retired else { return Ok(false) };
    sql.run("DELETE FROM group_members WHERE device = ?1", &[Value::Integer(row.integer()?)])?;
    Ok(true)
}

pub(super) fn all(sql: &mut dyn Sql) -> Result<Vec<DeviceRecord>, SqlError> {
    let mut groups: HashMap<i64, Vec<GroupName>> = HashMap::new();
    for mut row in sql.run("SELECT device, group_name FROM group_members ORDER BY device, group_name", &[])? {
        groups.entry(row.integer()?).or_default().push(row.parsed()?);
    }
    let rows =
        sql.run("SELECT id, address, name, mac, mqtt_user, created_at, retired_at FROM devices", &[])?;
    let devices = rows.into_iter().map(|row| record(row, &mut groups));
    let mut devices = devices.collect::<Result<Vec<_>, _>>()?;
    devices.sort_by_key(|device| device.address);
    Ok(devices)
}

fn record(mut row: Row, groups: &mut HashMap<i64, Vec<GroupName>>) -> Result<DeviceRecord, SqlError> {
    let id = row.integer()?;
    Ok(DeviceRecord {
        id,
        address: row.parsed()?,
        name: row.text()?,
        mac: row.optional_parsed()?,
        user: row.optional_text()?,
        created_at: row.time()?,
        retired_at: row.optional_time()?,
        groups: groups.remove(&id).unwrap_or_default(),
    })
}

pub(super) fn put_group(
    sql: &mut dyn Sql,
    name: &GroupName,
    devices: &[IpAddr],
) -> Result<Vec<IpAddr>, SqlError> {
    let (mut ids, mut strangers) = (Vec::new(), Vec::new());
    for device in devices {
        let address = device.to_string();
        let found = sql.first(
            "SELECT id FROM devices WHERE address = ?1 AND retired_at IS NULL",
            &[Value::Text(&address)],
        )?;
        match found {
            Some(mut row) => ids.push(row.integer()?),
            None => strangers.push(*device),
        }
    }
    if !strangers.is_empty() {
        return Ok(strangers);
    }
    make_group(sql, name)?;
    sql.run("DELETE FROM group_members WHERE group_name = ?1", &[Value::Text(name.as_str())])?;
    for id in ids {
        join(sql, name, id)?;
    }
    Ok(strangers)
}

pub(super) fn delete_group(sql: &mut dyn Sql, name: &GroupName) -> Result<bool, SqlError> {
    let name = [Value::Text(name.as_str())];
    sql.run("DELETE FROM group_members WHERE group_name = ?1", &name)?;
    Ok(sql.first("DELETE FROM device_groups WHERE name = ?1 RETURNING name", &name)?.is_some())
}

pub(super) fn groups(sql: &mut dyn Sql) -> Result<Vec<GroupRecord>, SqlError> {
    let mut groups: Vec<GroupRecord> = Vec::new();
    let rows = sql.run(
        "SELECT g.name, d.address FROM device_groups g LEFT JOIN group_members m ON m.group_name = g.name \
         LEFT JOIN devices d ON d.id = m.device AND d.retired_at IS NULL ORDER BY g.name",
        &[],
    )?;
    for mut row in rows {
        let name: GroupName = row.parsed()?;
        let device: Option<IpAddr> = row.optional_parsed()?;
        match groups.last_mut() {
            Some(group) if group.name == name => group.devices.extend(device),
            _ => groups.push(GroupRecord { name, devices: device.into_iter().collect() }),
        }
    }
    for group in &mut groups {
        group.devices.sort_unstable();
    }
    Ok(groups)
}
