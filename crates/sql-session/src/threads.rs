//! The threads of a store: one that writes, a few that read, and the bounded queues before them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::{Connection, Mode, Sql, SqlError};

/// Most pieces of work that wait, for the writer and for the readers each.
const MAX_WAITING: usize = 1024;
/// How often work is tried that conflicts with other transactions.
const MAX_ATTEMPTS: usize = 5;

/// Connections on threads of their own. They are closed when this is dropped, after all that was accepted is done.
#[derive(Debug)]
pub struct Threads {
    // Options, so that dropping them tells the threads to end.
    writes: Option<SyncSender<Box<dyn Work>>>,
    reads: Option<SyncSender<Box<dyn Work>>>,
    threads: Vec<JoinHandle<()>>,
    failing: Arc<AtomicBool>,
}

impl Threads {
    /// Starts them; `name` is what the system shows, with `-writer` or `-reader` behind it.
    ///
    /// # Errors
    /// [`SqlError::Unavailable`] when the system gives no thread.
    pub fn start<C: Connection>(name: &str, writer: C, readers: Vec<C>) -> Result<Self, SqlError> {
        let failing = Arc::new(AtomicBool::new(false));
        let (writes, jobs) = sync_channel(MAX_WAITING);
        let noted = Arc::clone(&failing);
        let mut threads = vec![spawn(format!("{name}-writer"), move || write_loop(writer, &jobs, &noted))?];
        let (reads, jobs) = sync_channel(MAX_WAITING);
        let jobs = Arc::new(Mutex::new(jobs));
        for reader in readers {
            let jobs = Arc::clone(&jobs);
            threads.push(spawn(format!("{name}-reader"), move || read_loop(reader, &jobs))?);
        }
        Ok(Self { writes: Some(writes), reads: Some(reads), threads, failing })
    }

    /// Whether the last write failed.
    #[must_use]
    pub fn failing(&self) -> bool {
        self.failing.load(Ordering::Acquire)
    }

    /// Runs work that only reads, all of it from one state of the database.
    ///
    /// # Errors
    /// [`SqlError`]: the work's own, or the database's.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, SqlError> {
        Self::give(self.reads.as_ref(), work).await
    }

    /// Runs work that writes, all of it or nothing; returns when it is on disk. It may run again after a conflict.
    ///
    /// # Errors
    /// [`SqlError`]: nothing of it counts.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, SqlError> {
        Self::give(self.writes.as_ref(), work).await
    }

    async fn give<T: Send + 'static>(
        queue: Option<&SyncSender<Box<dyn Work>>>,
        work: impl Fn(&mut dyn Sql) -> Result<T, SqlError> + Send + 'static,
    ) -> Result<T, SqlError> {
        let (reply, answer) = oneshot::channel();
        let task: Box<dyn Work> = Box::new(Task { work, reply, result: None });
        queue.ok_or_else(closed)?.try_send(task).map_err(|refused| match refused {
            TrySendError::Full(_) => SqlError::unavailable("too much work waits"),
            TrySendError::Disconnected(_) => closed(),
        })?;
        answer.await.map_err(|_| closed())?
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.writes = None;
        self.reads = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

/// Work for a connection whose transaction is begun, and for whose result somebody waits.
trait Work: Send {
    /// Does it.
    fn run(&mut self, sql: &mut dyn Sql) -> Result<(), SqlError>;
    /// Hands over the result, or the reason why it does not count after all.
    fn finish(self: Box<Self>, ended: Result<(), SqlError>);
}

struct Task<T, F> {
    work: F,
    reply: oneshot::Sender<Result<T, SqlError>>,
    result: Option<T>,
}

impl<T: Send, F: Fn(&mut dyn Sql) -> Result<T, SqlError> + Send> Work for Task<T, F> {
    fn run(&mut self, sql: &mut dyn Sql) -> Result<(), SqlError> {
        self.result = Some((self.work)(sql)?);
        Ok(())
    }

    fn finish(self: Box<Self>, ended: Result<(), SqlError>) {
        let Self { reply, result, .. } = *self;
        let none = || SqlError::unavailable("the work was not done");
        // Whoever asked may be gone; then nobody wants to know.
        let _ = reply.send(ended.and_then(|()| result.ok_or_else(none)));
    }
}

fn write_loop<C: Connection>(mut connection: C, jobs: &Receiver<Box<dyn Work>>, failing: &AtomicBool) {
    while let Ok(mut work) = jobs.recv() {
        let done = transaction(&mut connection, &mut *work);
        failing.store(done.is_err(), Ordering::Release);
        work.finish(done);
    }
}

/// Runs work as one transaction, again after a conflict.
fn transaction<C: Connection>(connection: &mut C, work: &mut dyn Work) -> Result<(), SqlError> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let begun = connection.begin(Mode::Write);
        let done = begun.and_then(|()| work.run(connection)).and_then(|()| connection.commit());
        if done.is_err() {
            // Nothing of a failed transaction may stay open, or the next one could not begin.
            connection.rollback();
        }
        let conflict = connection.take_conflict();
        if done.is_ok() || !conflict || attempts >= MAX_ATTEMPTS {
            return done;
        }
    }
}

