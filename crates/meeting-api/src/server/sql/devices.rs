//! Statements about devices and their presence.

use std::net::IpAddr;
use std::time::Duration;

use super::times::Times;
use super::{Row, Sql, SqlError, Value, logs};
use crate::server::store::{Beat, DeviceChange, DevicePage, DeviceRecord, NewDevice, PageRequest};
use crate::{DeviceKey, ServiceName, UtcTimestamp};

/// The one statement of a heartbeat, with its values.
#[derive(Debug)]
pub(super) struct PresenceUpdate {
    device_key: DeviceKey,
    at: i64,
    gone_before: i64,
    ip_address: Option<String>,
    ip_lan: Option<String>,
    ip_public: Option<String>,
    mac: Option<String>,
    cluster_ip: Option<String>,
}

/// What the statement found and left.
#[derive(Debug)]
pub(super) struct PresenceUpdated {
    pub(super) ip_address: Option<IpAddr>,
    pub(super) returned: bool,
    /// When the device had gone, if nobody noticed before this heartbeat.
    pub(super) departed_unnoticed: Option<i64>,
}

impl PresenceUpdate {
    pub(super) fn of(beat: &Beat) -> Self {
        let at = beat.at.unix();
        let text = |address: &Option<IpAddr>| address.as_ref().map(ToString::to_string);
        Self {
            device_key: beat.device_key.clone(),
            at,
            gone_before: at.saturating_sub(seconds(beat.online_window)),
            ip_address: text(&beat.ip_address),
            ip_lan: text(&beat.ip_lan),
            ip_public: text(&beat.ip_public),
            mac: beat.mac.as_ref().map(ToString::to_string),
            cluster_ip: beat.cluster_ip.clone(),
        }
    }

    pub(super) fn run(&self, sql: &mut dyn Sql) -> Result<Option<PresenceUpdated>, SqlError> {
        let row = sql.first(
            "UPDATE presence SET previous_seen = last_seen, was_online = online, \
             since = CASE WHEN online = 0 OR last_seen IS NULL OR last_seen < ?3 THEN ?2 ELSE since END, \
             online = 1, last_seen = ?2, \
             ip_address = COALESCE(?4, ip_address), ip_lan = COALESCE(?5, ip_lan), \
             ip_public = COALESCE(?6, ip_public), mac = COALESCE(?7, mac), \
             cluster_ip = COALESCE(?8, cluster_ip) \
             WHERE device_key = ?1 RETURNING ip_address, was_online, previous_seen",
            &[
                Value::Text(self.device_key.as_str()),
                Value::Integer(self.at),
                Value::Integer(self.gone_before),
                Value::optional_text(self.ip_address.as_deref()),
                Value::optional_text(self.ip_lan.as_deref()),
                Value::optional_text(self.ip_public.as_deref()),
                Value::optional_text(self.mac.as_deref()),
                Value::optional_text(self.cluster_ip.as_deref()),
            ],
        )?;
        let Some(mut row) = row else { return Ok(None) };
        let ip_address = row.optional_parsed()?;
        let was_online = row.truth()?;
        let previous = row.optional_integer()?;
        let lapsed = previous.is_none_or(|seen| seen < self.gone_before);
        let window = self.at.saturating_sub(self.gone_before);
        Ok(Some(PresenceUpdated {
            ip_address,
            returned: lapsed || !was_online,
            departed_unnoticed: previous
                .filter(|_| lapsed && was_online)
                .map(|seen| seen.saturating_add(window)),
        }))
    }
}

pub(super) fn after_beat(
    sql: &mut dyn Sql,
    beat: &Beat,
    returned: bool,
    departed_unnoticed: Option<i64>,
    log_limit: u32,
) -> Result<(), SqlError> {
    if let Some(note) = &beat.note {
        sql.run(
            "UPDATE devices SET note = ?2 WHERE device_key = ?1",
            &[Value::Text(beat.device_key.as_str()), Value::Text(note)],
        )?;
    }
    if returned {
        // The device may have been removed since its heartbeat was stored.
        if !known(sql, &beat.device_key)? {
            return Ok(());
        }
        if let Some(gone) = departed_unnoticed {
            logs::append(sql, &beat.device_key, gone, "Disconnected", None, None, log_limit)?;
        }
        let remote = beat.remote.map(|address| address.to_string());
        let at = beat.at.unix();
        logs::append(sql, &beat.device_key, at, "Connected", None, remote.as_deref(), log_limit)?;
    }
    Ok(())
}

