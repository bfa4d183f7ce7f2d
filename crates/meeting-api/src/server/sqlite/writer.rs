//! The one thread that writes: groups of jobs, each group one transaction.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use sql_session::sqlite::{execute, failure, version};

use super::workers::{Job, Kind};
use crate::server::store::StoreError;

/// At most so many jobs share one transaction.
const MAX_GROUP: usize = 4096;
/// Commits that need not be on disk at once are there after so long.
const SYNC_AFTER: Duration = Duration::from_secs(1);

/// When SQLite syncs its log: with each commit, or with the next one that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sync {
    WithCommit,
    Later,
}

/// The writing connection and the group it works on.
pub(super) struct Writer {
    connection: Connection,
    sync: Sync,
    /// Since when commits wait to be synced.
    unsynced: Option<Instant>,
    group: Vec<Box<dyn Job>>,
    /// A job that was taken from the queue and needs a group of another kind.
    next: Option<Box<dyn Job>>,
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Self {
        // Connections are opened with `synchronous = FULL`.
        Self { connection, sync: Sync::WithCommit, unsynced: None, group: Vec::new(), next: None }
    }

    /// Works until nobody can send jobs any more.
    pub(super) fn serve(mut self, jobs: &Receiver<Box<dyn Job>>) {
        loop {
            let first = match self.next.take() {
                Some(job) => Ok(job),
                None => match self.unsynced {
                    Some(since) => jobs.recv_timeout(SYNC_AFTER.saturating_sub(since.elapsed())),
                    None => jobs.recv().map_err(|_| RecvTimeoutError::Disconnected),
                },
            };
            match first {
                Ok(job) => self.serve_group(job, jobs),
                Err(RecvTimeoutError::Timeout) => self.sync_now(),
                Err(RecvTimeoutError::Disconnected) => {
                    self.sync_now();
                    return;
                }
            }
        }
    }

    fn serve_group(&mut self, first: Box<dyn Job>, jobs: &Receiver<Box<dyn Job>>) {
        let committed = self.run_group(first, jobs);
        if let Err(error) = &committed {
            tracing::warn!(%error, jobs = self.group.len(), "a transaction failed");
        }
        for job in self.group.drain(..) {
            job.finish(committed.clone());
        }
    }

    /// Runs the first job and those behind it that fit the same transaction.
    fn run_group(&mut self, first: Box<dyn Job>, jobs: &Receiver<Box<dyn Job>>) -> Result<(), StoreError> {
        let due = self.unsynced.is_some_and(|since| since.elapsed() >= SYNC_AFTER);
        let sync = if first.kind() == Kind::Repeating && !due { Sync::Later } else { Sync::WithCommit };
        self.group.push(first);
        self.set_sync(sync)?;
        execute(&self.connection, "BEGIN IMMEDIATE")?;
        let done = self
            .run_jobs(jobs)
            .and_then(|()| self.write_a_page_for(sync))
            .and_then(|()| Ok(execute(&self.connection, "COMMIT")?));
        if !self.connection.is_autocommit() {
            // Nothing of a failed transaction may stay open, or the next one could not begin.
            execute(&self.connection, "ROLLBACK")?;
        }
        if done.is_ok() {
            self.unsynced = match sync {
                Sync::WithCommit => None,
                Sync::Later => self.unsynced.or_else(|| Some(Instant::now())),
            };
        }
        done
    }

    fn run_jobs(&mut self, jobs: &Receiver<Box<dyn Job>>) -> Result<(), StoreError> {
        let mut index = 0;
        while let Some(job) = self.group.get_mut(index) {
            run_job(&mut self.connection, job.as_mut())?;
            index += 1;
            if index >= MAX_GROUP {
                break;
            }
            let Ok(job) = jobs.try_recv() else { break };
            if self.sync == Sync::Later && job.kind() != Kind::Repeating {
                self.next = Some(job);
                break;
            }
            self.group.push(job);
        }
        Ok(())
    }

    /// It can be changed between transactions only.
    fn set_sync(&mut self, sync: Sync) -> Result<(), StoreError> {
        if self.sync != sync {
            let level = match sync {
                Sync::WithCommit => "PRAGMA synchronous = FULL",
                Sync::Later => "PRAGMA synchronous = NORMAL",
            };
            self.connection.execute_batch(level).map_err(|error| failure(&error))?;
            self.sync = sync;
        }
        Ok(())
    }

    /// A transaction that changes nothing is not synced either: heartbeats of one second are the same. What waits for this commit's sync
    /// would be left behind, so it is given a page to write.
    fn write_a_page_for(&self, sync: Sync) -> Result<(), StoreError> {
        if sync == Sync::WithCommit && self.unsynced.is_some() {
            write_a_page(&self.connection)
        } else {
            Ok(())
        }
    }

    /// Brings earlier commits to disk by one that is synced.
    fn sync_now(&mut self) {
        if self.unsynced.take().is_none() {
            return;
        }
        let synced = self.set_sync(Sync::WithCommit).and_then(|()| write_a_page(&self.connection));
        if let Err(error) = synced {
            tracing::warn!(%error, "heartbeats are committed and not yet on disk");
            self.unsynced = Some(Instant::now());
        }
    }
}

/// Setting the version to what it is writes a page.
fn write_a_page(connection: &Connection) -> Result<(), StoreError> {
    let version = version(connection)?;
    connection.pragma_update(None, "user_version", version).map_err(|error| failure(&error).into())
}

fn run_job(connection: &mut Connection, job: &mut dyn Job) -> Result<(), StoreError> {
    if job.kind() == Kind::Transaction {
        execute(connection, "SAVEPOINT job")?;
        if !job.run(connection) && !connection.is_autocommit() {
            execute(connection, "ROLLBACK TO job")?;
        }
        if !connection.is_autocommit() {
            execute(connection, "RELEASE job")?;
        }
    } else {
        job.run(connection);
    }
    // A full disk may undo the whole transaction by itself; then no job of the group is done.
    if connection.is_autocommit() {
        return Err(StoreError::unavailable("the database undid the transaction"));
    }
    Ok(())
}
