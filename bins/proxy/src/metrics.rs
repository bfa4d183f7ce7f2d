//! What the proxy counts, in Prometheus' text format.

use std::fmt::Write as _;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// A word of a fixed set, as the value of a label: the number of time series stays bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Word(pub(crate) &'static str);

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        encoder.write_str(self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByReason {
    reason: Word,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByDirection {
    direction: Word,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByRequest {
    request: Word,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByOutcome {
    request: Word,
    outcome: Word,
}

/// Upper bounds of the latency histogram, in seconds.
const LATENCY_SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0];

/// The proxy's counters. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    pub(crate) devices: Gauge,
    pub(crate) half_open: Gauge,
    pub(crate) ports: Gauge,
    pub(crate) visitors: Gauge,
    pub(crate) visits: Counter,
    pub(crate) accepted: Counter,
    pub(crate) takeovers: Counter,
    pub(crate) last_listing: Gauge<f64, AtomicU64>,
    pub(crate) to_device: Counter,
    pub(crate) to_visitor: Counter,
    bytes: Family<ByDirection, Counter>,
    refused: Family<ByReason, Counter>,
    dropped: Family<ByReason, Counter>,
    ended: Family<ByReason, Counter>,
    locked: Family<ByReason, Counter>,
    visits_refused: Family<ByReason, Counter>,
    faults: Family<ByReason, Counter>,
    requests: Family<ByOutcome, Counter>,
    latency: Family<ByRequest, Histogram>,
}

impl Metrics {
    /// Counters at zero, registered under the prefix `proxy`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let registry = registry.sub_registry_with_prefix("proxy");
        let bytes: Family<ByDirection, Counter> = Family::default();
        let moved = |direction| bytes.get_or_create_owned(&ByDirection { direction: Word(direction) });
        let metrics = Self {
            devices: Gauge::default(),
            half_open: Gauge::default(),
            ports: Gauge::default(),
            visitors: Gauge::default(),
            visits: Counter::default(),
            accepted: Counter::default(),
            takeovers: Counter::default(),
            last_listing: Gauge::default(),
            to_device: moved("to_device"),
            to_visitor: moved("to_visitor"),
            bytes,
            refused: Family::default(),
            dropped: Family::default(),
            ended: Family::default(),
            locked: Family::default(),
            visits_refused: Family::default(),
            faults: Family::default(),
            requests: Family::default(),
            latency: Family::new_with_constructor(|| Histogram::new(LATENCY_SECONDS)),
        };
        metrics.register_agents(registry);
        metrics.register_tunnels(registry);
        metrics.register_meeting(registry);
        metrics
    }

    fn register_agents(&self, registry: &mut Registry) {
        registry.register("devices_connected", "Devices with an accepted session", self.devices.clone());
        registry.register(
            "half_open_connections",
            "Connections at the control port that have not proved themselves",
            self.half_open.clone(),
        );
        registry.register("agents_accepted", "Agents accepted", self.accepted.clone());
        registry.register("agents_refused", "Agents refused, by reason", self.refused.clone());
        registry.register(
            "agents_dropped",
            "Connections dropped at the control port before the first byte, by bound",
            self.dropped.clone(),
        );
        registry.register("sessions_ended", "Accepted sessions that ended, by reason", self.ended.clone());
        registry.register(
            "takeovers",
            "Sessions that replaced an older one of the same device",
            self.takeovers.clone(),
        );
        registry.register(
            "lockouts",
            "Attempts not looked at because of earlier failures, by limit (source, device), and new lock-outs (new)",
            self.locked.clone(),
        );
    }

    fn register_tunnels(&self, registry: &mut Registry) {
        registry.register("public_ports_open", "Public ports open", self.ports.clone());
        registry.register("visitors_connected", "Visitors connected", self.visitors.clone());
        registry.register("visits", "Visitors accepted", self.visits.clone());
        registry.register("visits_refused", "Visitors refused, by reason", self.visits_refused.clone());
        registry.register_with_unit(
            "visitor",
            "Bytes moved between visitors and devices, by direction",
            Unit::Bytes,
            self.bytes.clone(),
        );
        registry.register(
            "tunnel_faults",
            "Tunnels that could not be opened, by reason",
            self.faults.clone(),
        );
    }

    fn register_meeting(&self, registry: &mut Registry) {
        registry.register(
            "meeting_requests",
            "Requests to the Meeting server, by request and outcome",
            self.requests.clone(),
        );
        registry.register_with_unit(
            "meeting_request",
            "Time that requests to the Meeting server took",
            Unit::Seconds,
            self.latency.clone(),
        );
        registry.register_with_unit(
            "last_listing_timestamp",
            "When the tunnels were last listed, since 1970 UTC",
            Unit::Seconds,
            self.last_listing.clone(),
        );
    }

    pub(crate) fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ByReason { reason: Word(reason) }).inc();
    }

    pub(crate) fn dropped(&self, bound: &'static str) {
        self.dropped.get_or_create(&ByReason { reason: Word(bound) }).inc();
    }

    pub(crate) fn ended(&self, reason: &'static str) {
        self.ended.get_or_create(&ByReason { reason: Word(reason) }).inc();
    }

    pub(crate) fn locked(&self, limit: &'static str) {
        self.locked.get_or_create(&ByReason { reason: Word(limit) }).inc();
    }

    pub(crate) fn visit_refused(&self, reason: &'static str) {
        self.visits_refused.get_or_create(&ByReason { reason: Word(reason) }).inc();
    }

    pub(crate) fn fault(&self, reason: &'static str) {
        self.faults.get_or_create(&ByReason { reason: Word(reason) }).inc();
    }

    pub(crate) fn request(&self, request: &'static str, outcome: &'static str, took: Duration) {
        let request = Word(request);
        self.requests.get_or_create(&ByOutcome { request, outcome: Word(outcome) }).inc();
        self.latency.get_or_create(&ByRequest { request }).observe(took.as_secs_f64());
    }
}
