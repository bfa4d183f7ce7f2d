//! The loop that talks to the Meeting server: heartbeats, host keys, the device's key, the server's key.
//!
//! [`Schedule`] says what is due, a [`Backoff`] for each chore says when it is due again, and each chore runs in a task of its own,
//! so that a slow one delays no heartbeat.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use daemon::lifecycle::{Pulse, isolate};
use meeting_api::retry::{Backoff, Outcome, RetryPolicy};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::addresses::Addresses;
use crate::authorized_keys::Change;
use crate::chore::heartbeat::Accepted;
use crate::chore::host_keys::HostKeys;
use crate::chore::key_publication::{Publication, Published};
use crate::chore::server_key::Installed;
use crate::chore::{self, ChoreError};
use crate::config::Config;
use crate::events::Event;
use crate::plan::Plan;
use crate::schedule::{Chore, Schedule, Standing};
use crate::surroundings::Surroundings;

/// How often the loop shows that it is alive, whatever else there is to do.
const BEAT_EVERY: Duration = Duration::from_secs(10);
/// How often a key that waits for approval is asked about.
const PENDING_CHECK_EVERY: Duration = Duration::from_secs(600);

/// What the tunnel has to know of the server's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gate {
    /// No heartbeat has ended yet: the proxy would miss it.
    Wait,
    /// The tunnel may be tried.
    Open,
    /// The device is not provisioned: no proxy will have it.
    Closed,
}

/// What one run of a chore brought.
enum Done {
    Heartbeat { seen: Addresses, server: Vec<SocketAddr>, result: Result<Accepted, ChoreError> },
    HostKeys(Result<Option<HostKeys>, ChoreError>),
    KeyPublication(Result<Published, ChoreError>),
    ServerKey(Result<Installed, ChoreError>),
}

/// The loop's state.
pub(crate) struct Reporter {
    surroundings: Surroundings,
    plans: watch::Receiver<Arc<Plan>>,
    gate: watch::Sender<Gate>,
    schedule: Schedule,
    backoffs: Backoffs,
    running: JoinSet<(Chore, Result<Done, String>)>,
    addresses: watch::Sender<Addresses>,
    server: Vec<SocketAddr>,
    accepted: bool,
}

impl Reporter {
    pub(crate) fn new(
        surroundings: Surroundings,
        plans: watch::Receiver<Arc<Plan>>,
        gate: watch::Sender<Gate>,
        addresses: watch::Sender<Addresses>,
    ) -> Self {
        let config = &plans.borrow().config;
        let (schedule, backoffs) = (schedule(config), Backoffs::new(config));
        Self {
            surroundings,
            plans: plans.clone(),
            gate,
            schedule,
            backoffs,
            running: JoinSet::new(),
            addresses,
            server: Vec::new(),
            accepted: false,
        }
    }

