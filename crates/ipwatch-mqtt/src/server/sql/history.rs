//! Statements about figures.

use jiff::Timestamp;

use super::{Row, Sql, SqlError, Value};
use crate::server::store::{Point, Sample, Span};

pub(super) fn add(sql: &mut dyn Sql, samples: &[Sample]) -> Result<(), SqlError> {
    for sample in samples {
        let share = |share: Option<u16>| Value::optional_integer(share.map(i64::from));
        let uptime = sample.uptime.map(|uptime| i64::try_from(uptime).unwrap_or(i64::MAX));
        sql.run(
            "INSERT INTO history (device, at, cpu, memory, disk, uptime) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
             ON CONFLICT (device, at) DO UPDATE SET cpu = ?3, memory = ?4, disk = ?5, uptime = ?6",
            &[
                Value::Integer(sample.device),
                Value::Integer(sample.at.as_second()),
                share(sample.cpu),
                share(sample.memory),
                share(sample.disk),
                Value::optional_integer(uptime),
            ],
        )?;
    }
    Ok(())
}

pub(super) fn read(sql: &mut dyn Sql, device: i64, span: Span, most: usize) -> Result<Vec<Point>, SqlError> {
    let step = i64::try_from(span.step.as_secs()).unwrap_or(i64::MAX).max(1);
    let from = span.from.as_second();
    let rows = sql.run(
        // Sums of numbers have another type in PostgreSQL, whose quotient would be rounded.
        "SELECT (at - ?2) / ?4, COUNT(*), CAST(SUM(cpu) AS BIGINT) / NULLIF(COUNT(cpu), 0), MAX(cpu), \
         CAST(SUM(memory) AS BIGINT) / NULLIF(COUNT(memory), 0), CAST(SUM(disk) AS BIGINT) / NULLIF(COUNT(disk), 0), \
         MAX(uptime) FROM history WHERE device = ?1 AND at >= ?2 AND at < ?3 GROUP BY 1 ORDER BY 1 LIMIT ?5",
        &[
            Value::Integer(device),
            Value::Integer(from),
            Value::Integer(span.to.as_second()),
            Value::Integer(step),
            Value::Integer(i64::try_from(most).unwrap_or(i64::MAX)),
        ],
    )?;
    rows.into_iter().map(|row| point(row, from, step)).collect()
}

fn point(mut row: Row, from: i64, step: i64) -> Result<Point, SqlError> {
    let at = row.integer()?.saturating_mul(step).saturating_add(from);
    let at = Timestamp::from_second(at).map_err(|_| SqlError::broken("a time is out of range"))?;
    let samples = row.number()?;
    let mut share = || Ok(row.optional_integer()?.and_then(|share| u16::try_from(share).ok()));
    let (cpu, cpu_most, memory, disk) = (share()?, share()?, share()?, share()?);
    let uptime = row.optional_integer()?.and_then(|uptime| u64::try_from(uptime).ok());
    Ok(Point { at, samples, cpu, cpu_most, memory, disk, uptime })
}

pub(super) fn prune(sql: &mut dyn Sql, device: i64, before: Timestamp, most: u32) -> Result<u64, SqlError> {
    let gone = sql.run(
        "DELETE FROM history WHERE device = ?1 AND at IN \
         (SELECT at FROM history WHERE device = ?1 AND at < ?2 ORDER BY at LIMIT ?3) RETURNING at",
        &[Value::Integer(device), Value::Integer(before.as_second()), Value::Integer(most.into())],
    )?;
    Ok(gone.len() as u64)
}
