//! One connection to PostgreSQL, spoken to from a thread that may block.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls, Statement};

use crate::server::sql::{self, Cell, MIGRATIONS, Mode, Row, Sql, Value, newest};
use crate::server::store::StoreError;

/// Any number will do, as long as every receiver takes the same.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(7163485530091882)";

/// The runtime of the connections' own tasks; it ends with the last connection.
#[derive(Debug, Clone)]
pub(super) struct Runtime(Arc<Owned>);

#[derive(Debug)]
struct Owned(Option<tokio::runtime::Runtime>);

impl Drop for Owned {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Dropping a runtime inside another one's task is not allowed; this way it is.
            runtime.shutdown_background();
        }
    }
}

impl Runtime {
    pub(super) fn new(runtime: tokio::runtime::Runtime) -> Self {
        Self(Arc::new(Owned(Some(runtime))))
    }

    fn handle(&self) -> Result<&Handle, StoreError> {
        let runtime = self.0.0.as_ref().ok_or_else(|| StoreError::unavailable("the store is closed"))?;
        Ok(runtime.handle())
    }
}

/// A connection, made when it is needed.
pub(super) struct PostgresConnection {
    config: Config,
    runtime: Runtime,
    session: Option<Session>,
    conflict: bool,
}

impl PostgresConnection {
    pub(super) fn new(config: Config, runtime: Runtime) -> Self {
        Self { config, runtime, session: None, conflict: false }
    }

    /// Brings the database to the present schema. Receivers that start together do it one after the other.
    pub(super) fn migrate(&mut self) -> Result<(), StoreError> {
        let session = self.session()?;
        session.batch("BEGIN")?;
        let steps = session.migrate();
        // The error that counts is the first one.
        let ended = session.batch(if steps.is_ok() { "COMMIT" } else { "ROLLBACK" });
        steps.and(ended)
    }

    fn session(&mut self) -> Result<&mut Session, StoreError> {
        if self.session.as_ref().is_some_and(|session| session.client.is_closed()) {
            self.session = None;
        }
        match &mut self.session {
            Some(session) => Ok(session),
            absent => {
                let session = Session::connect(&self.config, self.runtime.handle()?)?;
                Ok(absent.insert(session))
            }
        }
    }

    /// The session that [`begin`](sql::Connection::begin) made sure of.
    fn begun(&mut self) -> Result<&mut Session, StoreError> {
        self.session.as_mut().ok_or_else(|| StoreError::unavailable("the connection is lost"))
    }
}

impl Sql for PostgresConnection {
    fn run(&mut self, statement: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        self.begun()?.run(statement, values)
    }
}

impl sql::Connection for PostgresConnection {
    fn begin(&mut self, mode: Mode) -> Result<(), StoreError> {
        self.session()?.batch(match mode {
            Mode::Write => "BEGIN",
            Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        })
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.begun()?.batch("COMMIT")
    }

    fn rollback(&mut self) {
        let Some(session) = &mut self.session else { return };
        self.conflict = std::mem::take(&mut session.conflict);
        if session.batch("ROLLBACK").is_err() {
            // Whatever is open on it ends with the connection.
            self.session = None;
        }
    }

    fn take_conflict(&mut self) -> bool {
        std::mem::take(&mut self.conflict)
    }
}

/// A connection with the statements prepared on it.
struct Session {
    client: Client,
    runtime: Handle,
    statements: HashMap<&'static str, Statement>,
    /// Whether a failure was a conflict with another transaction, after which the same work may succeed.
    conflict: bool,
}

impl Session {
    fn connect(config: &Config, runtime: &Handle) -> Result<Self, StoreError> {
        let connected = runtime.block_on(config.connect(NoTls));
        let (client, connection) = connected.map_err(|error| failure(&error))?;
        runtime.spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(%error, "a database connection ended");
            }
        });
        let (runtime, statements) = (runtime.clone(), HashMap::new());
        let mut session = Self { client, runtime, statements, conflict: false };
        // Acknowledged is on disk, whatever the server's own default is.
        session.batch(
            "SET synchronous_commit = on; SET statement_timeout = '30s'; \
             SET idle_in_transaction_session_timeout = '30s'",
        )?;
        Ok(session)
    }

    fn batch(&mut self, statements: &str) -> Result<(), StoreError> {
        let done = self.runtime.block_on(self.client.batch_execute(statements));
        done.map_err(|error| self.note(&error))
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        self.batch(MIGRATION_LOCK)?;
        self.batch("CREATE TABLE IF NOT EXISTS checkin_schema (version BIGINT NOT NULL)")?;
        let version = match self.first("SELECT MAX(version) FROM checkin_schema", &[])? {
            Some(mut row) => row.optional_integer()?.unwrap_or(0),
            None => 0,
        };
        if version > newest() {
            return Err(StoreError::broken(format!(
                "the schema is version {version}, and this program knows up to {}",
                newest()
            )));
        }
        for step in MIGRATIONS.iter().filter(|step| step.version > version) {
            self.batch(step.postgres)?;
            let version = [Value::Integer(step.version)];
            self.run("INSERT INTO checkin_schema (version) VALUES (?1)", &version)?;
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
            // PostgreSQL's texts cannot hold U+0000; its symbol stands for it. Choice: CI-27.
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
