//! What is done every few seconds: readiness, the state file, a word to the service manager.

use std::sync::Arc;
use std::time::Duration;

use daemon::admin::Condition;
use daemon::exit::Failure;
use daemon::human;
use daemon::service_manager;
use tokio::time::Instant;

use crate::edge::Edge;
use crate::known;

/// The time between two rounds.
const ROUND: Duration = Duration::from_secs(1);
/// Rounds between two looks at the state file.
const SLOW_ROUND: u32 = 30;

/// Keeps house until a stop is asked for.
pub(crate) async fn serve(edge: Arc<Edge>, meeting: Condition, is_service: bool) -> Result<(), Failure> {
    let started = Instant::now();
    let mut saved = known::encode(&edge.lockout());
    let mut said = String::new();
    let mut round = 0_u32;
    loop {
        tokio::select! {
            biased;
            () = edge.stop.gently.cancelled() => return Ok(()),
            () = tokio::time::sleep(ROUND) => {}
        }
        round = round.wrapping_add(1);
        judge(&edge, &meeting, started);
        if is_service {
            let status = format!(
                "{} devices, {} public ports, {} visitors",
                edge.sessions.count(),
                edge.metrics.ports.get(),
                edge.visits.len()
            );
            if status != said {
                service_manager::status(&status);
                said = status;
            }
        }
        if round.is_multiple_of(SLOW_ROUND) {
            let text = known::encode(&edge.lockout());
            if text != saved {
                write(&edge, &text);
                saved = text;
            }
        }
    }
}

fn judge(edge: &Edge, meeting: &Condition, started: Instant) {
    let patience = edge.config().meeting.unready_after.duration();
    match edge.meeting.silent_for(started) {
        None => meeting.met(),
        Some(silence) if silence < patience && edge.meeting.has_answered() => meeting.met(),
        Some(silence) => meeting.unmet(format!("no answer for {}", human::about(silence))),
    }
}

/// Writes the state file, if there is to be one.
pub(crate) fn save(edge: &Edge) {
    let text = known::encode(&edge.lockout());
    write(edge, &text);
}

fn write(edge: &Edge, text: &str) {
    let config = edge.config();
    let Some(path) = &config.lockout.state_file else { return };
    if let Err(error) = known::write(path, text) {
        tracing::error!(path = %path.display(), %error, "the state file cannot be written");
    }
}
