//! How a program lives and ends: its tasks are watched, a stop is orderly and bounded, and liveness is measured.

use crate::config::Period;
use crate::exit::{Exit, Failure};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The two ways to be told to stop. Clones share their state.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// Finish what is under way, take nothing new.
    pub gently: CancellationToken,
    /// Drop everything; the second signal of an impatient person.
    pub at_once: CancellationToken,
}

/// The `[shutdown]` table: the end of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShutdownSettings {
    /// How long what is under way may go on after the signal. Default 10 s, at most 10 min.
    pub grace: Period,
}

impl Default for ShutdownSettings {
    fn default() -> Self {
        Self { grace: Period::from_secs(10) }
    }
}

/// Runs the tasks of a program and ends them together.
///
/// A task that fails or panics ends the program with its exit code; a restarting task is started again after a pause.
/// Panics are logged by the hook of [`crate::logging::init`].
#[derive(Debug)]
pub struct Supervisor {
    stop: Stop,
    tasks: JoinSet<Result<(), Failure>>,
    names: HashMap<Id, String>,
}

impl Supervisor {
    /// A supervisor without tasks.
    #[must_use]
    pub fn new(stop: Stop) -> Self {
        Self { stop, tasks: JoinSet::new(), names: HashMap::new() }
    }

    /// What the tasks of this program listen to.
    #[must_use]
    pub const fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Starts a task that the program cannot do without. `Ok` before a stop means that its work is done.
    pub fn spawn(
        &mut self,
        name: impl Into<String>,
        task: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) {
        let handle = self.tasks.spawn(task);
        self.names.insert(handle.id(), name.into());
    }

    /// Starts a task that is made anew, `pause` after it failed or panicked, until it ends well or the program stops.
    pub fn spawn_restarting<F>(
        &mut self,
        name: &'static str,
        pause: Duration,
        mut make: impl FnMut() -> F + Send + 'static,
    ) where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let stop = self.stop.gently.clone();
        self.spawn(name, async move {
            loop {
                // Its own task, so that a panic ends only this round.
                match tokio::spawn(make()).await {
                    Ok(Ok(())) => return Ok(()),
                    Ok(Err(failure)) => {
                        tracing::error!(task = name, %failure, "task failed; starting it again")
                    }
                    Err(panic) => tracing::error!(task = name, %panic, "task panicked; starting it again"),
                }
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(pause) => {}
                }
            }
        });
    }

    /// Waits until every task has ended, or a stop was asked for and `grace` is over.
    ///
    /// # Errors
    /// The failure of the first task that failed; 70 for a panic; 75 when tasks had to be cut off.
    pub async fn run(mut self, grace: Duration) -> Result<(), Failure> {
        let mut outcome = Ok(());
        loop {
            tokio::select! {
                ended = self.tasks.join_next_with_id() => match ended {
                    None => return outcome,
                    Some(ended) => self.judge(ended, &mut outcome),
                },
                () = self.stop.gently.cancelled() => break,
                () = self.stop.at_once.cancelled() => break,
            }
        }
        let deadline = tokio::time::sleep(grace);
        tokio::pin!(deadline);
        loop {
            tokio::select! {
                ended = self.tasks.join_next_with_id() => match ended {
                    None => return outcome,
                    Some(ended) => self.judge(ended, &mut outcome),
                },
                () = &mut deadline => return outcome.and(Err(self.cut_off("did not stop in time"))),
                () = self.stop.at_once.cancelled() => return outcome.and(Err(self.cut_off("was stopped at once"))),
            }
        }
    }

    fn judge(
        &mut self,
        ended: Result<(Id, Result<(), Failure>), JoinError>,
        outcome: &mut Result<(), Failure>,
    ) {
        let (id, result) = match ended {
            Ok((id, result)) => (id, result),
            Err(error) => {
                let name = self.names.get(&error.id()).map_or("unnamed", String::as_str);
                (
                    error.id(),
                    Err(Failure::new(Exit::Software, format!("task `{name}` panicked")).because(error)),
                )
            }
        };
        let name = self.names.remove(&id).unwrap_or_default();
        match result {
            Ok(()) => tracing::debug!(task = name, "task ended"),
            Err(failure) => {
                tracing::error!(task = name, %failure, "task failed; stopping");
                self.stop.gently.cancel();
                if outcome.is_ok() {
                    *outcome = Err(failure);
                }
            }
        }
    }

    fn cut_off(&self, why: &str) -> Failure {
        let mut names: Vec<_> = self.names.values().map(String::as_str).collect();
        names.sort_unstable();
        Failure::new(Exit::Temporary, format!("cut off: {} {why}", names.join(", ")))
    }
}

/// Runs a future and turns a panic in it into `Err` with its message, so that one connection cannot end its neighbours.
///
/// # Errors
/// The message of the panic, which the panic hook has logged already.
pub async fn isolate<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| {
        // After a panic the future is not polled again, so broken state inside it is never seen.
        match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                std::task::Poll::Ready(Err(text.unwrap_or_else(|| "a panic without a message".into())))
            }
        }
    })
    .await
}

/// The heartbeats of a program's own loops. A loop that stands still makes the program unhealthy, and a watchdog
/// restarts it. Clones share their state.
#[derive(Clone, Debug, Default)]
pub struct Liveness(Arc<Mutex<Vec<Beat>>>);

#[derive(Debug)]
struct Beat {
    id: u64,
    name: &'static str,
    limit: Duration,
    last: Instant,
}

