//! The threads: one that writes, a few that read.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connection::failure;
use crate::server::sql::Sql;
use crate::server::store::StoreError;

/// At most so many jobs share one transaction.
const MAX_GROUP: usize = 1024;

/// Work that waits for a connection, and for whose result somebody waits.
pub(super) trait Job: Send {
    /// Whether the work is one statement, which undoes itself when it fails.
    fn is_atomic(&self) -> bool;
    /// Does the work; whether it went well.
    fn run(&mut self, connection: &mut Connection) -> bool;
    /// Hands over the result, or the reason why it does not count after all.
    fn finish(self: Box<Self>, committed: Result<(), StoreError>);
}

pub(super) struct Task<T, F> {
    work: F,
    atomic: bool,
    reply: oneshot::Sender<Result<T, StoreError>>,
    result: Option<Result<T, StoreError>>,
}

impl<T, F> Task<T, F> {
    pub(super) fn new(work: F, atomic: bool, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { work, atomic, reply, result: None }
    }
}

impl<T: Send, F: Fn(&mut dyn Sql) -> Result<T, StoreError> + Send> Job for Task<T, F> {
    fn is_atomic(&self) -> bool {
        self.atomic
    }

    fn run(&mut self, connection: &mut Connection) -> bool {
        self.result.insert((self.work)(connection)).is_ok()
    }

    fn finish(self: Box<Self>, committed: Result<(), StoreError>) {
        let result = match (committed, self.result) {
            (Err(failure), Some(Ok(_)) | None) => Err(failure),
            (_, Some(result)) => result,
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
        let mut threads = vec![spawn("sqlite-writer", move || write_loop(writer, &jobs))?];
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
        job.finish(done);
    }
}

fn write_loop(mut connection: Connection, jobs: &Receiver<Box<dyn Job>>) {
    let mut group = Vec::new();
    while let Ok(first) = jobs.recv() {
        let committed = run_group(&mut connection, first, jobs, &mut group);
        if let Err(error) = &committed {
            tracing::warn!(%error, jobs = group.len(), "a transaction failed");
        }
        for job in group.drain(..) {
            job.finish(committed.clone());
        }
    }
}

/// Runs the first job and all that wait behind it in one transaction.
fn run_group(
    connection: &mut Connection,
    first: Box<dyn Job>,
    jobs: &Receiver<Box<dyn Job>>,
    group: &mut Vec<Box<dyn Job>>,
) -> Result<(), StoreError> {
    group.push(first);
    execute(connection, "BEGIN IMMEDIATE")?;
    let done = run_jobs(connection, jobs, group).and_then(|()| execute(connection, "COMMIT"));
    if !connection.is_autocommit() {
        // Nothing of a failed transaction may stay open, or the next one could not begin.
        execute(connection, "ROLLBACK")?;
    }
    done
}

fn run_jobs(
    connection: &mut Connection,
    jobs: &Receiver<Box<dyn Job>>,
    group: &mut Vec<Box<dyn Job>>,
) -> Result<(), StoreError> {
    let mut next = 0;
    loop {
        if let Some(job) = group.get_mut(next) {
            run_job(connection, job.as_mut())?;
        }
        next += 1;
        if next >= MAX_GROUP {
            return Ok(());
        }
        match jobs.try_recv() {
            Ok(job) => group.push(job),
            Err(_) => return Ok(()),
        }
    }
}

fn run_job(connection: &mut Connection, job: &mut dyn Job) -> Result<(), StoreError> {
    if job.is_atomic() {
        job.run(connection);
    } else {
        execute(connection, "SAVEPOINT job")?;
        if !job.run(connection) && !connection.is_autocommit() {
            execute(connection, "ROLLBACK TO job")?;
        }
        if !connection.is_autocommit() {
            execute(connection, "RELEASE job")?;
        }
    }
    // A full disk may undo the whole transaction by itself; then no job of the group is done.
    if connection.is_autocommit() {
        return Err(StoreError::unavailable("the database undid the transaction"));
    }
    Ok(())
}

fn execute(connection: &Connection, statement: &str) -> Result<(), StoreError> {
    connection
        .prepare_cached(statement)
        .and_then(|mut prepared| prepared.execute([]))
        .map(drop)
        .map_err(|error| failure(&error))
}