/// Whether the device exists. Inside a writing transaction the row is held until its end, so that work on one device
/// goes one after the other.
pub(super) fn known(sql: &mut dyn Sql, key: &DeviceKey) -> Result<bool, SqlError> {
    sql.first(
        "UPDATE devices SET authorized = authorized WHERE device_key = ?1 RETURNING authorized",
        &[Value::Text(key.as_str())],
    )
    .map(|row| row.is_some())
}

macro_rules! device_columns {
    () => {
        "d.device_key, d.device_name, d.product_serial, d.device_type, d.distribution, d.authorized, \
         d.token_code, d.token_count, d.note, d.services, d.registered_at, \
         p.last_seen, p.since, p.ip_address, p.ip_lan, p.ip_public, p.mac, p.cluster_ip \
         FROM devices d JOIN presence p ON p.device_key = d.device_key "
    };
}

fn record(mut row: Row) -> Result<DeviceRecord, SqlError> {
    Ok(DeviceRecord {
        device_key: row.parsed()?,
        device_name: row.optional_text()?,
        product_serial: row.optional_text()?,
        device_type: row.optional_text()?,
        distribution: row.optional_text()?,
        authorized: row.truth()?,
        token_code: row.optional_parsed()?,
        token_count: row.number()?,
        note: row.optional_text()?,
        services: services_from_text(&row.text()?)?,
        registered_at: row.time()?,
        last_seen: row.optional_time()?,
        since: row.optional_time()?,
        ip_address: row.optional_parsed()?,
        ip_lan: row.optional_parsed()?,
        ip_public: row.optional_parsed()?,
        mac: row.optional_parsed()?,
        cluster_ip: row.optional_text()?,
    })
}

pub(super) fn one(sql: &mut dyn Sql, key: &DeviceKey) -> Result<Option<DeviceRecord>, SqlError> {
    sql.first(concat!("SELECT ", device_columns!(), "WHERE d.device_key = ?1"), &[Value::Text(key.as_str())])?
        .map(record)
        .transpose()
}

pub(super) fn page(sql: &mut dyn Sql, page: &PageRequest) -> Result<DevicePage, SqlError> {
    // Keys are ASCII without DEL, and compared by their bytes: this bound is above all that begin with the prefix.
    let above = format!("{}\u{7f}", page.prefix);
    let bounds = [Value::Text(&page.prefix), Value::Text(&above)];
    let total = sql
        .first("SELECT COUNT(*) FROM devices WHERE device_key >= ?1 AND device_key < ?2", &bounds)?
        .map_or(Ok(0), |mut row| row.number())?;
    let [from, to] = bounds;
    let rows = sql.run(
        concat!(
            "SELECT ",
            device_columns!(),
            "WHERE d.device_key >= ?1 AND d.device_key < ?2 ORDER BY d.device_key LIMIT ?3 OFFSET ?4"
        ),
        &[from, to, Value::Integer(page.limit.into()), Value::Integer(page.offset.into())],
    )?;
    Ok(DevicePage { devices: rows.into_iter().map(record).collect::<Result<_, _>>()?, total })
}

pub(super) fn create(sql: &mut dyn Sql, new: &NewDevice, log_limit: u32) -> Result<bool, SqlError> {
    let created = sql.first(
        "INSERT INTO devices (device_key, device_name, product_serial, device_type, distribution, authorized, \
         token_code, token_count, note, services, registered_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING RETURNING device_key",
        &[
            Value::Text(new.device_key.as_str()),
            Value::optional_text(new.device_name.as_deref()),
            Value::optional_text(new.product_serial.as_deref()),
            Value::optional_text(new.device_type.as_deref()),
            Value::optional_text(new.distribution.as_deref()),
            Value::Integer(new.authorized.into()),
            Value::optional_text(new.token_code.as_ref().map(|code| code.expose())),
            Value::Integer(new.token_count.into()),
            Value::optional_text(new.note.as_deref()),
            Value::Text(&services_text(&new.services)),
            Value::Integer(new.registered_at.unix()),
        ],
    )?;
    if created.is_none() {
        return Ok(false);
    }
    sql.run("INSERT INTO presence (device_key) VALUES (?1)", &[Value::Text(new.device_key.as_str())])?;
    logs::append(sql, &new.device_key, new.registered_at.unix(), "Registered", None, None, log_limit)?;
    Ok(true)
}

