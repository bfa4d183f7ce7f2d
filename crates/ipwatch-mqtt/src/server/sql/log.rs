//! Statements about who switched what on or off.

use jiff::Timestamp;

use super::times::Times;
use super::{Row, Sql, SqlError, Value};
use crate::schedule::Target;
use crate::server::store::{Begun, Ended, LogEntry, LogFilter, Origin};

pub(super) fn begin(sql: &mut dyn Sql, commands: &[Begun]) -> Result<Vec<i64>, SqlError> {
    let mut ids = Vec::with_capacity(commands.len());
    for command in commands {
        let (who, schedule) = match &command.origin {
            Origin::Key(name) => (name, None),
            Origin::Schedule(id, name) => (name, Some(id.as_str())),
        };
        let target = command.target.to_string();
        let row = sql.first(
            "INSERT INTO command_log (at, who, schedule, target, action, outcome, message) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING id",
            &[
                Value::Integer(command.at.as_second()),
                Value::Text(who),
                Value::optional_text(schedule),
                Value::Text(&target),
                Value::Text(command.action.as_str()),
                Value::Text(command.outcome.as_str()),
                Value::optional_text(command.message.as_deref()),
            ],
        )?;
        ids.push(row.ok_or_else(|| SqlError::broken("an entry was not kept"))?.integer()?);
    }
    Ok(ids)
}

pub(super) fn end(sql: &mut dyn Sql, ended: &[Ended]) -> Result<(), SqlError> {
    for ended in ended {
        sql.run(
            "UPDATE command_log SET outcome = ?2, message = ?3, code = ?4, took_ms = ?5 WHERE id = ?1",
            &[
                Value::Integer(ended.id),
                Value::Text(ended.outcome.as_str()),
                Value::optional_text(ended.message.as_deref()),
                Value::optional_text(ended.code.as_deref()),
                Value::Integer(i64::try_from(ended.took_ms).unwrap_or(i64::MAX)),
            ],
        )?;
    }
    Ok(())
}

pub(super) fn read(sql: &mut dyn Sql, filter: LogFilter) -> Result<Vec<LogEntry>, SqlError> {
    let before = Value::Integer(filter.before.unwrap_or(i64::MAX));
    let most = Value::Integer(filter.most.into());
    let rows = match filter.device {
        Some(device) => sql.run(
            "SELECT id, at, who, schedule, target, action, outcome, message, code, took_ms FROM command_log \
             WHERE target = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3",
            &[Value::Text(&Target::Device(device).to_string()), before, most],
        )?,
        None => sql.run(
            "SELECT id, at, who, schedule, target, action, outcome, message, code, took_ms FROM command_log \
             WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
            &[before, most],
        )?,
    };
    rows.into_iter().map(entry).collect()
}

fn entry(mut row: Row) -> Result<LogEntry, SqlError> {
    let (id, at, who, schedule) = (row.integer()?, row.time()?, row.text()?, row.optional_text()?);
    let origin = match schedule {
        Some(schedule) => Origin::Schedule(schedule, who),
        None => Origin::Key(who),
    };
    let begun = Begun {
        at,
        origin,
        target: row.parsed()?,
        action: row.parsed()?,
        outcome: row.parsed()?,
        message: row.optional_text()?,
    };
    let code = row.optional_text()?;
    let took_ms = row.optional_integer()?.and_then(|took| u64::try_from(took).ok());
    Ok(LogEntry { id, begun, code, took_ms })
}

pub(super) fn prune(sql: &mut dyn Sql, before: Timestamp, most: u32) -> Result<u64, SqlError> {
    let gone = sql.run(
        "DELETE FROM command_log WHERE id IN \
         (SELECT id FROM command_log WHERE at < ?1 ORDER BY at LIMIT ?2) RETURNING id",
        &[Value::Integer(before.as_second()), Value::Integer(most.into())],
    )?;
    Ok(gone.len() as u64)
}