fn read_loop<C: Connection>(mut connection: C, jobs: &Mutex<Receiver<Box<dyn Work>>>) {
    loop {
        // The lock is held while waiting: one idle reader waits for work, the others for the lock.
        let work = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut work) = work else { return };
        let done = connection.begin(Mode::Read).and_then(|()| work.run(&mut connection));
        connection.rollback();
        work.finish(done);
    }
}

fn closed() -> SqlError {
    SqlError::unavailable("the database is being closed")
}

fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, SqlError> {
    std::thread::Builder::new()
        .name(name)
        .spawn(work)
        .map_err(|error| SqlError::unavailable(format!("no thread for the database: {error}")))
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may be blunt")]

    use super::*;
    use crate::sqlite::{Settings, migrate, open_reader, open_writer};
    use crate::{Migration, Value};

    const SETTINGS: Settings =
        Settings { checkpoint_pages: 1000, log_bytes_kept: 1 << 20, cache_kib: Some(512) };
    const STEPS: &[Migration] =
        &[Migration { version: 1, sqlite: "CREATE TABLE things (name TEXT NOT NULL)", postgres: "" }];

    #[tokio::test]
    async fn work_is_done_whole_or_not_at_all_and_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("things.db");
        let writer = open_writer(&path, &SETTINGS).unwrap();
        migrate(&writer, STEPS, |_| Ok(())).unwrap();
        let readers = vec![open_reader(&path, &SETTINGS).unwrap()];
        let threads = Threads::start("things", writer, readers).unwrap();
        let insert = "INSERT INTO things (name) VALUES (?1)";
        let count = |sql: &mut dyn Sql| sql.first("SELECT COUNT(*) FROM things", &[])?.unwrap().integer();

        let failed: Result<(), _> = threads
            .write(move |sql| {
                sql.run(insert, &[Value::Text("lost")])?;
                Err(SqlError::broken("on purpose"))
            })
            .await;
        assert_eq!(failed, Err(SqlError::broken("on purpose")));
        assert!(threads.failing());
        for name in ["one", "two"] {
            threads.write(move |sql| sql.run(insert, &[Value::Text(name)]).map(drop)).await.unwrap();
        }
        assert!(!threads.failing());
        assert_eq!(threads.read(count).await, Ok(2));
        let refused = threads.read(move |sql| sql.run(insert, &[Value::Text("no")]).map(drop)).await;
        assert!(refused.is_err(), "a reader cannot write");

        // What was accepted is done before the threads end.
        let last = threads.write(move |sql| sql.run(insert, &[Value::Text("last")]).map(drop));
        let mut last = Box::pin(last);
        let waiting = last.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        drop((waiting.is_pending(), last));
        drop(threads);
        let mut file = open_reader(&path, &SETTINGS).unwrap();
        assert_eq!(count(&mut file), Ok(3));
    }
}
