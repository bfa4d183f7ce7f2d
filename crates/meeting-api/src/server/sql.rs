//! The store over a database that speaks SQL. Every statement is written once, here, for SQLite and PostgreSQL alike;
//! the two differ in how a connection is kept and how a transaction is run.

mod credentials;
mod devices;
mod keys;
mod logs;
mod migrations;
mod times;
mod tunnels;

use std::future::Future;
use std::time::Duration;

pub(crate) use migrations::MIGRATIONS;
use sql_session::{Row, Sql, SqlError, Value};

use super::store::{
    Beat, Beaten, CredentialRecord, Credentials, Decision, DeviceChange, DevicePage, DeviceRecord, Devices,
    KeyRecord, Keys, LogRecord, Logs, NewCredential, NewDevice, OperatorKey, PageRequest, Publication,
    PublishedKey, Reservation, Reserved, Store, StoreError, TunnelRecord, Tunnels,
};
use crate::{DeviceKey, ServiceName, UtcTimestamp};

/// A database as the SQL store needs it. Work runs off the async threads and may run again after a conflict.
pub trait Backend: Clone + Send + Sync + 'static {
    /// Runs work that only reads.
    fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// Runs work that writes, all of it or nothing; returns when it is on disk.
    fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// Runs work that consists of one writing statement, and so needs no transaction of its own.
    fn write_once<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;

    /// The same for work that comes again by itself: it outlives this process at once, and a loss of power a second later.
    fn write_soon<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send;
}

/// The store over a database that speaks SQL: [`SqliteStore`](super::SqliteStore) or
/// [`PostgresStore`](super::PostgresStore). Cloning it is cheap; all clones share the connections.
#[derive(Debug, Clone)]
pub struct SqlStore<B> {
    backend: B,
    log_limit: u32,
}

/// How many lines a device's log keeps unless told otherwise.
pub const DEFAULT_LOG_LIMIT: u32 = 500;

impl<B: Backend> SqlStore<B> {
    pub(crate) fn over(backend: B) -> Self {
        Self { backend, log_limit: DEFAULT_LOG_LIMIT }
    }

    /// Keeps at most so many lines in each device's log; 500 by default.
    #[must_use]
    pub fn with_log_limit(mut self, lines: u32) -> Self {
        self.log_limit = lines;
        self
    }
}

impl<B: Backend> Store for SqlStore<B> {
    async fn check(&self) -> Result<(), StoreError> {
        self.backend.read(|sql| sql.run("SELECT 1", &[]).map(drop)).await
    }
}

impl<B: Backend> Devices for SqlStore<B> {
    async fn beat(&self, beat: Beat) -> Result<Option<Beaten>, StoreError> {
        let update = devices::PresenceUpdate::of(&beat);
        let Some(beaten) = self.backend.write_soon(move |sql| update.run(sql)).await? else {
            return Ok(None);
        };
        // The rare rest: a note, or a return that goes into the log.
        if beaten.returned || beat.note.is_some() {
            let (away_since, limit) = (beaten.departed_unnoticed, self.log_limit);
            let returned = beaten.returned;
            self.backend
                .write(move |sql| devices::after_beat(sql, &beat, returned, away_since, limit))
                .await?;
        }
        Ok(Some(Beaten { ip_address: beaten.ip_address, returned: beaten.returned }))
    }

    async fn device(&self, key: &DeviceKey) -> Result<Option<DeviceRecord>, StoreError> {
        let key = key.clone();
        self.backend.read(move |sql| devices::one(sql, &key)).await
    }

    async fn devices(&self, page: PageRequest) -> Result<DevicePage, StoreError> {
        self.backend.read(move |sql| devices::page(sql, &page)).await
    }

    async fn create_device(&self, device: NewDevice) -> Result<bool, StoreError> {
        let limit = self.log_limit;
        self.backend.write(move |sql| devices::create(sql, &device, limit)).await
    }

    async fn change_device(
        &self,
        key: &DeviceKey,
        change: DeviceChange,
        at: UtcTimestamp,
    ) -> Result<bool, StoreError> {
        let (key, limit) = (key.clone(), self.log_limit);
        self.backend.write(move |sql| devices::change(sql, &key, &change, at, limit)).await
    }

    async fn remove_device(&self, key: &DeviceKey) -> Result<bool, StoreError> {
        let key = key.clone();
        self.backend.write(move |sql| devices::remove(sql, &key)).await
    }

    async fn notice_departures(
        &self,
        now: UtcTimestamp,
        online_window: Duration,
    ) -> Result<Vec<DeviceKey>, StoreError> {
        // Looking first keeps the usual case, in which nobody left, off the writer.
        if !self.backend.read(move |sql| devices::anybody_gone(sql, now, online_window)).await? {
            return Ok(Vec::new());
        }
        let limit = self.log_limit;
        self.backend.write(move |sql| devices::notice_departures(sql, now, online_window, limit)).await
    }
}

impl<B: Backend> Keys for SqlStore<B> {
    async fn ssh_key(&self, key: &DeviceKey) -> Result<Option<KeyRecord>, StoreError> {
        let key = key.clone();
        self.backend.read(move |sql| keys::one(sql, &key)).await
    }

    async fn publish_key(&self, key: &DeviceKey, published: PublishedKey) -> Result<Publication, StoreError> {
        let (key, limit) = (key.clone(), self.log_limit);
        self.backend.write(move |sql| keys::publish(sql, &key, &published, limit)).await
    }

