//! What the agent counts, for Prometheus. Everything here is derived from [`Event`]s.

use std::sync::atomic::{AtomicI64, AtomicU64};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::events::{CheckInEvent, Event, IpWatchEvent};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChoreName {
    chore: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Service {
    service: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DeliveryResult {
    result: &'static str,
}

/// Counters and gauges of one agent. Clones share their values.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    heartbeats: Family<Outcome, Counter>,
    last_heartbeat: Gauge<i64, AtomicI64>,
    chore_failures: Family<ChoreName, Counter>,
    tunnel_up: Gauge<i64, AtomicI64>,
    tunnel_sessions: Counter<u64, AtomicU64>,
    tunnel_refusals: Counter<u64, AtomicU64>,
    connections: Family<Service, Counter>,
    connections_open: Gauge<i64, AtomicI64>,
    ports_refused: Counter<u64, AtomicU64>,
    services_unreachable: Counter<u64, AtomicU64>,
    received: Counter<u64, AtomicU64>,
    sent: Counter<u64, AtomicU64>,
    check_ins_taken: Counter<u64, AtomicU64>,
    check_ins_delivered: Family<DeliveryResult, Counter>,
    check_ins_set_aside: Counter<u64, AtomicU64>,
    check_in_files_refused: Counter<u64, AtomicU64>,
    check_in_failures: Counter<u64, AtomicU64>,
    check_ins_waiting: Gauge<i64, AtomicI64>,
    ipwatch_connected: Gauge<i64, AtomicI64>,
    ipwatch_commands: Family<Outcome, Counter>,
}

impl Metrics {
    /// Makes the metrics known under `agent_…`.
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("agent");
        registry.register("heartbeats", "Heartbeats by outcome", self.heartbeats.clone());
        registry.register_with_unit(
            "last_heartbeat",
            "Unix time of the last heartbeat that the server took; 0 before the first",
            Unit::Seconds,
            self.last_heartbeat.clone(),
        );
        registry.register("chore_failures", "Failures of other chores", self.chore_failures.clone());
        registry.register("tunnel_up", "1 while the proxy holds our tunnel, else 0", self.tunnel_up.clone());
        registry.register("tunnel_sessions", "Tunnels that the proxy accepted", self.tunnel_sessions.clone());
        registry.register("tunnel_refusals", "Tunnels that the proxy refused", self.tunnel_refusals.clone());
        registry.register(
            "connections",
            "Connections through the tunnel by service",
            self.connections.clone(),
        );
        registry.register(
            "connections_open",
            "Connections through the tunnel that are open now",
            self.connections_open.clone(),
        );
        registry.register(
            "ports_refused",
            "Ports asked for that are not on the allow-list",
            self.ports_refused.clone(),
        );
        registry.register(
            "services_unreachable",
            "Connections to an allowed port that nothing answered",
            self.services_unreachable.clone(),
        );
        let bytes = |name, help, counter: &Counter<u64, AtomicU64>, registry: &mut Registry| {
            registry.register_with_unit(name, help, Unit::Bytes, counter.clone());
        };
        bytes(
            "received",
            "Bytes from visitors to local services, of closed connections",
            &self.received,
            registry,
        );
        bytes("sent", "Bytes from local services to visitors, of closed connections", &self.sent, registry);
        self.register_check_ins(registry);
        registry.register(
            "ipwatch_connected",
            "1 while the machine is connected to its broker, else 0",
            self.ipwatch_connected.clone(),
        );
        registry.register(
            "ipwatch_commands",
            "Commands of IPWatch by outcome: accepted, failed, or why they were refused",
            self.ipwatch_commands.clone(),
        );
    }

    fn register_check_ins(&self, registry: &mut Registry) {
        let mut counter = |name, help, counter: &Counter<u64, AtomicU64>| {
            registry.register(name, help, counter.clone());
        };
        counter("check_ins_taken", "Check-ins taken from the spool folder", &self.check_ins_taken);
        counter(
            "check_ins_set_aside",
            "Check-ins that the receiver will never take",
            &self.check_ins_set_aside,
        );
        counter(
            "check_in_files_refused",
            "Files of the spool folder that are no check-ins",
            &self.check_in_files_refused,
        );
        counter("check_in_failures", "Tries to deliver check-ins that failed", &self.check_in_failures);
        registry.register(
            "check_ins_delivered",
            "Check-ins that the receiver has: created, or held already",
            self.check_ins_delivered.clone(),
        );
        registry.register("check_ins_waiting", "Check-ins in the outbox", self.check_ins_waiting.clone());
    }

    /// How many check-ins wait in the outbox.
    pub(crate) fn set_check_ins_waiting(&self, waiting: usize) {
        self.check_ins_waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
    }

    /// Counts what `event` says.
    pub fn count(&self, event: &Event) {
        let heartbeat = |outcome| {
            self.heartbeats.get_or_create(&Outcome { outcome }).inc();
        };
        match event {
            Event::HeartbeatAccepted { .. } => {
                heartbeat("accepted");
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                self.last_heartbeat
                    .set(now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX)));
            }
            Event::HeartbeatFailed { .. } => heartbeat("failed"),
            Event::NotProvisioned { .. } => heartbeat("not_provisioned"),
            Event::ChoreFailed { chore, .. } => {
                self.chore_failures.get_or_create(&ChoreName { chore }).inc();
            }
            Event::TunnelUp { .. } => {
                self.tunnel_up.set(1);
                self.tunnel_sessions.inc();
            }
            Event::TunnelDown { .. } | Event::TunnelContested { .. } => {
                self.tunnel_up.set(0);
            }
            Event::TunnelRefused { .. } => {
                self.tunnel_up.set(0);
                self.tunnel_refusals.inc();
            }
            Event::ConnectionOpened { service, .. } => {
                self.connections.get_or_create(&Service { service: service.clone() }).inc();
                self.connections_open.inc();
            }
            Event::ConnectionClosed { received, sent, .. } => {
                self.connections_open.dec();
                self.received.inc_by(*received);
                self.sent.inc_by(*sent);
            }
            Event::PortRefused { .. } => {
                self.ports_refused.inc();
            }
            Event::ServiceUnreachable { .. } => {
                self.services_unreachable.inc();
            }
            Event::CheckIn(event) => self.count_check_ins(event),
            Event::IpWatch(event) => self.count_ipwatch(event),
            _ => {}
        }
    }

    fn count_ipwatch(&self, event: &IpWatchEvent) {
        let command = |outcome| {
            self.ipwatch_commands.get_or_create(&Outcome { outcome }).inc();
        };
        match event {
            IpWatchEvent::Connected => {
                self.ipwatch_connected.set(1);
            }
            IpWatchEvent::Away { .. } => {
                self.ipwatch_connected.set(0);
            }
            IpWatchEvent::Accepted { .. } => command("accepted"),
            IpWatchEvent::Refused { code, .. } => command(code),
            IpWatchEvent::PowerFailed { .. } => command("failed"),
            _ => {}
        }
    }

    fn count_check_ins(&self, event: &CheckInEvent) {
        match event {
            CheckInEvent::Taken { .. } => {
                self.check_ins_taken.inc();
            }
            CheckInEvent::FileRefused { .. } => {
                self.check_in_files_refused.inc();
            }
            CheckInEvent::Delivered { created, .. } => {
                let result = if *created { "created" } else { "already_held" };
                self.check_ins_delivered.get_or_create(&DeliveryResult { result }).inc();
            }
            CheckInEvent::SetAside { .. } => {
                self.check_ins_set_aside.inc();
            }
            CheckInEvent::Failed { .. } | CheckInEvent::Refused { .. } => {
                self.check_in_failures.inc();
            }
            _ => {}
        }
    }

    /// Whether the proxy holds our tunnel now.
    #[must_use]
    pub fn is_tunnel_up(&self) -> bool {
        self.tunnel_up.get() == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_become_numbers_in_prometheus_text() {
        let metrics = Metrics::default();
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        let service = || "ssh".to_owned();
        let opened = || Event::ConnectionOpened { service: service(), port: 22 };
        for event in [
            Event::TunnelUp { proxy: "192.0.2.1:9001".parse().unwrap(), tls: false },
            opened(),
            opened(),
            Event::ConnectionClosed { service: service(), port: 22, received: 100, sent: 2000 },
            Event::PortRefused { port: 6379 },
            Event::CheckIn(CheckInEvent::Taken { packet_hash: "A1".into() }),
            Event::CheckIn(CheckInEvent::Delivered { packet_hash: "A1".into(), created: true }),
            Event::CheckIn(CheckInEvent::Delivered { packet_hash: "A2".into(), created: false }),
            Event::CheckIn(CheckInEvent::Failed {
                reason: "busy".into(),
                retry_in: std::time::Duration::ZERO,
            }),
        ] {
            metrics.count(&event);
        }
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        for line in [
            "agent_tunnel_up 1",
            "agent_connections_total{service=\"ssh\"} 2",
            "agent_connections_open 1",
            "agent_received_bytes_total 100",
            "agent_sent_bytes_total 2000",
            "agent_ports_refused_total 1",
            "agent_check_ins_taken_total 1",
            "agent_check_ins_delivered_total{result=\"created\"} 1",
            "agent_check_ins_delivered_total{result=\"already_held\"} 1",
            "agent_check_in_failures_total 1",
            "agent_check_ins_waiting 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
    }
}
