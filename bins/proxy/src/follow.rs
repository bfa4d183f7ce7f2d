//! Follows Meeting: lists the tunnels, and looks again at the devices that are connected.

use std::sync::Arc;

use daemon::exit::Failure;
use daemon::lifecycle::Pulse;
use meeting_api::endpoint::tunnels::Tunnel;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::edge::Edge;
use crate::meeting::Found;
use crate::plan::{Listed, Route};
use crate::ports::Command;
use crate::reason::Ended;
use crate::sessions::Session;
use crate::verdict;

/// Lists and looks until a stop is asked for.
pub(crate) async fn serve(edge: Arc<Edge>, pulse: Pulse) -> Result<(), Failure> {
    let stop = edge.stop.gently.clone();
    let mut rechecked: Option<Instant> = None;
    loop {
        let config = edge.config();
        let round = async {
            if !list(&edge).await {
                return;
            }
            // A server that is broken must not end sessions: devices are looked at only when the listing was good.
            let due = rechecked.is_none_or(|at| at.elapsed() >= config.meeting.recheck_interval.duration());
            if due {
                rechecked = Some(Instant::now());
                recheck(&edge).await;
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = round => {}
        }
        pulse.beat();
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = edge.reloaded.notified() => {}
            () = tokio::time::sleep(config.meeting.poll_interval.duration()) => {}
        }
        pulse.beat();
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

async fn look(edge: &Edge, session: &Session) -> Option<Ended> {
    // An outage keeps sessions as they are.
    match edge.meeting.device_now(session.key()).await.ok()? {
        Found::Nothing => Some(Ended::DeviceDeleted),
        Found::Record(record) => verdict::lost_ground(&record, session.token()),
    }
}
