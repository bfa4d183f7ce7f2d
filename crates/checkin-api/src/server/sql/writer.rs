//! The one thread that writes. Check-ins that come in while the disk is busy share the next transaction (group commit), so
//! that being on disk costs one sync a group and not one a check-in.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use sql_session::{Connection, Mode, Sql, SqlError};

use super::submissions::Group;
use super::workers::{Job, Shared, Waiting, Work};
use crate::server::store::{Outcome, StoreError};

/// At most so many check-ins share one transaction, or one batch more than fits.
const MAX_GROUP: usize = 4096;
/// How often work is tried that conflicts with other transactions.
const MAX_ATTEMPTS: usize = 5;
/// No group waits longer than this for the rest of its bots.
const MAX_LINGER: Duration = Duration::from_millis(5);

/// The writing connection.
pub(super) struct Writer<C> {
    connection: C,
    shared: Arc<Shared>,
    last: Last,
}

/// The group before: whoever was in it is about to send the next check-in.
#[derive(Debug, Default)]
struct Last {
    rows: usize,
    took: Duration,
}

impl<C: Connection> Writer<C> {
    pub(super) fn new(connection: C, shared: Arc<Shared>) -> Self {
        Self { connection, shared, last: Last::default() }
    }

    /// Works until nobody can send jobs any more and all that were sent are done.
    pub(super) fn serve(mut self, jobs: &Receiver<Job>) {
        let mut next = None;
        while let Some(job) = next.take().or_else(|| jobs.recv().ok()) {
            match job {
                Job::Other(work) => self.other(work),
                Job::Submit(first) => {
                    let group;
                    (group, next) = gather(first, jobs, &self.last);
                    self.submit(group);
                }
            }
        }
    }

    fn submit(&mut self, group: Vec<Waiting>) {
        let stored = self.store(&group);
        match stored {
            // What one bot sent must not keep the others from being stored.
            Err(StoreError::Broken { .. }) if group.len() > 1 => {
                for waiting in group {
                    let alone = self.store(std::slice::from_ref(&waiting));
                    self.reply(vec![waiting], alone);
                }
            }
            stored => self.reply(group, stored),
        }
    }

    fn store(&mut self, group: &[Waiting]) -> Result<Vec<Outcome>, StoreError> {
        let rows = group.iter().map(|waiting| waiting.copies.len()).sum();
        let begun = Instant::now();
        let copies = Group::of(group.iter().flat_map(|waiting| &waiting.copies));
        let mut outcomes = Vec::new();
        let stored = self.transaction(&mut |sql| {
            outcomes = copies.store(sql)?;
            Ok(())
        });
        if stored.is_ok()
            && let Some(observer) = &self.shared.observer
        {
            observer.committed(rows, begun.elapsed());
        }
        self.last = Last { rows, took: begun.elapsed() };
        self.note(&stored, rows);
        stored.map(|()| outcomes)
    }

    fn reply(&self, group: Vec<Waiting>, stored: Result<Vec<Outcome>, StoreError>) {
        let rows = group.iter().map(|waiting| waiting.copies.len()).sum();
        // Before anybody is answered: who sends the next one at once finds room for it.
        self.shared.rows.fetch_sub(rows, Ordering::AcqRel);
        let mut outcomes = stored.map(Vec::into_iter);
        for waiting in group {
            let mine = match &mut outcomes {
                Ok(outcomes) => Ok(outcomes.take(waiting.copies.len()).collect()),
                Err(error) => Err(error.clone()),
            };
            // Whoever asked may be gone; the check-in is stored all the same.
            let _ = waiting.reply.send(mine);
        }
    }

    fn other(&mut self, mut work: Box<dyn Work>) {
        let mut failed = false;
        let done = self.transaction(&mut |sql| {
            failed = !work.run(sql);
            if failed { Err(SqlError::unavailable("the work was not done")) } else { Ok(()) }
        });
        self.note(&done, 0);
        // Work that failed has its own reason.
        work.finish(if failed { Ok(()) } else { done });
    }

    /// Runs work as one transaction, again after a conflict.
    fn transaction(
        &mut self,
        work: &mut dyn FnMut(&mut dyn Sql) -> Result<(), SqlError>,
    ) -> Result<(), StoreError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let done = self
                .connection
                .begin(Mode::Write)
                .and_then(|()| work(&mut self.connection))
                .and_then(|()| self.connection.commit());
            if done.is_err() {
                // Nothing of a failed transaction may stay open, or the next one could not begin.
                self.connection.rollback();
            }
            let conflict = self.connection.take_conflict();
            if done.is_ok() || !conflict || attempts >= MAX_ATTEMPTS {
                return done.map_err(StoreError::from);
            }
        }
    }

    fn note(&self, done: &Result<(), StoreError>, rows: usize) {
        if let Err(error) = done {
            tracing::warn!(%error, rows, "a transaction failed");
        }
        self.shared.failing.store(done.is_err(), Ordering::Release);
    }
}

/// The first submission and those behind it, and the job that ended the row.
///
/// Bots that wait for their answers send the next check-in when they have it. So after a group of several the next one
/// waits a quarter of a commit for as many: without that, the first to come back would have a commit for itself, and every
/// second commit would hold one row. A bot that is alone never waits.
fn gather(first: Waiting, jobs: &Receiver<Job>, last: &Last) -> (Vec<Waiting>, Option<Job>) {
    let mut rows = first.copies.len();
    let mut group = vec![first];
    let until = Instant::now() + (last.took / 4).min(MAX_LINGER);
    while rows < MAX_GROUP {
        let linger = if rows < last.rows && last.rows > 1 {
            until.saturating_duration_since(Instant::now())
        } else {
            Duration::ZERO
        };
        // A time of zero takes what is there.
        match jobs.recv_timeout(linger) {
            Ok(Job::Submit(more)) => {
                rows += more.copies.len();
                group.push(more);
            }
            Ok(other) => return (group, Some(other)),
            Err(_) => break,
        }
    }
    (group, None)
}
