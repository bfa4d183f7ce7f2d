//! Follows Meeting: lists the tunnels, and looks again at the devices that are connected. Choice: PX-9.

use std::sync::Arc;

use daemon::exit::Failure;
use daemon::lifecycle::Pulse;
use meeting_api::endpoint::tunnels::Tunnel;
use tokio::task::JoinSet;

use crate::edge::Edge;
use crate::meeting::Found;
use crate::plan::{Listed, Route};
use crate::ports::Command;
use crate::reason::Ended;
use crate::sessions::Session;
use crate::verdict;

/// Lists the tunnels again and again until a stop is asked for.
pub(crate) async fn listings(edge: Arc<Edge>, pulse: Pulse) -> Result<(), Failure> {
    let stop = edge.stop.gently.clone();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            good = list(&edge) => edge.meeting.set_listing_good(good),
        }
        pulse.beat();
        let pause = edge.config().meeting.poll_interval.duration();
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = edge.reloaded.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
        pulse.beat();
    }
}

/// Looks at the connected devices again and again until a stop is asked for.
pub(crate) async fn looks(edge: Arc<Edge>) -> Result<(), Failure> {
    let stop = edge.stop.gently.clone();
    loop {
        let pause = edge.config().meeting.recheck_interval.duration();
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(pause) => {}
        }
        // A server that is broken must not end sessions: devices are looked at only while the listing is good.
        if !edge.meeting.is_listing_good() {
            continue;
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = recheck(&edge) => {}
        }
    }
}

/// Lists the tunnels once; whether that succeeded. When it fails, what was listed before stays in force.
async fn list(edge: &Edge) -> bool {
    let Ok(list) = edge.meeting.tunnels().await else { return false };
    if list.unreadable > 0 {
        tracing::warn!(
            rows = list.unreadable,
            "rows of the tunnel listing cannot be read; the others are served"
        );
    }
    let listing = list.tunnels.iter().map(listed).collect();
    edge.ports.send(Command::Listing(listing)).await.is_ok()
}

fn listed(tunnel: &Tunnel) -> Listed {
    Listed {
        route: Route {
            port: tunnel.port,
            device: Arc::from(tunnel.device_key.as_str()),
            service: Arc::from(tunnel.service.as_str()),
            local_port: tunnel.local_port,
        },
        expires_at: tunnel.expires_at.map(meeting_api::UtcTimestamp::unix),
    }
}

/// Ends the sessions of devices that have lost their ground.
async fn recheck(edge: &Arc<Edge>) {
    let mut looks = JoinSet::new();
    for session in edge.sessions.all() {
        let edge = Arc::clone(edge);
        // How many run at once is limited where Meeting is asked.
        looks.spawn(async move {
            if let Some(reason) = look(&edge, &session).await {
                tracing::warn!(device = %session.device(), %reason, "session ended");
                session.end(reason);
            }
        });
    }
    while looks.join_next().await.is_some() {}
}

/// Why a session has lost its ground; an outage keeps it as it is.
async fn look(edge: &Edge, session: &Session) -> Option<Ended> {
    match edge.meeting.device_now(session.key()).await.ok()? {
        Found::Record(record) => verdict::lost_ground(&record, session.token()),
        // A server that answers 404 to everything, half-way through an upgrade for instance, knows no listing either.
        Found::Nothing => {
            edge.meeting.tunnels().await.ok()?;
            let again = edge.meeting.device_now(session.key()).await.ok()?;
            matches!(again, Found::Nothing).then_some(Ended::DeviceDeleted)
        }
    }
}
