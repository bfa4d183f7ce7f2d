//! `agent once`: one round and the end. Heartbeat, key, host keys, the server's key, the tunnel's handshake.

use std::sync::Arc;

use daemon::exit::{Exit, Failure};
use tunnel_frame::client::ConnectError;

use crate::addresses::SystemNetwork;
use crate::authorized_keys::Change;
use crate::chore::key_publication::Publication;
use crate::chore::{self, ChoreError};
use crate::config::Config;
use crate::journal::Journal;
use crate::plan::{Plan, TunnelPlan};
use crate::tunnel;
use meeting_api::retry::Outcome;

/// One part of the round.
#[derive(Debug)]
pub struct Part {
    /// What it was, in a word or two.
    pub name: &'static str,
    /// What came of it: words, or the failure.
    pub result: Result<String, Failure>,
}

/// Does one round with `config`. Parts that are switched off are left out; after a 404 the rest is not tried.
///
/// # Errors
/// The settings cannot be used. What fails in the round itself is in its part.
pub async fn once(config: Config) -> Result<Vec<Part>, Failure> {
    let plan = Plan::make(config)?;
    let journal = Journal::new(Arc::new(()));
    let mut parts = Vec::new();
    let mut add = |name, result| parts.push(Part { name, result });

    let (seen, _) = chore::heartbeat::observe(&plan, &SystemNetwork).await;
    let heartbeat = chore::heartbeat::send(&plan, &seen).await;
    let unknown = heartbeat.as_ref().is_err_and(|error| error.outcome() == Outcome::NotProvisioned);
    add("heartbeat", heartbeat.map(|_| "accepted".to_owned()).map_err(|error| failure("heartbeat", error)));
    if unknown {
        return Ok(parts);
    }
    if plan.config.ssh_key.publish {
        let words = |publication| match publication {
            Publication::Confirmed => "the server has it",
            Publication::Published => "published",
            Publication::Pending => "pending the operator's approval",
        };
        let published = chore::key_publication::publish(&plan, &journal).await;
        let said = published.map(|it| format!("{}, {}", it.fingerprint, words(it.publication)));
        add("key", said.map_err(|error| failure("key", error)));
    }
    if plan.config.known_hosts.enabled {
        let said = chore::host_keys::refresh(&plan).await.map(|keys| match keys {
            Some(keys) => {
                format!("{} offered, {} added, {} removed", keys.offered, keys.added, keys.removed)
            }
            None => "the server has none to give".to_owned(),
        });
        add("host keys", said.map_err(|error| failure("host keys", error)));
    }
    if plan.config.server_key.install {
        let said = chore::server_key::install(&plan).await.map(|it| match it.change {
            Change::None => format!("{}, was there", it.fingerprint),
            Change::Added | Change::Replaced => format!("{}, installed", it.fingerprint),
        });
        add("server key", said.map_err(|error| failure("server key", error)));
    }
    if let Some(tunnel) = &plan.tunnel {
        add("tunnel", handshake(tunnel).await);
    }
    Ok(parts)
}

/// The exit code of a round: that of the first part that failed.
///
/// # Errors
/// That part's failure.
pub fn verdict(parts: Vec<Part>) -> Result<(), Failure> {
    parts.into_iter().find_map(|part| part.result.err()).map_or(Ok(()), Err)
}

/// Opens the tunnel and closes it again.
async fn handshake(plan: &TunnelPlan) -> Result<String, Failure> {
    let what = "tunnel";
    let dialled =
        tunnel::dial(plan).await.map_err(|error| Failure::new(Exit::Unavailable, what).because(error))?;
    match tunnel_frame::client::connect(dialled.stream, &plan.hello, tunnel::driver_config(plan)).await {
        Ok(_) => Ok(format!("accepted by {}", dialled.proxy)),
        Err(ConnectError::Refused(refusal)) => {
            let advice = tunnel::refusal::advice(tunnel::words(&refusal));
            Err(Failure::new(Exit::NotPermitted, format!("{what} refused: {refusal}")).advise(advice))
        }
        Err(error) => Err(Failure::new(Exit::Unavailable, what).because(error)),
    }
}

fn failure(what: &str, error: ChoreError) -> Failure {
    match error.outcome() {
        Outcome::NotProvisioned if what == "heartbeat" => Failure::new(
            Exit::NotPermitted,
            "device not provisioned: the server does not know its device_key",
        )
        .advise("have the operator create the device, or compare device_key with theirs"),
        Outcome::Denied | Outcome::NotProvisioned => Failure::new(Exit::NotPermitted, what).because(error),
        _ if matches!(error, ChoreError::Local(_)) => Failure::new(Exit::Io, what).because(error),
        _ => Failure::new(Exit::Unavailable, what).because(error),
    }
}
