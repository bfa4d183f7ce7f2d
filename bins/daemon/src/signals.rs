//! The signals of an operator: INT and TERM stop, HUP reloads.

use crate::lifecycle::Stop;
use std::io;
use tokio::signal::unix::{SignalKind, signal};

/// Takes over INT, TERM and HUP for this process; the future serves them until the program has stopped.
///
/// The first INT or TERM cancels [`Stop::gently`], the second [`Stop::at_once`]. Each HUP calls `reload`, which must
/// not block: let it wake a task.
///
/// # Errors
/// The operating system refuses the handlers.
pub fn listen(
    stop: Stop,
    mut reload: impl FnMut() + Send + 'static,
) -> io::Result<impl Future<Output = ()> + Send> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        loop {
            let name = tokio::select! {
                _ = interrupt.recv() => "INT",
                _ = terminate.recv() => "TERM",
                _ = hangup.recv() => {
                    tracing::info!("signal HUP: reloading");
                    reload();
                    continue;
                }
            };
            if stop.gently.is_cancelled() {
                tracing::warn!(signal = name, "second signal: stopping at once");
                stop.at_once.cancel();
                return;
            }
            tracing::info!(signal = name, "stopping in order; a second signal stops at once");
            stop.gently.cancel();
        }
    })
}