pub(super) fn change(
    sql: &mut dyn Sql,
    key: &DeviceKey,
    change: &DeviceChange,
    at: UtcTimestamp,
    log_limit: u32,
) -> Result<bool, SqlError> {
    let services;
    let (statement, value, event) = match change {
        DeviceChange::Authorized(authorized) => (
            "UPDATE devices SET authorized = ?2 WHERE device_key = ?1 RETURNING device_key",
            Value::Integer((*authorized).into()),
            if *authorized { "Authorized" } else { "Unauthorized" },
        ),
        DeviceChange::TokenCount(count) => (
            "UPDATE devices SET token_count = ?2 WHERE device_key = ?1 RETURNING device_key",
            Value::Integer((*count).into()),
            "Token count changed",
        ),
        DeviceChange::TokenCode(code) => (
            "UPDATE devices SET token_code = ?2 WHERE device_key = ?1 RETURNING device_key",
            Value::Text(code.expose()),
            "Token code changed",
        ),
        DeviceChange::Note(note) => (
            "UPDATE devices SET note = ?2 WHERE device_key = ?1 RETURNING device_key",
            text_or_null(note),
            "Note changed",
        ),
        DeviceChange::Services(names) => {
            services = services_text(names);
            (
                "UPDATE devices SET services = ?2 WHERE device_key = ?1 RETURNING device_key",
                Value::Text(&services),
                "Services changed",
            )
        }
        DeviceChange::Name(name) => (
            "UPDATE devices SET device_name = ?2 WHERE device_key = ?1 RETURNING device_key",
            text_or_null(name),
            "Name changed",
        ),
    };
    if sql.first(statement, &[Value::Text(key.as_str()), value])?.is_none() {
        return Ok(false);
    }
    logs::append(sql, key, at.unix(), event, None, None, log_limit)?;
    Ok(true)
}

pub(super) fn remove(sql: &mut dyn Sql, key: &DeviceKey) -> Result<bool, SqlError> {
    sql.first("DELETE FROM devices WHERE device_key = ?1 RETURNING device_key", &[Value::Text(key.as_str())])
        .map(|row| row.is_some())
}

pub(super) fn anybody_gone(
    sql: &mut dyn Sql,
    now: UtcTimestamp,
    online_window: Duration,
) -> Result<bool, SqlError> {
    let gone_before = now.unix().saturating_sub(seconds(online_window));
    sql.first(
        "SELECT 1 FROM presence WHERE online = 1 AND last_seen < ?1 LIMIT 1",
        &[Value::Integer(gone_before)],
    )
    .map(|row| row.is_some())
}

pub(super) fn notice_departures(
    sql: &mut dyn Sql,
    now: UtcTimestamp,
    online_window: Duration,
    log_limit: u32,
) -> Result<Vec<DeviceKey>, SqlError> {
    let window = seconds(online_window);
    let rows = sql.run(
        "UPDATE presence SET online = 0, since = last_seen + ?2 \
         WHERE online = 1 AND last_seen < ?1 RETURNING device_key, since",
        &[Value::Integer(now.unix().saturating_sub(window)), Value::Integer(window)],
    )?;
    let mut gone = Vec::with_capacity(rows.len());
    for mut row in rows {
        let key: DeviceKey = row.parsed()?;
        let since = row.integer()?;
        logs::append(sql, &key, since, "Disconnected", None, None, log_limit)?;
        gone.push(key);
    }
    Ok(gone)
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

fn text_or_null(text: &str) -> Value<'_> {
    if text.is_empty() { Value::Null } else { Value::Text(text) }
}

fn services_text(services: &[ServiceName]) -> String {
    services.iter().map(ServiceName::as_str).collect::<Vec<_>>().join(",")
}

fn services_from_text(text: &str) -> Result<Vec<ServiceName>, SqlError> {
    text.split(',')
        .filter(|name| !name.is_empty())
        .map(|name| name.parse().map_err(|_| SqlError::broken("a stored service name is malformed")))
        .collect()
}
