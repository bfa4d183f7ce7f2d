//! The threads: one that writes, a few that read.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use sql_session::sqlite::execute;
use sql_session::{Sql, SqlError};
use tokio::sync::oneshot;

use super::writer::Writer;
use crate::server::store::StoreError;

/// What work is made of, and when it has to be on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Several statements, all or none; on disk before it is acknowledged.
    Transaction,
    /// One statement, which undoes itself when it fails; on disk before it is acknowledged.
    Statement,
    /// One statement that comes again by itself; on disk soon after.
    Repeating,
}

/// Work that waits for a connection, and for whose result somebody waits.
pub(super) trait Job: Send {
    /// What it is made of.
    fn kind(&self) -> Kind;
    /// Does the work; whether it went well.
    fn run(&mut self, connection: &mut Connection) -> bool;
    /// Hands over the result, or the reason why it does not count after all.
    fn finish(self: Box<Self>, committed: Result<(), StoreError>);
}

pub(super) struct Task<T, F> {
    work: F,
    kind: Kind,
    reply: oneshot::Sender<Result<T, StoreError>>,
    result: Option<Result<T, SqlError>>,
}

impl<T, F> Task<T, F> {
    pub(super) fn new(work: F, kind: Kind, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { work, kind, reply, result: None }
    }
}

impl<T: Send, F: Fn(&mut dyn Sql) -> Result<T, SqlError> + Send> Job for Task<T, F> {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn run(&mut self, connection: &mut Connection) -> bool {
        self.result.insert((self.work)(connection)).is_ok()
    }

    fn finish(self: Box<Self>, committed: Result<(), StoreError>) {
        let result = match (committed, self.result) {
            (Err(failure), Some(Ok(_)) | None) => Err(failure),
            (_, Some(result)) => result.map_err(StoreError::from),
            (Ok(()), None) => Err(StoreError::unavailable("the work was not done")),
        };
        // Whoever asked may be gone; then nobody wants to know.
        let _ = self.reply.send(result);
    }
}

#[derive(Debug)]
pub(super) struct Workers {
    // Options, so that dropping them tells the threads to end.
    writes: Option<SyncSender<Box<dyn Job>>>,
    reads: Option<SyncSender<Box<dyn Job>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    pub(super) fn start(
        writer: Connection,
        readers: Vec<Connection>,
        queue: usize,
    ) -> Result<Self, StoreError> {
        let (writes, jobs) = sync_channel(queue);
        let mut threads = vec![spawn("sqlite-writer", move || Writer::new(writer).serve(&jobs))?];
        let (reads, jobs) = sync_channel(queue);
        let jobs = Arc::new(Mutex::new(jobs));
        for reader in readers {
            let jobs = Arc::clone(&jobs);
            threads.push(spawn("sqlite-reader", move || read_loop(reader, &jobs))?);
        }
        Ok(Self { writes: Some(writes), reads: Some(reads), threads })
    }

    pub(super) fn write(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        send(self.writes.as_ref(), job)
    }

    pub(super) fn read(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        send(self.reads.as_ref(), job)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.writes = None;
        self.reads = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| StoreError::unavailable(format!("no thread for the database: {error}")))
}

fn send(queue: Option<&SyncSender<Box<dyn Job>>>, job: Box<dyn Job>) -> Result<(), StoreError> {
    let closed = || StoreError::unavailable("the database is being closed");
    queue.ok_or_else(closed)?.try_send(job).map_err(|refused| match refused {
        TrySendError::Full(_) => StoreError::Unavailable {
            retry_after: std::time::Duration::from_secs(1),
            message: "too much work waits for the database".to_owned(),
        },
        TrySendError::Disconnected(_) => closed(),
    })
}

fn read_loop(mut connection: Connection, jobs: &Mutex<Receiver<Box<dyn Job>>>) {
    loop {
        // The lock is held while waiting: one idle reader waits for work, the others for the lock.
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut job) = job else { return };
        let done = execute(&connection, "BEGIN").and_then(|()| {
            job.run(&mut connection);
            if connection.is_autocommit() { Ok(()) } else { execute(&connection, "COMMIT") }
        });
        job.finish(done.map_err(StoreError::from));
    }
}
