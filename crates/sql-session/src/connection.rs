use crate::{Row, SqlError, Value};

/// Runs statements, inside a transaction or out of one.
pub trait Sql {
    /// Runs one statement, whose parameters are written `?1`, `?2`, …, and reads all the rows it gives. No other `?` may stand in
    /// it.
    ///
    /// # Errors
    /// [`SqlError`] when the database refuses or fails.
    fn run(&mut self, statement: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, SqlError>;

    /// Runs one statement and reads its first row, if it gives any.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    fn first(&mut self, statement: &'static str, values: &[Value<'_>]) -> Result<Option<Row>, SqlError> {
        Ok(self.run(statement, values)?.into_iter().next())
    }
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Reading, all of it from one state of the database.
    Read,
    /// Writing; [`Connection::commit`] returns when it is on disk.
    Write,
}

/// A connection to a database, driven from a thread of its own that may block.
pub trait Connection: Sql + Send + 'static {
    /// Begins a transaction; a lost connection is made again.
    ///
    /// # Errors
    /// [`SqlError`] when the database refuses or fails.
    fn begin(&mut self, mode: Mode) -> Result<(), SqlError>;

    /// Ends it well.
    ///
    /// # Errors
    /// [`SqlError`]: nothing of it counts.
    fn commit(&mut self) -> Result<(), SqlError>;

    /// Ends it, well or not: afterwards none is open.
    fn rollback(&mut self);

    /// Whether the last failure was a conflict with another transaction, after which the same work may succeed.
    fn take_conflict(&mut self) -> bool {
        false
    }
}
