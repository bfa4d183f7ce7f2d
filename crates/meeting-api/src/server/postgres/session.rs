//! One connection to PostgreSQL, spoken to from a thread that may block.

use std::collections::HashMap;

use tokio::runtime::Handle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls, Statement};

use crate::server::sql::{Cell, MIGRATIONS, Row, Sql, Value};
use crate::server::store::StoreError;

/// Any number will do, as long as every receiver takes the same.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(7216309018446227)";

/// A connection with the statements prepared on it.
pub(super) struct Session {
    client: Client,
    runtime: Handle,
    statements: HashMap<&'static str, Statement>,
    /// Whether the last failure was a conflict with another transaction, after which the same work may succeed.
    conflict: bool,
    /// Whether commits are acknowledged before they are on disk.
    relaxed: bool,
}

impl Session {
    pub(super) fn connect(config: &Config, runtime: &Handle) -> Result<Self, StoreError> {
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
            conflict: false,
            relaxed: false,
        };
        session.batch("SET statement_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s'")?;
        Ok(session)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Whether the work since the last call met a conflict.
    pub(super) fn take_conflict(&mut self) -> bool {
        std::mem::take(&mut self.conflict)
    }

    /// Chooses whether the commits that follow are acknowledged before they are on disk, which they are within three times
    /// PostgreSQL's `wal_writer_delay`, less than a second.
    pub(super) fn set_relaxed(&mut self, relaxed: bool) -> Result<(), StoreError> {
        if self.relaxed != relaxed {
            self.batch(if relaxed { "SET synchronous_commit = off" } else { "RESET synchronous_commit" })?;
            self.relaxed = relaxed;
        }
        Ok(())
    }

    pub(super) fn batch(&mut self, statements: &str) -> Result<(), StoreError> {
        let done = self.runtime.block_on(self.client.batch_execute(statements));
        done.map_err(|error| self.note(&error))
    }

    /// Brings the database to the present schema. Receivers that start together do it one after the other.
    pub(super) fn migrate(&mut self) -> Result<(), StoreError> {
        self.batch("BEGIN")?;
        let steps = self.migrate_in_transaction();
        match steps {
            Ok(()) => self.batch("COMMIT"),
            Err(error) => {
                // The error that counts is the first one.
                let _ = self.batch("ROLLBACK");
                Err(error)
            }
        }
    }

    fn migrate_in_transaction(&mut self) -> Result<(), StoreError> {
        self.batch(MIGRATION_LOCK)?;
        self.batch("CREATE TABLE IF NOT EXISTS meeting_schema (version BIGINT NOT NULL)")?;
        let version = match self.first("SELECT MAX(version) FROM meeting_schema", &[])? {
            Some(mut row) => row.optional_integer()?.unwrap_or(0),
            None => 0,
        };
        let newest = MIGRATIONS.last().map_or(0, |step| step.version);
        if version > newest {
            return Err(StoreError::broken(format!(
                "the schema is version {version}, and this program knows up to {newest}"
            )));
        }
        for step in MIGRATIONS.iter().filter(|step| step.version > version) {
            self.batch(step.postgres)?;
            let version = [Value::Integer(step.version)];
            self.run("INSERT INTO meeting_schema (version) VALUES (?1)", &version)?;
        }
        Ok(())
    }

    fn prepare(&mut self, statement: &'static str) -> Result<Statement, tokio_postgres::Error> {
        if let Some(prepared) = self.statements.get(statement) {
            return Ok(prepared.clone());
        }
        // Parameters are written `?1` in this crate, and `$1` by PostgreSQL; no statement holds another `?`.
        let prepared = self.runtime.block_on(self.client.prepare(&statement.replace('?', "$")))?;
        self.statements.insert(statement, prepared.clone());
        Ok(prepared)
    }

    fn note(&mut self, error: &tokio_postgres::Error) -> StoreError {
        let conflicts = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
        self.conflict |= error.code().is_some_and(|code| conflicts.contains(code));
        failure(error)
    }
}

impl Sql for Session {
    fn run(&mut self, statement: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let prepared = self.prepare(statement).map_err(|error| self.note(&error))?;
        let values: Vec<&(dyn ToSql + Sync)> =
            values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let rows = self.runtime.block_on(self.client.query(&prepared, &values));
        rows.map_err(|error| self.note(&error))?.iter().map(row).collect()
    }
}

fn row(row: &tokio_postgres::Row) -> Result<Row, StoreError> {
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
    cells.map(Row::new).map_err(|error| StoreError::broken(error.to_string()))
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
fn failure(error: &tokio_postgres::Error) -> StoreError {
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
            StoreError::unavailable(words)
        }
        Some(_) => StoreError::broken(words),
    }
}
