//! What systemd is told: ready, reloading, stopping, a status line, and that the program is alive.
//!
//! Without `NOTIFY_SOCKET` all of it does nothing, so callers need not ask.

use crate::lifecycle::Liveness;
use sd_notify::NotifyState;
use std::time::Duration;

/// Start-up is done: listeners are bound. `status` is shown by `systemctl status`.
pub fn ready(status: &str) {
    send(&[NotifyState::Ready, NotifyState::Status(&one_line(status))]);
}

/// A reload begins; [`ready`] ends it.
pub fn reloading() {
    let mut states = vec![NotifyState::Reloading];
    // systemd 253 and later ends a service of Type=notify-reload that leaves this out.
    states.extend(NotifyState::monotonic_usec_now());
    send(&states);
}

/// The program is stopping and has `within` to do so, however the unit's own timeout is set.
pub fn stopping(within: Duration) {
    let micros = u32::try_from(within.as_micros()).unwrap_or(u32::MAX);
    send(&[NotifyState::Stopping, NotifyState::ExtendTimeoutUsec(micros)]);
}

/// A status line for `systemctl status`.
pub fn status(text: &str) {
    send(&[NotifyState::Status(&one_line(text))]);
}

/// Pings the watchdog (`WatchdogSec=`) twice per period as long as every loop is alive; silence makes systemd restart us.
///
/// Ends at once when no watchdog is asked for. Run it on the runtime whose health it vouches for.
pub async fn watchdog(liveness: Liveness) {
    let Some(period) = sd_notify::watchdog_enabled() else { return };
    let mut tick = tokio::time::interval((period / 2).max(Duration::from_millis(1)));
    loop {
        tick.tick().await;
        match liveness.stalled() {
            stalled if stalled.is_empty() => send(&[NotifyState::Watchdog]),
            stalled => tracing::error!(?stalled, "no watchdog ping: loops stand still"),
        }
    }
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "cannot notify the service manager");
    }
}

/// A line ending in a status would start another assignment of the protocol.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
