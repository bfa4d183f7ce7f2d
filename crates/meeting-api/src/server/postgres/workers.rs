//! The threads, one a connection, and the work that they share.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio_postgres::Config;

use super::session::Session;
use crate::server::sql::Sql;
use crate::server::store::StoreError;

/// How often work is tried that conflicts with other transactions.
const MAX_ATTEMPTS: usize = 5;

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
    fn run(self: Box<Self>, connection: &mut Connection);
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

impl<T: Send, F: Fn(&mut dyn Sql) -> Result<T, StoreError> + Send> Job for Task<T, F> {
    fn run(self: Box<Self>, connection: &mut Connection) {
        // Whoever asked may be gone; then nobody wants to know.
        let _ = self.reply.send(connection.perform(self.kind, &self.work));
    }
}

/// A connection, made when it is needed.
pub(super) struct Connection {
    config: Config,
    runtime: Handle,
    session: Option<Session>,
}

impl Connection {
    fn perform<T>(
        &mut self,
        kind: Kind,
        work: &dyn Fn(&mut dyn Sql) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let session = self.session()?;
            session.set_relaxed(kind == Kind::Repeating)?;
            let done = match kind {
                Kind::Single | Kind::Repeating => work(session),
                Kind::Transaction => transaction(session, work),
                Kind::Migrate => session.migrate().and_then(|()| work(session)),
            };
            let conflict = session.take_conflict();
            if session.is_closed() {
                self.session = None;
            }
            if done.is_ok() || !conflict || attempts >= MAX_ATTEMPTS {
                return done;
            }
        }
    }

    fn session(&mut self) -> Result<&mut Session, StoreError> {
        if self.session.as_ref().is_some_and(Session::is_closed) {
            self.session = None;
        }
        match &mut self.session {
            Some(session) => Ok(session),
            empty => Ok(empty.insert(Session::connect(&self.config, &self.runtime)?)),
        }
    }
}

fn transaction<T>(
    session: &mut Session,
    work: &dyn Fn(&mut dyn Sql) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    session.batch("BEGIN")?;
    match work(session) {
        Ok(value) => session.batch("COMMIT").map(|()| value),
        Err(error) => {
            // The error that counts is the first one; a connection that cannot roll back is closed by the server.
            let _ = session.batch("ROLLBACK");
            Err(error)
        }
    }
}

#[derive(Debug)]
pub(super) struct Workers {
    // Options, so that dropping them ends the threads and then the runtime.
    jobs: Option<SyncSender<Box<dyn Job>>>,
    threads: Vec<JoinHandle<()>>,
    runtime: Option<Runtime>,
}

impl Workers {
    pub(super) fn start(config: &Config, connections: usize, queue: usize) -> Result<Self, StoreError> {
        let no_thread =
            |error: std::io::Error| StoreError::unavailable(format!("no thread for the database: {error}"));
        // The connections' own tasks run here, so that a connection which the server closes is noticed at once.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("postgres-io")
            .enable_all()
            .build()
            .map_err(no_thread)?;
        let (jobs, waiting) = sync_channel(queue);
        let waiting = Arc::new(Mutex::new(waiting));
        let mut workers = Self { jobs: Some(jobs), threads: Vec::new(), runtime: Some(runtime) };
        for _ in 0..connections {
            let waiting = Arc::clone(&waiting);
            let Some(runtime) = workers.runtime.as_ref().map(|runtime| runtime.handle().clone()) else {
                break;
            };
            let connection = Connection { config: config.clone(), runtime, session: None };
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
        if let Some(runtime) = self.runtime.take() {
            // Dropping a runtime inside another one's task is not allowed; this way it is.
            runtime.shutdown_background();
        }
    }
}

fn work_loop(mut connection: Connection, jobs: &Mutex<Receiver<Box<dyn Job>>>) {
    loop {
        // The lock is held while waiting: one idle thread waits for work, the others for the lock.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        job.run(&mut connection);
    }
}
