//! What is counted of check-ins.

use std::fmt::{self, Write as _};
use std::time::Duration;

use checkin_api::server::store::Outcome;
use checkin_api::server::{Observer, Operation, Rejection};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

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

/// An answer, as the labels of its counter. Both sets are small and fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    operation: Asked,
    status: u16,
}

/// Why check-ins were refused, as the label of its counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    reason: &'static str,
}

/// The counters of check-ins. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct CheckInMetrics {
    answers: Family<Answer, Counter>,
    accepted: Counter,
    duplicates: Counter,
    rejected: Family<Refused, Counter>,
    commit_size: Histogram,
    commit_seconds: Histogram,
}

impl CheckInMetrics {
    /// Counters at zero, registered under the prefix `receiver_checkin`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let sizes = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];
        let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];
        let metrics = Self {
            answers: Family::default(),
            accepted: Counter::default(),
            duplicates: Counter::default(),
            rejected: Family::default(),
            commit_size: Histogram::new(sizes),
            commit_seconds: Histogram::new(seconds),
        };
        // A reason that has not occurred is 0, not absent: an alert on its increase then sees the first one.
        for reason in Rejection::ALL {
            drop(metrics.rejected.get_or_create(&Refused { reason: reason.as_str() }));
        }
        let registry = registry.sub_registry_with_prefix("receiver_checkin");
        registry.register("answers", "Answers, by operation and status", metrics.answers.clone());
        registry.register("accepted", "Check-ins that were new, and kept", metrics.accepted.clone());
        registry.register("duplicates", "Check-ins that were held already", metrics.duplicates.clone());
        registry.register("rejected", "Check-ins that were refused, by reason", metrics.rejected.clone());
        registry.register("commit_size", "Check-ins that shared one commit", metrics.commit_size.clone());
        registry.register(
            "commit_seconds",
            "Time until a commit was on disk",
            metrics.commit_seconds.clone(),
        );
        metrics
    }
}

impl Observer for CheckInMetrics {
    fn answered(&self, operation: Option<Operation>, status: http::StatusCode) {
        self.answers.get_or_create(&Answer { operation: Asked(operation), status: status.as_u16() }).inc();
    }

    fn accepted(&self, outcome: Outcome) {
        match outcome {
            Outcome::New => self.accepted.inc(),
            Outcome::Duplicate => self.duplicates.inc(),
        };
    }

    fn rejected(&self, reason: Rejection) {
        self.rejected.get_or_create(&Refused { reason: reason.as_str() }).inc();
    }

    fn committed(&self, check_ins: usize, took: Duration) {
        self.commit_size.observe(f64::from(u32::try_from(check_ins).unwrap_or(u32::MAX)));
        self.commit_seconds.observe(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_to_check_ins_is_counted() {
        let mut registry = Registry::default();
        let metrics = CheckInMetrics::register(&mut registry);
        metrics.answered(Some(Operation::Submit), http::StatusCode::CREATED);
        metrics.answered(None, http::StatusCode::NOT_FOUND);
        metrics.accepted(Outcome::New);
        metrics.accepted(Outcome::New);
        metrics.accepted(Outcome::Duplicate);
        metrics.rejected(Rejection::Malformed);
        metrics.committed(3, Duration::from_millis(4));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "receiver_checkin_answers_total{operation=\"Submit\",status=\"201\"} 1",
            "receiver_checkin_answers_total{operation=\"none\",status=\"404\"} 1",
            "receiver_checkin_accepted_total 2",
            "receiver_checkin_duplicates_total 1",
            "receiver_checkin_rejected_total{reason=\"malformed\"} 1",
            "receiver_checkin_rejected_total{reason=\"unauthorized\"} 0",
            "receiver_checkin_commit_size_bucket{le=\"2.0\"} 0",
            "receiver_checkin_commit_size_bucket{le=\"4.0\"} 1",
            "receiver_checkin_commit_seconds_bucket{le=\"0.005\"} 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
