//! How rusqlite's connection runs statements and transactions.

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::failure;
use crate::{Cell, Mode, Row, Sql, SqlError, Value};

impl Sql for Connection {
    fn run(&mut self, statement: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, SqlError> {
        let rows = || {
            let mut prepared = self.prepare_cached(statement)?;
            let columns = prepared.column_count();
            let mut found = prepared.query(params_from_iter(values))?;
            let mut rows = Vec::new();
            while let Some(row) = found.next()? {
                let cells =
                    (0..columns).map(|index| row.get_ref(index).map(cell)).collect::<Result<_, _>>()?;
                rows.push(Row::new(cells));
            }
            Ok(rows)
        };
        rows().map_err(|error: rusqlite::Error| failure(&error))
    }
}

impl crate::Connection for Connection {
    fn begin(&mut self, mode: Mode) -> Result<(), SqlError> {
        execute(self, if mode == Mode::Write { "BEGIN IMMEDIATE" } else { "BEGIN" })
    }

    fn commit(&mut self) -> Result<(), SqlError> {
        execute(self, "COMMIT")
    }

    fn rollback(&mut self) {
        // A full disk may have undone the transaction already.
        if !self.is_autocommit()
            && let Err(error) = execute(self, "ROLLBACK")
        {
            tracing::error!(%error, "a transaction could not be undone");
        }
    }
}

/// Runs a statement without parameters and rows, and keeps it prepared.
///
/// # Errors
/// [`SqlError`] when the database refuses or fails.
pub fn execute(connection: &Connection, statement: &str) -> Result<(), SqlError> {
    connection
        .prepare_cached(statement)
        .and_then(|mut prepared| prepared.execute([]))
        .map(drop)
        .map_err(|error| failure(&error))
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        // No statement gives fractions; as text they are refused where a number is expected.
        ValueRef::Real(number) => Cell::Text(number.to_string()),
        ValueRef::Text(text) => Cell::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
    }
}
