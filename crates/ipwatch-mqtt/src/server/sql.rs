//! The store over a database that speaks SQL. Every statement is written once, here, for SQLite and PostgreSQL alike; the two differ in how
//! a connection is opened and how a transaction is begun.

mod devices;
mod history;
mod keys;
mod log;
mod migrations;
mod schedules;
mod times;

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;
use sql_session::threads::Threads;
use sql_session::{Row, Sql, SqlError, Value};

pub(crate) use migrations::MIGRATIONS;

use super::store::{
    Begun, CommandLog, DeviceRecord, Devices, Ended, GroupRecord, History, KeyRecord, Keys, LogEntry,
    LogFilter, NewDevice, NewKey, NewSchedule, Point, Sample, ScheduleRecord, ScheduleRun, Schedules, Span,
    Store, StoreError,
};
use crate::GroupName;

/// The store over a database that speaks SQL: a SQLite file or a PostgreSQL database. Cloning it is cheap; the connections are closed when
/// the last clone is dropped, after all that was accepted is stored.
#[derive(Debug, Clone)]
pub struct SqlStore {
    threads: Arc<Threads>,
}

impl SqlStore {
    pub(crate) fn over(threads: Threads) -> Self {
        Self { threads: Arc::new(threads) }
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        Ok(self.threads.read(work).await?)
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, StoreError> {
        Ok(self.threads.write(work).await?)
    }
}

impl Store for SqlStore {
    async fn check(&self) -> Result<(), StoreError> {
        if self.threads.failing() {
            // Nothing is changed, and yet it is a write: a full disk says so.
            return self
                .write(|sql| sql.run("UPDATE keys SET name = name WHERE id = ''", &[]).map(drop))
                .await;
        }
        self.read(|sql| sql.run("SELECT 1", &[]).map(drop)).await
    }
}

impl Devices for SqlStore {
    async fn put_device(&self, device: NewDevice, now: Timestamp) -> Result<bool, StoreError> {
        self.write(move |sql| devices::put(sql, &device, now)).await
    }

    async fn retire_device(&self, address: IpAddr, now: Timestamp) -> Result<bool, StoreError> {
        self.write(move |sql| devices::retire(sql, address, now)).await
    }

    async fn devices(&self) -> Result<Vec<DeviceRecord>, StoreError> {
        self.read(devices::all).await
    }

    async fn put_group(&self, name: GroupName, devices: Vec<IpAddr>) -> Result<Vec<IpAddr>, StoreError> {
        self.write(move |sql| devices::put_group(sql, &name, &devices)).await
    }

    async fn delete_group(&self, name: GroupName) -> Result<bool, StoreError> {
        self.write(move |sql| devices::delete_group(sql, &name)).await
    }

    async fn groups(&self) -> Result<Vec<GroupRecord>, StoreError> {
        self.read(devices::groups).await
    }
}

impl History for SqlStore {
    async fn add_samples(&self, samples: Vec<Sample>) -> Result<(), StoreError> {
        if samples.is_empty() {
            return Ok(());
        }
        self.write(move |sql| history::add(sql, &samples)).await
    }

    async fn history(&self, device: i64, span: Span, most: usize) -> Result<Vec<Point>, StoreError> {
        self.read(move |sql| history::read(sql, device, span, most)).await
    }

    async fn prune_history(&self, device: i64, before: Timestamp, most: u32) -> Result<u64, StoreError> {
        self.write(move |sql| history::prune(sql, device, before, most)).await
    }
}

impl CommandLog for SqlStore {
    async fn begin_commands(&self, commands: Vec<Begun>) -> Result<Vec<i64>, StoreError> {
        if commands.is_empty() {
            return Ok(Vec::new());
        }
        self.write(move |sql| log::begin(sql, &commands)).await
    }

    async fn end_commands(&self, ended: Vec<Ended>) -> Result<(), StoreError> {
        if ended.is_empty() {
            return Ok(());
        }
        self.write(move |sql| log::end(sql, &ended)).await
    }

    async fn log(&self, filter: LogFilter) -> Result<Vec<LogEntry>, StoreError> {
        self.read(move |sql| log::read(sql, filter)).await
    }

    async fn prune_log(&self, before: Timestamp, most: u32) -> Result<u64, StoreError> {
        self.write(move |sql| log::prune(sql, before, most)).await
    }
}

impl Schedules for SqlStore {
    async fn put_schedule(&self, schedule: NewSchedule, now: Timestamp) -> Result<bool, StoreError> {
        self.write(move |sql| schedules::put(sql, &schedule, now)).await
    }

    async fn delete_schedule(&self, id: String) -> Result<bool, StoreError> {
        self.write(move |sql| schedules::delete(sql, &id)).await
    }

    async fn schedules(&self) -> Result<Vec<ScheduleRecord>, StoreError> {
        self.read(schedules::all).await
    }

    async fn claim_slots(&self, id: String, from: Timestamp, to: Timestamp) -> Result<bool, StoreError> {
        self.write(move |sql| schedules::claim(sql, &id, from, to)).await
    }

    async fn note_run(&self, id: String, run: ScheduleRun) -> Result<(), StoreError> {
        self.write(move |sql| schedules::note(sql, &id, &run)).await
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

    async fn revoke_key(&self, id_or_name: &str, at: Timestamp) -> Result<bool, StoreError> {
        let id_or_name = id_or_name.to_owned();
        self.write(move |sql| keys::revoke(sql, &id_or_name, at)).await
    }
}