impl Liveness {
    /// Registers a loop that will call [`Pulse::beat`] at least every `limit`.
    #[must_use]
    pub fn pulse(&self, name: &'static str, limit: Duration) -> Pulse {
        let mut beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // One more than any in use: two loops may share a name, never a number.
        let id = beats.iter().map(|beat| beat.id).max().map_or(0, |id| id.wrapping_add(1));
        beats.push(Beat { id, name, limit, last: Instant::now() });
        Pulse { liveness: self.clone(), id }
    }

    /// The loops that have been silent for longer than they promised; empty when all is well.
    #[must_use]
    pub fn stalled(&self) -> Vec<&'static str> {
        let beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        beats.iter().filter(|beat| beat.last.elapsed() > beat.limit).map(|beat| beat.name).collect()
    }
}

/// One loop's side of [`Liveness`]. Dropping it means that the loop has ended in order.
#[derive(Debug)]
pub struct Pulse {
    liveness: Liveness,
    id: u64,
}

impl Pulse {
    /// Says that the loop is alive.
    pub fn beat(&self) {
        let mut beats = self.liveness.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(beat) = beats.iter_mut().find(|beat| beat.id == self.id) {
            beat.last = Instant::now();
        }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        let mut beats = self.liveness.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = beats.iter().position(|beat| beat.id == self.id) {
            beats.remove(index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_stop_lets_tasks_finish() {
        let mut supervisor = Supervisor::new(Stop::default());
        let stop = supervisor.stop().clone();
        let (done, finished) = tokio::sync::oneshot::channel();
        let token = stop.gently.clone();
        supervisor.spawn("worker", async move {
            token.cancelled().await;
            tokio::time::sleep(Duration::from_secs(9)).await;
            done.send(()).unwrap();
            Ok(())
        });
        stop.gently.cancel();
        supervisor.run(GRACE).await.unwrap();
        finished.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_stop_is_cut_off_by_name() {
        let mut supervisor = Supervisor::new(Stop::default());
        supervisor.spawn("stuck", std::future::pending());
        supervisor.stop().gently.cancel();
        let start = Instant::now();
        let failure = supervisor.run(GRACE).await.unwrap_err();
        assert_eq!((failure.exit(), start.elapsed()), (Exit::Temporary, GRACE));
        assert_eq!(failure.to_string(), "cut off: stuck did not stop in time");
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_signal_does_not_wait() {
        let mut supervisor = Supervisor::new(Stop::default());
        supervisor.spawn("stuck", std::future::pending());
        supervisor.stop().gently.cancel();
        supervisor.stop().at_once.cancel();
        let start = Instant::now();
        let failure = supervisor.run(GRACE).await.unwrap_err();
        assert_eq!(
            (failure.to_string().as_str(), start.elapsed()),
            ("cut off: stuck was stopped at once", Duration::ZERO)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_stops_the_others_in_order_and_gives_70() {
        let mut supervisor = Supervisor::new(Stop::default());
        let token = supervisor.stop().gently.clone();
        supervisor.spawn("accept loop", async { panic!("index out of range") });
        supervisor.spawn("other", async move {
            token.cancelled().await;
            Ok(())
        });
        let failure = supervisor.run(GRACE).await.unwrap_err();
        assert_eq!(failure.exit(), Exit::Software);
        assert!(failure.to_string().starts_with("task `accept loop` panicked: "), "{failure}");
        assert!(failure.to_string().contains("index out of range"), "{failure}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_failure_decides_the_exit_code() {
        let mut supervisor = Supervisor::new(Stop::default());
        supervisor.spawn("listener", async { Err(Failure::new(Exit::Unavailable, "port taken")) });
        let failure = supervisor.run(GRACE).await.unwrap_err();
        assert_eq!((failure.exit(), failure.to_string().as_str()), (Exit::Unavailable, "port taken"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_restarting_task_outlives_failure_and_panic() {
        let mut supervisor = Supervisor::new(Stop::default());
        let rounds = Arc::new(Mutex::new(0));
        let counter = rounds.clone();
        let start = Instant::now();
        supervisor.spawn_restarting("poller", Duration::from_secs(5), move || {
            let counter = counter.clone();
            async move {
                let round = {
                    let mut count = counter.lock().unwrap();
                    *count += 1;
                    *count
                };
                match round {
                    1 => Err(Failure::new(Exit::Io, "lost")),
                    2 => panic!("broken"),
                    _ => Ok(()),
                }
            }
        });
        supervisor.run(GRACE).await.unwrap();
        assert_eq!((*rounds.lock().unwrap(), start.elapsed()), (3, Duration::from_secs(10)));
    }

    #[tokio::test]
    async fn isolation_keeps_the_message() {
        assert_eq!(isolate(async { 7 }).await, Ok(7));
        let broken = isolate(async {
            tokio::task::yield_now().await;
            if true {
                panic!("bad device {}", 3);
            }
        });
        assert_eq!(broken.await, Err("bad device 3".into()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_loop_is_named_until_it_beats_or_ends() {
        let liveness = Liveness::default();
        let fast = liveness.pulse("accept", Duration::from_secs(5));
        let slow = liveness.pulse("poll", Duration::from_secs(60));
        tokio::time::advance(Duration::from_secs(6)).await;
        assert_eq!(liveness.stalled(), ["accept"]);
        fast.beat();
        assert_eq!(liveness.stalled(), [""; 0]);
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(liveness.stalled(), ["accept", "poll"]);
        let twin = liveness.pulse("poll", Duration::from_secs(60));
        twin.beat();
        assert_eq!(liveness.stalled(), ["accept", "poll"]);
        drop((fast, slow));
        assert_eq!(liveness.stalled(), [""; 0]);
    }
}
