//! The tunnel, kept up: dialled, served, and dialled again after a loss, a refusal or a change of address (§4).

pub mod backoff;
mod dial;
mod local_services;
pub mod refusal;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tunnel_frame::client::{AgentConfig, ConnectError, SessionEnd};
use tunnel_frame::handshake::Refusal;
use tunnel_frame::mux::MuxConfig;

use crate::addresses::Addresses;
use crate::events::Event;
use crate::plan::{Plan, TunnelPlan};
use crate::reporter::Gate;
use crate::surroundings::Surroundings;
use backoff::{Backoff, Ending};
pub(crate) use dial::{DialError, Dialled, dial};
use local_services::LocalServices;
use refusal::Meaning;

/// What the driver is told of this plan.
pub(crate) fn driver_config(plan: &TunnelPlan) -> AgentConfig {
    AgentConfig::default()
        .with_answer_deadline(plan.timeout)
        .with_mux(MuxConfig::default().with_max_streams(plan.max_connections))
}

/// Keeps one tunnel up.
pub(crate) struct Keeper {
    pub(crate) surroundings: Surroundings,
    pub(crate) plans: watch::Receiver<Arc<Plan>>,
    pub(crate) gate: watch::Receiver<Gate>,
    pub(crate) addresses: watch::Receiver<Addresses>,
}

/// How an attempt ended, and the words for it.
struct Attempt {
    ending: Ending,
    reason: String,
    /// Words that come from the proxy's refusal.
    refused: bool,
}

/// Why the agent itself ended a session.
#[derive(Clone, Copy)]
enum GivenUp {
    Stopping,
    AddressGone(IpAddr),
    NewSettings,
}

impl Keeper {
    /// Runs until `stop`, and closes the tunnel in order then.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut backoff = Backoff::default();
        loop {
            let tunnel = self.plans.borrow_and_update().tunnel.clone();
            let gate = *self.gate.borrow_and_update();
            let Some(tunnel) = tunnel.filter(|_| gate == Gate::Open) else {
                tokio::select! {
                    () = stop.cancelled() => return,
                    Ok(()) = self.plans.changed() => {}
                    Ok(()) = self.gate.changed() => {}
                    else => return,
                }
                continue;
            };
            let attempt = tokio::select! {
                // A stop while dialling ends the dialling; a session ends itself, in order.
                attempt = self.attempt(&tunnel, &stop) => attempt,
            };
            let Some(attempt) = attempt else { return };
            let wait = backoff.wait_after(attempt.ending, self.surroundings.random());
            self.tell_end(&attempt, wait, backoff.is_contested());
            if self.pause(wait, attempt.ending, &stop).await.is_none() {
                backoff = Backoff::default();
            }
            if stop.is_cancelled() {
                return;
            }
        }
    }

    /// Waits. `None` when new settings came, after which everything may be different.
    async fn pause(&mut self, wait: Duration, ending: Ending, stop: &CancellationToken) -> Option<()> {
        self.addresses.mark_unchanged();
        let waiting_for_network = matches!(ending, Ending::Unreachable | Ending::Broken { .. });
        tokio::select! {
            () = stop.cancelled() => Some(()),
            () = tokio::time::sleep(wait) => Some(()),
            Ok(()) = self.addresses.changed(), if waiting_for_network => Some(()),
            Ok(()) = self.plans.changed() => None,
        }
    }

    fn tell_end(&self, attempt: &Attempt, retry_in: Duration, contested: bool) {
        let reason = attempt.reason.clone();
        match attempt.ending {
            Ending::Contested => self.surroundings.tell(&Event::TunnelContested { retry_in }),
            Ending::ClosedByProxy { .. } if contested => {
                self.surroundings.tell(&Event::TunnelContested { retry_in });
            }
            _ if attempt.refused => self.surroundings.tell(&Event::TunnelRefused { reason, retry_in }),
            _ => self.surroundings.tell(&Event::TunnelDown { reason, retry_in: Some(retry_in) }),
        }
    }

    /// One attempt to have a tunnel, to its end. `None` when the agent is stopping.
    async fn attempt(&self, plan: &TunnelPlan, stop: &CancellationToken) -> Option<Attempt> {
        let connecting = async {
            let Dialled { stream, proxy, local } = dial(plan).await.map_err(|error| unreachable(&error))?;
            let established = tunnel_frame::client::connect(stream, &plan.hello, driver_config(plan));
            established.await.map(|up| (up, proxy, local)).map_err(|error| not_connected(&error))
        };
        let (established, proxy, local) = tokio::select! {
            () = stop.cancelled() => return None,
            connected = connecting => match connected {
                Ok(connected) => connected,
                Err(attempt) => return Some(attempt),
            },
        };
        let tls = plan.tls.is_some();
        self.surroundings.tell(&Event::TunnelUp { proxy, tls });
        let started = Instant::now();
        let mut given_up = None;
        let shutdown = async { given_up = Some(self.reason_to_give_up(plan, local, stop).await) };
        let services = LocalServices::new(self.surroundings.journal.clone(), Arc::clone(&plan.services));
        let end = established.serve(plan.allowed_ports(), services, shutdown).await;
        let lasted = started.elapsed();
        match (end, given_up) {
            (SessionEnd::ShutDown, Some(GivenUp::Stopping)) => {
                let reason = "the agent is stopping".to_owned();
                self.surroundings.tell(&Event::TunnelDown { reason, retry_in: None });
                None
            }
            (SessionEnd::ShutDown, given_up) => Some(given_up_attempt(given_up)),
            (end, _) => Some(ended(end, lasted)),
        }
    }

    /// Waits until there is a reason to end a session from this side.
    async fn reason_to_give_up(
        &self,
        plan: &TunnelPlan,
        local: SocketAddr,
        stop: &CancellationToken,
    ) -> GivenUp {
        let address_gone = async {
            loop {
                let every = self.plans.borrow().config.addresses.poll_every.duration();
                tokio::time::sleep(every).await;
                if !self.surroundings.network.still_has(local.ip()) {
                    break;
                }
            }
        };
        let mut plans = self.plans.clone();
        let new_settings = async {
            let differs =
                |new: &Arc<Plan>| !new.tunnel.as_ref().is_some_and(|new| new.makes_the_same_session(plan));
            // The sender lives as long as the agent runs; without one no settings come any more.
            if plans.wait_for(differs).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => GivenUp::Stopping,
            () = address_gone => GivenUp::AddressGone(local.ip()),
            () = new_settings => GivenUp::NewSettings,
        }
    }
}

