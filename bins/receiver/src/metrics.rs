//! What the receiver counts, in Prometheus' text format.

mod check_in;
mod ipwatch;

use std::fmt::{self, Write as _};

use meeting_api::server::{Observer, Operation};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

pub(crate) use check_in::CheckInMetrics;
pub(crate) use ipwatch::{Figures, IpWatchMetrics};

/// What was asked for; `none` for a request that met no route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Asked(Option<Operation>);

impl EncodeLabelValue for Asked {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        match self.0 {
            Some(operation) => write!(encoder, "{operation:?}"),
            None => encoder.write_str("none"),
        }
    }
}

/// An answer of the Meeting API, as the labels of its counter. Both sets are small and fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    operation: Asked,
    status: u16,
}

/// The receiver's counters. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    answers: Family<Answer, Counter>,
    departures: Counter,
}

impl Metrics {
    /// Counters at zero, registered under the prefix `receiver`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let registry = registry.sub_registry_with_prefix("receiver");
        registry.register(
            "meeting_answers",
            "Answers of the Meeting API, by operation and status",
            metrics.answers.clone(),
        );
        registry.register(
            "devices_gone",
            "Times that a device stopped sending heartbeats",
            metrics.departures.clone(),
        );
        metrics
    }

    pub(crate) fn departed(&self, devices: usize) {
        self.departures.inc_by(u64::try_from(devices).unwrap_or(u64::MAX));
    }
}

impl Observer for Metrics {
    fn answered(&self, operation: Option<Operation>, status: http::StatusCode) {
        self.answers.get_or_create(&Answer { operation: Asked(operation), status: status.as_u16() }).inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_counted_by_operation_and_status() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        metrics.answered(Some(Operation::Heartbeat), http::StatusCode::OK);
        metrics.answered(Some(Operation::Heartbeat), http::StatusCode::OK);
        metrics.answered(None, http::StatusCode::NOT_FOUND);
        metrics.departed(3);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "receiver_meeting_answers_total{operation=\"Heartbeat\",status=\"200\"} 2",
            "receiver_meeting_answers_total{operation=\"none\",status=\"404\"} 1",
            "receiver_devices_gone_total 3",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