    /// Runs until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken, pulse: Pulse) {
        let mut beat = tokio::time::interval(BEAT_EVERY);
        let mut look_at = Instant::now() + self.poll_every();
        loop {
            self.start_due();
            let wakeup = self.schedule.next_wakeup();
            tokio::select! {
                () = stop.cancelled() => return,
                Some(ended) = self.running.join_next() => {
                    // A task that is cut off never ends this way, and panics are caught inside.
                    if let Ok((chore, done)) = ended { self.ended(chore, done); }
                }
                () = sleep_until(wakeup) => {}
                () = tokio::time::sleep_until(look_at) => {
                    self.look();
                    look_at = Instant::now() + self.poll_every();
                }
                Ok(()) = self.plans.changed() => self.reload(),
                _ = beat.tick() => pulse.beat(),
            }
        }
    }

    fn poll_every(&self) -> Duration {
        self.plans.borrow().config.addresses.poll_every.duration()
    }

    fn start_due(&mut self) {
        while let Some(chore) = self.schedule.take_due(Instant::now()) {
            let plan = self.plans.borrow().clone();
            let surroundings = self.surroundings.clone();
            self.running.spawn(async move { (chore, isolate(work(chore, &plan, &surroundings)).await) });
        }
    }

    fn ended(&mut self, chore: Chore, done: Result<Done, String>) {
        let wait = match done {
            Ok(Done::Heartbeat { seen, server, result }) => {
                self.server = server;
                self.note_addresses(seen);
                self.heartbeat_ended(result)
            }
            Ok(Done::HostKeys(result)) => self.host_keys_ended(result),
            Ok(Done::KeyPublication(result)) => self.key_publication_ended(result),
            Ok(Done::ServerKey(result)) => self.server_key_ended(result),
            Err(panic) => self.failed(chore, &ChoreError::Local(format!("defect of this program: {panic}"))),
        };
        self.schedule.finished(chore, wait, Instant::now());
    }

    fn heartbeat_ended(&mut self, result: Result<Accepted, ChoreError>) -> Duration {
        let outcome = result.as_ref().map_or_else(ChoreError::outcome, |_| Outcome::Success);
        let recovered = outcome == Outcome::Success && self.backoffs.failures(Chore::Heartbeat) > 0;
        let wait = self.backoffs.after(Chore::Heartbeat, outcome, self.surroundings.random());
        match result {
            Ok(Accepted { reply }) => {
                let first = !std::mem::replace(&mut self.accepted, true);
                let (ip_address, last_seen) = (reply.ip_address, reply.last_seen);
                self.surroundings.tell(&Event::HeartbeatAccepted { first, ip_address, last_seen });
            }
            Err(_) if outcome == Outcome::NotProvisioned => {
                self.surroundings.tell(&Event::NotProvisioned { retry_in: wait });
            }
            Err(error) => {
                self.surroundings.tell(&Event::HeartbeatFailed { reason: error.to_string(), retry_in: wait });
            }
        }
        match outcome {
            Outcome::Success | Outcome::Denied => self.schedule.set_standing(Standing::Known),
            Outcome::NotProvisioned => self.schedule.set_standing(Standing::NotProvisioned),
            Outcome::Failure(_) => {}
        }
        let gate =
            if self.schedule.standing() == Standing::NotProvisioned { Gate::Closed } else { Gate::Open };
        self.gate.send_if_modified(|old| std::mem::replace(old, gate) != gate);
        if recovered {
            let failed = Chore::ALL.into_iter().filter(|chore| self.backoffs.failures(*chore) > 0);
            failed.for_each(|chore| self.schedule.hasten(chore, Instant::now()));
        }
        wait
    }

    fn host_keys_ended(&mut self, result: Result<Option<HostKeys>, ChoreError>) -> Duration {
        match result {
            Ok(keys) => {
                if let Some(HostKeys { added, removed, .. }) = keys
                    && added + removed > 0
                {
                    self.surroundings.tell(&Event::KnownHostsUpdated { added, removed });
                }
                self.succeeded(Chore::HostKeys)
            }
            Err(error) => self.failed(Chore::HostKeys, &error),
        }
    }

    fn key_publication_ended(&mut self, result: Result<Published, ChoreError>) -> Duration {
        let Published { fingerprint, publication } = match result {
            Ok(published) => published,
            Err(error) => return self.failed(Chore::KeyPublication, &error),
        };
        let wait = self.succeeded(Chore::KeyPublication);
        match publication {
            Publication::Confirmed => self.surroundings.tell(&Event::KeyConfirmed { fingerprint }),
            Publication::Published => self.surroundings.tell(&Event::KeyPublished { fingerprint }),
            Publication::Pending => {
                self.surroundings.tell(&Event::KeyPending { fingerprint });
                return wait.min(PENDING_CHECK_EVERY);
            }
        }
        wait
    }

    fn server_key_ended(&mut self, result: Result<Installed, ChoreError>) -> Duration {
        match result {
            Ok(Installed { fingerprint, change }) => {
                if change != Change::None {
                    self.surroundings.tell(&Event::ServerKeyInstalled { fingerprint });
                }
                self.succeeded(Chore::ServerKey)
            }
            Err(error) => self.failed(Chore::ServerKey, &error),
        }
    }

    fn succeeded(&mut self, chore: Chore) -> Duration {
        self.backoffs.after(chore, Outcome::Success, self.surroundings.random())
    }

    fn failed(&mut self, chore: Chore, error: &ChoreError) -> Duration {
        // Only a heartbeat's 404 is about the device; another route may simply not be there.
        let outcome = match error.outcome() {
            Outcome::NotProvisioned => Outcome::Denied,
            outcome => outcome,
        };
        let retry_in = self.backoffs.after(chore, outcome, self.surroundings.random());
        let event = match chore {
            Chore::Heartbeat => Event::HeartbeatFailed { reason: error.to_string(), retry_in },
            _ => Event::ChoreFailed { chore: chore.name(), reason: error.to_string(), retry_in },
        };
        self.surroundings.tell(&event);
        retry_in
    }

    /// Looks whether the machine's addresses are still what they were.
    fn look(&mut self) {
        let seen = Addresses::observe(&*self.surroundings.network, &self.server);
        if self.note_addresses(seen) {
            self.schedule.hasten(Chore::Heartbeat, Instant::now());
        }
    }

    fn note_addresses(&self, seen: Addresses) -> bool {
        let lan = seen.lan;
        let changed = self.addresses.send_if_modified(|old| {
            let changed = *old != seen;
            *old = seen;
            changed
        });
        if changed {
            self.surroundings.tell(&Event::AddressesChanged { lan });
        }
        changed
    }

    /// New settings: everything is done again with them. Chores under way end with the old ones.
    fn reload(&mut self) {
        let config = &self.plans.borrow_and_update().config;
        let mut schedule = schedule(config);
        // Whoever reloads may just have provisioned the device: ask at once.
        schedule.set_standing(match self.schedule.standing() {
            Standing::NotProvisioned => Standing::Unknown,
            standing => standing,
        });
        self.schedule = schedule;
        self.backoffs = Backoffs::new(config);
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn work(chore: Chore, plan: &Plan, surroundings: &Surroundings) -> Done {
    match chore {
        Chore::Heartbeat => {
            let (seen, server) = chore::heartbeat::observe(plan, &*surroundings.network).await;
            let result = chore::heartbeat::send(plan, &seen).await;
            Done::Heartbeat { seen, server, result }
        }
        Chore::HostKeys => Done::HostKeys(chore::host_keys::refresh(plan).await),
        Chore::KeyPublication => {
            Done::KeyPublication(chore::key_publication::publish(plan, &surroundings.journal).await)
        }
        Chore::ServerKey => Done::ServerKey(chore::server_key::install(plan).await),
    }
}

fn schedule(config: &Config) -> Schedule {
    let wanted = |chore| match chore {
        Chore::Heartbeat => true,
        Chore::HostKeys => config.known_hosts.enabled,
        Chore::KeyPublication => config.ssh_key.publish,
        Chore::ServerKey => config.server_key.install,
    };
    Schedule::new(wanted, Instant::now())
}

/// One backoff a chore.
struct Backoffs([(Chore, Backoff); 4]);

impl Backoffs {
    fn new(config: &Config) -> Self {
        Self(Chore::ALL.map(|chore| {
            let mut policy = RetryPolicy::default();
            policy.interval = match chore {
                Chore::Heartbeat => config.meeting.heartbeat_every,
                Chore::HostKeys => config.known_hosts.refresh_every,
                Chore::KeyPublication => config.ssh_key.check_every,
                Chore::ServerKey => config.server_key.refresh_every,
            }
            .duration();
            (chore, Backoff::new(policy))
        }))
    }

    fn after(&mut self, chore: Chore, outcome: Outcome, random: u64) -> Duration {
        let found = self.0.iter_mut().find(|(candidate, _)| *candidate == chore);
        found.map_or(RetryPolicy::default().refused, |(_, backoff)| backoff.after(outcome, random))
    }

    fn failures(&self, chore: Chore) -> u32 {
        let found = self.0.iter().find(|(candidate, _)| *candidate == chore);
        found.map_or(0, |(_, backoff)| backoff.failures())
    }
}