fn given_up_attempt(given_up: Option<GivenUp>) -> Attempt {
    let reason = match given_up {
        Some(GivenUp::AddressGone(address)) => format!("this machine no longer has the address {address}"),
        Some(GivenUp::NewSettings) => "new settings".to_owned(),
        Some(GivenUp::Stopping) | None => "shut down".to_owned(),
    };
    Attempt { ending: Ending::GivenUp, reason, refused: false }
}

fn unreachable(error: &DialError) -> Attempt {
    Attempt { ending: Ending::Unreachable, reason: error.to_string(), refused: false }
}

fn not_connected(error: &ConnectError) -> Attempt {
    match error {
        ConnectError::Refused(refusal) => refused(refusal),
        error => Attempt { ending: Ending::Unreachable, reason: error.to_string(), refused: false },
    }
}

/// The reason of a refusal in the proxy's words.
pub(crate) fn words(refusal: &Refusal) -> &str {
    refusal.reason().unwrap_or_else(|| refusal.error())
}

fn refused(refusal: &Refusal) -> Attempt {
    let ending = match refusal::meaning(words(refusal)) {
        Meaning::Temporary => Ending::Unreachable,
        Meaning::Contested => Ending::Contested,
        Meaning::Final => Ending::Refused,
    };
    Attempt { ending, reason: refusal.to_string(), refused: true }
}

fn ended(end: SessionEnd, lasted: Duration) -> Attempt {
    let reason = end.to_string();
    let ending = match end {
        SessionEnd::Refused(refusal) => return refused(&refusal),
        SessionEnd::Peer => Ending::ClosedByProxy { lasted },
        SessionEnd::IdsExhausted => Ending::GivenUp,
        _ => Ending::Broken { lasted },
    };
    Attempt { ending, reason, refused: false }
}
