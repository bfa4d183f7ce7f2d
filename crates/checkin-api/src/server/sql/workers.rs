//! The threads: one that writes, a few that read, and the bounded queues before them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use sql_session::{Connection, Mode, Sql, SqlError};
use tokio::sync::oneshot;

use super::writer::Writer;
use crate::server::observer::Observer;
use crate::server::store::{Outcome, StoreError, Submission};

/// Work for a connection whose transaction is begun, and for whose result somebody waits.
pub(crate) trait Work: Send {
    /// Does it; whether it went well.
    fn run(&mut self, sql: &mut dyn Sql) -> bool;
    /// Hands over the result, or the reason why it does not count after all.
    fn finish(self: Box<Self>, committed: Result<(), StoreError>);
}

pub(super) struct Task<T, F> {
    work: F,
    reply: oneshot::Sender<Result<T, StoreError>>,
    result: Option<Result<T, SqlError>>,
}

impl<T, F> Task<T, F>
where
    T: Send + 'static,
    F: Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
{
    pub(super) fn boxed(work: F, reply: oneshot::Sender<Result<T, StoreError>>) -> Box<dyn Work> {
        Box::new(Self { work, reply, result: None })
    }
}

impl<T: Send, F: Fn(&mut dyn Sql) -> Result<T, SqlError> + Send> Work for Task<T, F> {
    fn run(&mut self, sql: &mut dyn Sql) -> bool {
        self.result.insert((self.work)(sql)).is_ok()
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

/// Check-ins that wait to be stored, and whoever waits for them.
pub(super) struct Waiting {
    pub(super) copies: Vec<Submission>,
    pub(super) reply: oneshot::Sender<Result<Vec<Outcome>, StoreError>>,
}

/// What the writer is given.
pub(super) enum Job {
    Submit(Waiting),
    Other(Box<dyn Work>),
}

/// What the writer and those who give it work know of each other.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Check-ins that wait or are being written.
    pub(super) rows: AtomicUsize,
    /// Whether the last write failed.
    pub(super) failing: AtomicBool,
    pub(super) observer: Option<Arc<dyn Observer>>,
}

/// How the threads are run.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Most check-ins that wait for the writer.
    pub(crate) queue: usize,
    /// Is told of every commit.
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

/// Most pieces of other work that wait, for the readers.
const MAX_READS: usize = 1024;

#[derive(Debug)]
pub(crate) struct Workers {
    // Options, so that dropping them tells the threads to end.
    writes: Option<Sender<Job>>,
    reads: Option<SyncSender<Box<dyn Work>>>,
    threads: Vec<JoinHandle<()>>,
    shared: Arc<Shared>,
    queue: usize,
}

impl Workers {
    pub(crate) fn start<C: Connection>(
        writer: C,
        readers: Vec<C>,
        options: Options,
    ) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared { observer: options.observer, ..Shared::default() });
        let (writes, jobs) = channel();
        let writer = Writer::new(writer, Arc::clone(&shared));
        let mut threads = vec![spawn("checkin-writer", move || writer.serve(&jobs))?];
        let (reads, jobs) = sync_channel(MAX_READS);
        let jobs = Arc::new(Mutex::new(jobs));
        for reader in readers {
            let jobs = Arc::clone(&jobs);
            threads.push(spawn("checkin-reader", move || read_loop(reader, &jobs))?);
        }
        Ok(Self { writes: Some(writes), reads: Some(reads), threads, shared, queue: options.queue.max(1) })
    }

    /// Whether the last write failed.
    pub(super) fn failing(&self) -> bool {
        self.shared.failing.load(Ordering::Acquire)
    }

    pub(super) fn submit(
        &self,
        copies: Vec<Submission>,
        reply: oneshot::Sender<Result<Vec<Outcome>, StoreError>>,
    ) -> Result<(), StoreError> {
        let count = copies.len();
        let before = self.shared.rows.fetch_add(count, Ordering::AcqRel);
        // A batch larger than the whole queue may pass when nothing else waits.
        if before > 0 && before.saturating_add(count) > self.queue {
            self.shared.rows.fetch_sub(count, Ordering::AcqRel);
            return Err(StoreError::Busy);
        }
        let writes = self.writes.as_ref().ok_or_else(closed)?;
        writes.send(Job::Submit(Waiting { copies, reply })).map_err(|_| closed())
    }

    pub(super) fn write(&self, work: Box<dyn Work>) -> Result<(), StoreError> {
        let writes = self.writes.as_ref().ok_or_else(closed)?;
        writes.send(Job::Other(work)).map_err(|_| closed())
    }

    pub(super) fn read(&self, work: Box<dyn Work>) -> Result<(), StoreError> {
        let reads = self.reads.as_ref().ok_or_else(closed)?;
        reads.try_send(work).map_err(|refused| match refused {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Disconnected(_) => closed(),
        })
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

pub(super) fn closed() -> StoreError {
    StoreError::unavailable("the database is being closed")
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| StoreError::unavailable(format!("no thread for the database: {error}")))
}

fn read_loop<C: Connection>(mut connection: C, jobs: &Mutex<Receiver<Box<dyn Work>>>) {
    loop {
        // The lock is held while waiting: one idle reader waits for work, the others for the lock.
        let work = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut work) = work else { return };
        let begun = connection.begin(Mode::Read);
        if begun.is_ok() {
            work.run(&mut connection);
        }
        connection.rollback();
        work.finish(begun.map_err(StoreError::from));
    }
}
