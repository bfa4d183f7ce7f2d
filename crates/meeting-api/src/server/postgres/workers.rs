//! The threads, one a connection, and the work that they share.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use sql_session::postgres::{Config, PostgresConnection, Runtime};
use sql_session::{Connection, Mode, Sql, SqlError};
use tokio::sync::oneshot;

use crate::server::sql::MIGRATIONS;
use crate::server::store::StoreError;

/// How often work is tried that conflicts with other transactions.
const MAX_ATTEMPTS: usize = 5;
/// Where the version of the schema stands, and the lock under which it is brought up to date. Any number will do, as long as
/// every receiver takes the same.
const SCHEMA_TABLE: &str = "meeting_schema";
const SCHEMA_LOCK: i64 = 7_216_309_018_446_227;

/// How a piece of work is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Each statement for itself.
    Single,
    /// Each statement for itself, and on disk soon after it is acknowledged.
    Repeating,
    /// All statements or none.
    Transaction,
    /// The schema is brought up to date first.
    Migrate,
}

/// Work that waits for a connection, and for whose result somebody waits.
pub(super) trait Job: Send {
    /// Does the work and hands over the result.
    fn run(self: Box<Self>, connection: &mut PostgresConnection);
}

pub(super) struct Task<T, F> {
    kind: Kind,
    work: F,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Task<T, F> {
    pub(super) fn new(kind: Kind, work: F, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { kind, work, reply }
    }
}

impl<T: Send, F: Fn(&mut dyn Sql) -> Result<T, SqlError> + Send> Job for Task<T, F> {
    fn run(self: Box<Self>, connection: &mut PostgresConnection) {
        // Whoever asked may be gone; then nobody wants to know.
        let _ = self.reply.send(perform(connection, self.kind, &self.work).map_err(StoreError::from));
    }
}

fn perform<T>(
    connection: &mut PostgresConnection,
    kind: Kind,
    work: &dyn Fn(&mut dyn Sql) -> Result<T, SqlError>,
) -> Result<T, SqlError> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        connection.set_relaxed(kind == Kind::Repeating)?;
        let done = match kind {
            Kind::Single | Kind::Repeating => work(connection),
            Kind::Transaction => transaction(connection, work),
            Kind::Migrate => {
                connection.migrate(SCHEMA_TABLE, SCHEMA_LOCK, MIGRATIONS)?;
                work(connection)
            }
        };
        if done.is_ok() || !connection.take_conflict() || attempts >= MAX_ATTEMPTS {
            return done;
        }
    }
}

fn transaction<T>(
    connection: &mut PostgresConnection,
    work: &dyn Fn(&mut dyn Sql) -> Result<T, SqlError>,
) -> Result<T, SqlError> {
    connection.begin(Mode::Write)?;
    let done = work(connection).and_then(|value| connection.commit().map(|()| value));
    if done.is_err() {
        connection.rollback();
    }
    done
}

#[derive(Debug)]
pub(super) struct Workers {
    // An option, so that dropping it tells the threads to end.
    jobs: Option<SyncSender<Box<dyn Job>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    pub(super) fn start(config: &Config, connections: usize, queue: usize) -> Result<Self, StoreError> {
        let no_thread =
            |error: std::io::Error| StoreError::unavailable(format!("no thread for the database: {error}"));
        let runtime = Runtime::start()?;
        let (jobs, waiting) = sync_channel(queue);
        let waiting = Arc::new(Mutex::new(waiting));
        let mut workers = Self { jobs: Some(jobs), threads: Vec::new() };
        for _ in 0..connections {
            let waiting = Arc::clone(&waiting);
            let connection = PostgresConnection::new(config.clone(), runtime.clone());
            let thread = std::thread::Builder::new()
                .name("postgres-work".to_owned())
                .spawn(move || work_loop(connection, &waiting))
                .map_err(no_thread)?;
            workers.threads.push(thread);
        }
        Ok(workers)
    }

    pub(super) fn submit(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let closed = || StoreError::unavailable("the database is being closed");
        let jobs = self.jobs.as_ref().ok_or_else(closed)?;
        jobs.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => StoreError::Unavailable {
                retry_after: Duration::from_secs(1),
                message: "too much work waits for the database".to_owned(),
            },
            TrySendError::Disconnected(_) => closed(),
        })
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

fn work_loop(mut connection: PostgresConnection, jobs: &Mutex<Receiver<Box<dyn Job>>>) {
    loop {
        // The lock is held while waiting: one idle thread waits for work, the others for the lock.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        job.run(&mut connection);
    }
}
