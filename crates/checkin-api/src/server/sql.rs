//! The store over a database that speaks SQL. Every statement is written once, here, for SQLite and PostgreSQL alike; the
//! two differ in how a connection is opened and how a transaction is begun.

mod keys;
mod migrations;
mod reading;
mod row;
mod submissions;
mod workers;
mod writer;

use std::sync::Arc;

use tokio::sync::oneshot;

pub(crate) use migrations::{MIGRATIONS, newest};
pub(crate) use row::{Cell, Row};
pub(crate) use workers::{Options, Workers};

use super::store::{
    BotRecord, CheckInStore, Filter, KeyRecord, Keys, NewKey, Outcome, PageRequest, PersonSheet, Rank,
    Reading, Record, RejectedCount, Scope, Sheet, Standing, State, StoreError, Submission, Submissions,
    WeekCount,
};
use crate::net::Regulars;

/// A value given to a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Nothing.
    Null,
    /// A number.
    Integer(i64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    pub(crate) fn optional_text(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::Text)
    }

    pub(crate) fn optional_integer(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Integer)
    }
}

/// An open transaction.
pub(crate) trait Sql {
    /// Runs one statement, whose parameters are written `?1`, `?2`, …, and reads all the rows it gives.
    ///
    /// # Errors
    /// [`StoreError`] when the database refuses or fails.
    fn run(&mut self, statement: &'static str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError>;

    /// Runs one statement and reads its first row, if it gives any.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    fn first(&mut self, statement: &'static str, values: &[Value<'_>]) -> Result<Option<Row>, StoreError> {
        Ok(self.run(statement, values)?.into_iter().next())
    }
}

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Reading, all of it from one state of the database.
    Read,
    /// Writing; [`Connection::commit`] returns when it is on disk.
    Write,
}

/// A connection to a database, driven from a thread of its own that may block.
pub(crate) trait Connection: Sql + Send + 'static {
    /// Begins a transaction; a lost connection is made again.
    fn begin(&mut self, mode: Mode) -> Result<(), StoreError>;

    /// Ends it well.
    fn commit(&mut self) -> Result<(), StoreError>;

    /// Ends it, well or not: afterwards none is open.
    fn rollback(&mut self);

    /// Whether the last failure was a conflict with another transaction, after which the same work may succeed.
    fn take_conflict(&mut self) -> bool {
        false
    }
}

/// The store over a database that speaks SQL: a SQLite file or a PostgreSQL database. Cloning it is cheap; the
/// connections are closed when the last clone is dropped, after all that was accepted is stored.
#[derive(Debug, Clone)]
pub struct SqlStore {
    workers: Arc<Workers>,
}

impl SqlStore {
    pub(crate) fn over(workers: Workers) -> Self {
        Self { workers: Arc::new(workers) }
    }

    /// Runs work that only reads, all of it from one state of the database.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.workers.read(workers::Task::boxed(work, reply))?;
        answer.await.map_err(|_| workers::closed())?
    }

    /// Runs work that writes, all of it or nothing; returns when it is on disk. It may run again after a conflict.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.workers.write(workers::Task::boxed(work, reply))?;
        answer.await.map_err(|_| workers::closed())?
    }
}

impl CheckInStore for SqlStore {
    async fn check(&self) -> Result<(), StoreError> {
        if self.workers.failing() {
            let now = jiff::Timestamp::now().as_second();
            return self.write(move |sql| submissions::probe(sql, now)).await;
        }
        self.read(|sql| sql.run("SELECT 1", &[]).map(drop)).await
    }
}

impl Submissions for SqlStore {
    async fn submit(&self, copies: Vec<Submission>) -> Result<Vec<Outcome>, StoreError> {
        if copies.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, answer) = oneshot::channel();
        self.workers.submit(copies, reply)?;
        answer.await.map_err(|_| workers::closed())?
    }

    async fn add_rejected(&self, counts: Vec<RejectedCount>) -> Result<(), StoreError> {
        if counts.is_empty() {
            return Ok(());
        }
        self.write(move |sql| submissions::add_rejected(sql, &counts)).await
    }
}

impl Keys for SqlStore {
    async fn add_key(&self, key: NewKey) -> Result<bool, StoreError> {
        self.write(move |sql| keys::add(sql, &key)).await
    }

    async fn key(&self, id: &str) -> Result<Option<KeyRecord>, StoreError> {
        let id = id.to_owned();
        self.read(move |sql| keys::one(sql, &id)).await
    }

    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        self.read(keys::all).await
    }

    async fn revoke_key(&self, id_or_name: &str, at: jiff::Timestamp) -> Result<bool, StoreError> {
        let id_or_name = id_or_name.to_owned();
        self.write(move |sql| keys::revoke(sql, &id_or_name, at)).await
    }
}

impl Reading for SqlStore {
    async fn state(&self) -> Result<State, StoreError> {
        self.read(reading::state).await
    }

    async fn records(&self, filter: Filter, page: PageRequest) -> Result<Vec<Record>, StoreError> {
        self.read(move |sql| reading::records(sql, &filter, &page)).await
    }

    async fn sheet(&self, scope: Scope) -> Result<Sheet, StoreError> {
        self.read(move |sql| reading::sheet(sql, &scope)).await
    }

    async fn person(&self, scope: Scope, username: String) -> Result<Option<PersonSheet>, StoreError> {
        self.read(move |sql| reading::person(sql, &scope, &username)).await
    }

    async fn leaders(
        &self,
        scope: Scope,
        after: Option<Rank>,
        limit: usize,
    ) -> Result<Vec<Standing>, StoreError> {
        self.read(move |sql| reading::leaders(sql, &scope, after.as_ref(), limit)).await
    }

    async fn weeks(&self, scope: Scope) -> Result<Vec<WeekCount>, StoreError> {
        self.read(move |sql| reading::weeks(sql, &scope)).await
    }

    async fn missing(&self, scope: Scope, rule: Regulars, limit: usize) -> Result<Vec<Standing>, StoreError> {
        self.read(move |sql| reading::missing(sql, &scope, rule, limit)).await
    }

    async fn bots(&self, limit: u32) -> Result<Vec<BotRecord>, StoreError> {
        self.read(move |sql| reading::bots(sql, limit)).await
    }
}
