use std::fmt;

use super::session::Session;
use super::{Config, Runtime};
use crate::{Connection, Migration, Mode, Row, Sql, SqlError, Value};

/// A connection, made when it is needed and again when it is lost.
pub struct PostgresConnection {
    config: Config,
    runtime: Runtime,
    session: Option<Session>,
    conflict: bool,
}

impl PostgresConnection {
    /// A connection to this database; nothing happens yet.
    #[must_use]
    pub const fn new(config: Config, runtime: Runtime) -> Self {
        Self { config, runtime, session: None, conflict: false }
    }

    /// Brings the database to the present schema, whose version stands in a table of that name. Programs that take the same
    /// `lock` do it one after the other.
    ///
    /// # Errors
    /// [`SqlError::Broken`] when the schema is a newer program's, [`SqlError`] when the database fails: it is as it was.
    pub fn migrate(&mut self, table: &'static str, lock: i64, steps: &[Migration]) -> Result<(), SqlError> {
        let session = self.session()?;
        session.batch("BEGIN")?;
        let done = session.migrate(table, lock, steps);
        // The error that counts is the first one.
        let ended = session.batch(if done.is_ok() { "COMMIT" } else { "ROLLBACK" });
        done.and(ended)
    }

    /// Chooses whether the commits that follow are acknowledged before they are on disk, which they are within three times
    /// PostgreSQL's `wal_writer_delay`, less than a second. A new connection acknowledges what is on disk.
    ///
    /// # Errors
    /// [`SqlError`] when the database fails.
    pub fn set_relaxed(&mut self, relaxed: bool) -> Result<(), SqlError> {
        self.session()?.set_relaxed(relaxed)
    }

    fn session(&mut self) -> Result<&mut Session, SqlError> {
        if self.session.as_ref().is_some_and(Session::is_closed) {
            self.session = None;
        }
        match &mut self.session {
            Some(session) => Ok(session),
            absent => Ok(absent.insert(Session::connect(&self.config.0, self.runtime.handle()?)?)),
        }
    }

    /// The session that [`begin`](Connection::begin) made sure of.
    fn begun(&mut self) -> Result<&mut Session, SqlError> {
        self.session.as_mut().ok_or_else(|| SqlError::unavailable("the connection is lost"))
    }
}

impl Sql for PostgresConnection {
    /// Out of a transaction each statement is one of its own, and a lost connection is made again.
    fn run(&mut self, statement: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, SqlError> {
        let session = if self.session.as_ref().is_some_and(Session::in_transaction) {
            self.begun()?
        } else {
            self.session()?
        };
        session.run(statement, values)
    }
}

impl Connection for PostgresConnection {
    fn begin(&mut self, mode: Mode) -> Result<(), SqlError> {
        self.session()?.begin(match mode {
            Mode::Write => "BEGIN",
            Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        })
    }

    fn commit(&mut self) -> Result<(), SqlError> {
        self.begun()?.end("COMMIT")
    }

    fn rollback(&mut self) {
        let Some(session) = &mut self.session else { return };
        if session.in_transaction() && session.end("ROLLBACK").is_err() {
            // Whatever is open on it ends with the connection.
            self.conflict |= session.take_conflict();
            self.session = None;
        }
    }

    fn take_conflict(&mut self) -> bool {
        let of_session = self.session.as_mut().is_some_and(Session::take_conflict);
        std::mem::take(&mut self.conflict) || of_session
    }
}

impl fmt::Debug for PostgresConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConnection")
            .field("connected", &self.session.is_some())
            .finish_non_exhaustive()
    }
}
