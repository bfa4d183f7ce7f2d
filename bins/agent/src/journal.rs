//! One place that every event passes: the log, the metrics and the embedding program's observer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::events::{CheckInEvent, Event, IpWatchEvent, Observer};
use crate::metrics::Metrics;

/// Takes events in. Clones go to the same places.
#[derive(Clone)]
pub(crate) struct Journal {
    observer: Arc<dyn Observer>,
    metrics: Metrics,
    /// The last reason of each chore's failure: the same again is not worth a warning.
    reasons: Arc<Mutex<HashMap<&'static str, String>>>,
}

impl Journal {
    pub(crate) fn new(observer: Arc<dyn Observer>) -> Self {
        Self { observer, metrics: Metrics::default(), reasons: Arc::default() }
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(crate) fn tell(&self, event: &Event) {
        match event {
            Event::NotProvisioned { .. }
            | Event::TunnelRefused { .. }
            | Event::TunnelContested { .. }
            | Event::CheckIn(CheckInEvent::FileStuck { .. } | CheckInEvent::Refused { .. })
            | Event::IpWatch(IpWatchEvent::PowerFailed { .. } | IpWatchEvent::NotStored { .. }) => {
                tracing::error!(target: "agent", "{event}");
            }
            Event::ChoreFailed { chore, reason, .. } if self.is_old(chore, reason) => {
                tracing::debug!(target: "agent", "{event}")
            }
            Event::HeartbeatFailed { .. }
            | Event::ChoreFailed { .. }
            | Event::KeyPending { .. }
            | Event::TunnelDown { retry_in: Some(_), .. }
            | Event::PortRefused { .. }
            | Event::ServiceUnreachable { .. }
            | Event::CheckIn(
                CheckInEvent::FileRefused { .. }
                | CheckInEvent::SetAside { .. }
                | CheckInEvent::Failed { .. },
            )
            | Event::IpWatch(
                IpWatchEvent::Away { .. } | IpWatchEvent::Refused { .. } | IpWatchEvent::Unacknowledged,
            )
            | Event::ReloadRefused { .. } => tracing::warn!(target: "agent", "{event}"),
            Event::HeartbeatAccepted { first: false, .. } => tracing::debug!(target: "agent", "{event}"),
            _ => tracing::info!(target: "agent", "{event}"),
        }
        self.metrics.count(event);
        self.observer.event(event);
    }

    fn is_old(&self, chore: &'static str, reason: &str) -> bool {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        reasons.insert(chore, reason.to_owned()).is_some_and(|last| last == reason)
    }
}