    async fn set_key(&self, key: &DeviceKey, set: OperatorKey) -> Result<bool, StoreError> {
        let (key, limit) = (key.clone(), self.log_limit);
        self.backend.write(move |sql| keys::set(sql, &key, &set, limit)).await
    }

    async fn decide_key(
        &self,
        key: &DeviceKey,
        decision: Decision,
        fingerprint: Option<String>,
        at: UtcTimestamp,
    ) -> Result<bool, StoreError> {
        let (key, limit) = (key.clone(), self.log_limit);
        self.backend
            .write(move |sql| keys::decide(sql, &key, decision, fingerprint.as_deref(), at, limit))
            .await
    }

    async fn revoke_key(&self, key: &DeviceKey, at: UtcTimestamp) -> Result<bool, StoreError> {
        let (key, limit) = (key.clone(), self.log_limit);
        self.backend.write(move |sql| keys::revoke(sql, &key, at, limit)).await
    }

    async fn ssh_keys(&self, pending_only: bool) -> Result<Vec<KeyRecord>, StoreError> {
        self.backend.read(move |sql| keys::all(sql, pending_only)).await
    }

    async fn key_by_fingerprint(
        &self,
        fingerprint: &str,
        preferred: Option<&DeviceKey>,
    ) -> Result<Option<KeyRecord>, StoreError> {
        let (fingerprint, preferred) = (fingerprint.to_owned(), preferred.cloned());
        self.backend.read(move |sql| keys::by_fingerprint(sql, &fingerprint, preferred.as_ref())).await
    }
}

impl<B: Backend> Tunnels for SqlStore<B> {
    async fn tunnels(&self, now: UtcTimestamp) -> Result<Vec<TunnelRecord>, StoreError> {
        self.backend.read(move |sql| tunnels::in_force(sql, now)).await
    }

    async fn reserve(&self, reservation: Reservation) -> Result<Reserved, StoreError> {
        let limit = self.log_limit;
        self.backend.write(move |sql| tunnels::reserve(sql, &reservation, limit)).await
    }

    async fn release(
        &self,
        key: &DeviceKey,
        service: &ServiceName,
        at: UtcTimestamp,
    ) -> Result<bool, StoreError> {
        let (key, service, limit) = (key.clone(), service.clone(), self.log_limit);
        self.backend.write(move |sql| tunnels::release(sql, &key, &service, at, limit)).await
    }

    async fn release_all(&self, key: &DeviceKey, at: UtcTimestamp) -> Result<u64, StoreError> {
        let (key, limit) = (key.clone(), self.log_limit);
        self.backend.write(move |sql| tunnels::release_all(sql, &key, at, limit)).await
    }
}

impl<B: Backend> Credentials for SqlStore<B> {
    async fn create_credential(&self, credential: NewCredential) -> Result<bool, StoreError> {
        self.backend.write(move |sql| credentials::create(sql, &credential)).await
    }

    async fn create_first_operator(&self, credential: NewCredential) -> Result<bool, StoreError> {
        self.backend.write(move |sql| credentials::create_first_operator(sql, &credential)).await
    }

    async fn credential(&self, id: &str) -> Result<Option<CredentialRecord>, StoreError> {
        let id = id.to_owned();
        self.backend.read(move |sql| credentials::one(sql, &id)).await
    }

    async fn credentials(&self, device: Option<&DeviceKey>) -> Result<Vec<CredentialRecord>, StoreError> {
        let device = device.cloned();
        self.backend.read(move |sql| credentials::all(sql, device.as_ref())).await
    }

    async fn revoke_credential(&self, id: &str, at: UtcTimestamp) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.backend.write(move |sql| credentials::revoke(sql, &id, at)).await
    }

    async fn replace_device_credential(&self, credential: NewCredential) -> Result<bool, StoreError> {
        self.backend.write(move |sql| credentials::replace_of_device(sql, &credential)).await
    }

    async fn revoke_device_credentials(
        &self,
        device: &DeviceKey,
        at: UtcTimestamp,
    ) -> Result<u64, StoreError> {
        let device = device.clone();
        self.backend.write(move |sql| credentials::revoke_of_device(sql, &device, at)).await
    }

    async fn spend_nonce(&self, nonce: String, until: UtcTimestamp) -> Result<bool, StoreError> {
        self.backend.write_once(move |sql| credentials::spend_nonce(sql, &nonce, until)).await
    }

    async fn forget_expired(&self, now: UtcTimestamp) -> Result<(), StoreError> {
        self.backend.write(move |sql| credentials::forget_expired(sql, now)).await
    }
}

impl<B: Backend> Logs for SqlStore<B> {
    async fn append_log(&self, key: &DeviceKey, entry: LogRecord) -> Result<bool, StoreError> {
        let (key, limit) = (key.clone(), self.log_limit);
        self.backend.write(move |sql| logs::append_if_known(sql, &key, &entry, limit)).await
    }

    async fn device_log(&self, key: &DeviceKey, limit: u32) -> Result<Vec<LogRecord>, StoreError> {
        let key = key.clone();
        self.backend.read(move |sql| logs::newest(sql, &key, limit)).await
    }

    async fn purge_log(&self, key: &DeviceKey) -> Result<u64, StoreError> {
        let key = key.clone();
        self.backend.write(move |sql| logs::purge(sql, &key)).await
    }
}
