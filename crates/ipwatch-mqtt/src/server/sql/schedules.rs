//! Statements about schedules.

use jiff::Timestamp;

use super::times::Times;
use super::{Row, Sql, SqlError, Value};
use crate::server::store::{NewSchedule, ScheduleRecord, ScheduleRun};

pub(super) fn put(sql: &mut dyn Sql, schedule: &NewSchedule, now: Timestamp) -> Result<bool, SqlError> {
    let known = sql.first("SELECT id FROM schedules WHERE id = ?1", &[Value::Text(&schedule.id)])?;
    let target = schedule.target.to_string();
    sql.run(
        "INSERT INTO schedules (id, name, cron, zone, action, target, enabled, author, created_at, settled) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9) ON CONFLICT (id) DO UPDATE SET name = ?2, cron = ?3, \
         zone = ?4, action = ?5, target = ?6, enabled = ?7, author = ?8, created_at = ?9, settled = ?9",
        &[
            Value::Text(&schedule.id),
            Value::Text(&schedule.name),
            Value::Text(schedule.cron.as_str()),
            Value::Text(schedule.zone.as_str()),
            Value::Text(schedule.action.as_str()),
            Value::Text(&target),
            Value::Integer(schedule.enabled.into()),
            Value::Text(&schedule.author),
            Value::Integer(now.as_second()),
        ],
    )?;
    Ok(known.is_none())
}

pub(super) fn delete(sql: &mut dyn Sql, id: &str) -> Result<bool, SqlError> {
    Ok(sql.first("DELETE FROM schedules WHERE id = ?1 RETURNING id", &[Value::Text(id)])?.is_some())
}

pub(super) fn all(sql: &mut dyn Sql) -> Result<Vec<ScheduleRecord>, SqlError> {
    let rows = sql.run(
        "SELECT id, name, cron, zone, action, target, enabled, author, created_at, settled, last_slot, last_ran, \
         last_done, last_failed FROM schedules ORDER BY name, id",
        &[],
    )?;
    rows.into_iter().map(record).collect()
}

fn record(mut row: Row) -> Result<ScheduleRecord, SqlError> {
    let schedule = NewSchedule {
        id: row.text()?,
        name: row.text()?,
        cron: row.parsed()?,
        zone: row.parsed()?,
        action: row.parsed()?,
        target: row.parsed()?,
        enabled: row.truth()?,
        author: row.text()?,
    };
    let (created_at, settled, slot) = (row.time()?, row.time()?, row.optional_time()?);
    let last = match slot {
        Some(slot) => {
            Some(ScheduleRun { slot, ran: row.truth()?, done: row.number()?, failed: row.number()? })
        }
        None => None,
    };
    Ok(ScheduleRecord { schedule, created_at, settled, last })
}

pub(super) fn claim(sql: &mut dyn Sql, id: &str, from: Timestamp, to: Timestamp) -> Result<bool, SqlError> {
    let claimed = sql.first(
        "UPDATE schedules SET settled = ?3 WHERE id = ?1 AND settled = ?2 AND enabled = 1 RETURNING id",
        &[Value::Text(id), Value::Integer(from.as_second()), Value::Integer(to.as_second())],
    )?;
    Ok(claimed.is_some())
}

pub(super) fn note(sql: &mut dyn Sql, id: &str, run: &ScheduleRun) -> Result<(), SqlError> {
    sql.run(
        "UPDATE schedules SET last_slot = ?2, last_ran = ?3, last_done = ?4, last_failed = ?5 WHERE id = ?1",
        &[
            Value::Text(id),
            Value::Integer(run.slot.as_second()),
            Value::Integer(run.ran.into()),
            Value::Integer(run.done.into()),
            Value::Integer(run.failed.into()),
        ],
    )
    .map(drop)
}
