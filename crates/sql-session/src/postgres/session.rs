//! A connection that is made, with the statements prepared on it.

use std::collections::HashMap;

use tokio::runtime::Handle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls, Statement};

use crate::migration::missing;
use crate::{Cell, Migration, Row, Sql, SqlError, Value};

pub(super) struct Session {
    client: Client,
    runtime: Handle,
    statements: HashMap<&'static str, Statement>,
    in_transaction: bool,
    /// Whether a failure was a conflict with another transaction, after which the same work may succeed.
    conflict: bool,
    /// Whether commits are acknowledged before they are on disk.
    relaxed: bool,
}

impl Session {
    pub(super) fn connect(config: &Config, runtime: &Handle) -> Result<Self, SqlError> {
        let connected = runtime.block_on(config.connect(NoTls));
        let (client, connection) = connected.map_err(|error| failure(&error))?;
        runtime.spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(%error, "a database connection ended");
            }
        });
        let mut session = Self {
            client,
            runtime: runtime.clone(),
            statements: HashMap::new(),
            in_transaction: false,
            conflict: false,
            relaxed: false,
        };
        // Acknowledged is on disk, whatever the server's own default is.
        session.batch(
            "SET synchronous_commit = on; SET statement_timeout = '30s'; \
             SET idle_in_transaction_session_timeout = '30s'",
        )?;
        Ok(session)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(super) const fn in_transaction(&self) -> bool {
        self.in_transaction
    }

    pub(super) fn take_conflict(&mut self) -> bool {
        std::mem::take(&mut self.conflict)
    }

    pub(super) fn set_relaxed(&mut self, relaxed: bool) -> Result<(), SqlError> {
        if self.relaxed != relaxed {
            let state = if relaxed { "off" } else { "on" };
            self.batch(&format!("SET synchronous_commit = {state}"))?;
            self.relaxed = relaxed;
        }
        Ok(())
    }

    pub(super) fn begin(&mut self, statement: &str) -> Result<(), SqlError> {
        self.conflict = false;
        self.batch(statement)?;
        self.in_transaction = true;
        Ok(())
    }

    pub(super) fn end(&mut self, statement: &str) -> Result<(), SqlError> {
        let done = self.batch(statement);
        // A transaction whose commit failed is over too.
        self.in_transaction = false;
        done
    }

    pub(super) fn batch(&mut self, statements: &str) -> Result<(), SqlError> {
        let done = self.runtime.block_on(self.client.batch_execute(statements));
        done.map_err(|error| self.note(&error))
    }

    /// Runs in the caller's transaction.
    pub(super) fn migrate(
        &mut self,
        table: &'static str,
        lock: i64,
        steps: &[Migration],
    ) -> Result<(), SqlError> {
        self.batch(&format!("SELECT pg_advisory_xact_lock({lock})"))?;
        self.batch(&format!("CREATE TABLE IF NOT EXISTS {table} (version BIGINT NOT NULL)"))?;
        let asked =
            self.runtime.block_on(self.client.query_one(&format!("SELECT MAX(version) FROM {table}"), &[]));
        let version = asked.and_then(|row| row.try_get::<_, Option<i64>>(0));
        let version = version.map_err(|error| self.note(&error))?.unwrap_or(0);
        for step in missing(steps, version)? {
            self.batch(step.postgres)?;
            self.batch(&format!("INSERT INTO {table} (version) VALUES ({})", step.version))?;
        }
        Ok(())
    }

    fn prepare(&mut self, statement: &'static str) -> Result<Statement, tokio_postgres::Error> {
        if let Some(prepared) = self.statements.get(statement) {
            return Ok(prepared.clone());
        }
        // Parameters are written `?1` here, and `$1` by PostgreSQL.
        let prepared = self.runtime.block_on(self.client.prepare(&statement.replace('?', "$")))?;
        self.statements.insert(statement, prepared.clone());
        Ok(prepared)
    }

    fn note(&mut self, error: &tokio_postgres::Error) -> SqlError {
        let conflicts = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
        self.conflict |= error.code().is_some_and(|code| conflicts.contains(code));
        failure(error)
    }
}

impl Sql for Session {
    fn run(&mut self, statement: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, SqlError> {
        let prepared = self.prepare(statement).map_err(|error| self.note(&error))?;
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = self.runtime.block_on(self.client.query(&prepared, &values));
        rows.map_err(|error| self.note(&error))?.iter().map(row).collect()
    }
}

fn row(row: &tokio_postgres::Row) -> Result<Row, SqlError> {
    let cells = row.columns().iter().enumerate().map(|(index, column)| {
        let integer = |number: Option<i64>| number.map_or(Cell::Null, Cell::Integer);
        Ok(match *column.type_() {
            Type::INT8 => integer(row.try_get(index)?),
            Type::INT4 => integer(row.try_get::<_, Option<i32>>(index)?.map(i64::from)),
            Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(index)?.map_or(Cell::Null, Cell::Bytes),
            _ => row.try_get::<_, Option<String>>(index)?.map_or(Cell::Null, Cell::Text),
        })
    });
    let cells: Result<_, tokio_postgres::Error> = cells.collect();
    cells.map(Row::new).map_err(|error| SqlError::broken(error.to_string()))
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => match *ty {
                Type::INT4 => i32::try_from(*number)?.to_sql(ty, out),
                _ => number.to_sql(ty, out),
            },
            // PostgreSQL's texts cannot hold U+0000; its symbol stands for it.
            Self::Text(text) if text.contains('\0') => text.replace('\0', "\u{2400}").to_sql(ty, out),
            Self::Text(text) => text.to_sql(ty, out),
            Self::Bytes(bytes) => bytes.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::INT4 | Type::TEXT | Type::VARCHAR | Type::BYTEA)
    }

    to_sql_checked!();
}

/// Sorts PostgreSQL's errors into those that pass and those that stay: connections, resources, operators' interventions,
/// system errors and conflicts pass.
fn failure(error: &tokio_postgres::Error) -> SqlError {
    // The error itself names only its kind; what the server said is its source.
    let words = match error.as_db_error() {
        Some(said) => format!("{error}: {}", said.message()),
        None => match std::error::Error::source(error) {
            Some(source) => format!("{error}: {source}"),
            None => error.to_string(),
        },
    };
    match error.code().map(|code| code.code().get(..2).unwrap_or_default()) {
        None | Some("08" | "25" | "28" | "3D" | "40" | "53" | "55" | "57" | "58") => {
            SqlError::unavailable(words)
        }
        Some(_) => SqlError::broken(words),
    }
}
