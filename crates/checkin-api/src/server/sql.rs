//! The store over a database that speaks SQL. Every statement is written once, here, for SQLite and PostgreSQL alike; the
//! two differ in how a connection is opened and how a transaction is begun.

mod keys;
mod migrations;
mod reading;
mod submissions;
mod times;
mod workers;
mod writer;

use std::sync::Arc;

use sql_session::{Row, Sql, SqlError, Value};
use tokio::sync::oneshot;

pub(crate) use migrations::MIGRATIONS;
pub(crate) use workers::{Options, Workers};

use super::store::{
    BotRecord, CheckInStore, Filter, KeyRecord, Keys, NewKey, Outcome, PageRequest, PersonSheet, Rank,
    Reading, Record, RejectedCount, Scope, Sheet, Standing, State, StoreError, Submission, Submissions,
    WeekCount,
};
use crate::net::Regulars;

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
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.workers.read(workers::Task::boxed(work, reply))?;
        answer.await.map_err(|_| workers::closed())?
    }

    /// Runs work that writes, all of it or nothing; returns when it is on disk. It may run again after a conflict.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
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
