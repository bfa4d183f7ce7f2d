//! Statements that read check-ins back, and the counting that is done on what they give.
//!
//! Whatever ranges over all time goes through an index in pieces and keeps no more than one person's weeks, so that memory does not
//! grow with the table.

mod calendar;
mod person;
#[cfg(all(test, feature = "sqlite"))]
mod plans;
mod records;
mod sheet;
mod survey;

pub(super) use person::person;
pub(super) use records::records;
pub(super) use sheet::sheet;
pub(super) use survey::{leaders, missing, weeks};

use super::times::Times;
use super::{Sql, SqlError, Value};
use crate::server::store::{BotRecord, State};

/// The bots are few, and their counts change with every copy.
const STATE: &str = "SELECT (SELECT CAST(COALESCE(SUM(accepted + duplicates + rejected), 0) AS BIGINT) FROM bots), \
     (SELECT COALESCE(MAX(id), 0) FROM check_ins)";

pub(super) fn state(sql: &mut dyn Sql) -> Result<State, SqlError> {
    let found = sql.first(STATE, &[])?;
    let mut row = found.ok_or_else(|| SqlError::broken("no state"))?;
    Ok(State { changes: row.integer()?, newest: row.integer()? })
}

pub(super) fn bots(sql: &mut dyn Sql, limit: u32) -> Result<Vec<BotRecord>, SqlError> {
    let statement = "SELECT bot, last_seen, accepted, duplicates, rejected FROM bots ORDER BY bot LIMIT ?1";
    let rows = sql.run(statement, &[Value::Integer(limit.into())])?;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    rows.into_iter()
        .map(|mut row| {
            Ok(BotRecord {
                bot: row.shown()?,
                last_seen: row.time()?,
                accepted: count(row.integer()?),
                duplicates: count(row.integer()?),
                rejected: count(row.integer()?),
            })
        })
        .collect()
}
