//! What is counted of the machines. Names and labels are few and fixed, but for the machines' own figures, whose number is bounded.

use std::fmt::{self, Debug};
use std::time::Duration;

use ipwatch_mqtt::schedule::Action;
use ipwatch_mqtt::server::Counts;
use ipwatch_mqtt::server::shapes::{DeviceView, Presence};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

const PREFIX: &str = "receiver_ipwatch";
/// Up to the 5 s after which a command is given up, and twice that for those who set more.
const SECONDS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0];

/// A command and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Commanded {
    command: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Command {
    command: &'static str,
}

/// The counters of what is sent to machines. Cloning shares them.
#[derive(Debug, Clone)]
pub(crate) struct IpWatchMetrics {
    commands: Family<Commanded, Counter>,
    seconds: Family<Command, Histogram>,
    connected: Gauge,
    connections: Counter,
}

impl IpWatchMetrics {
    /// Counters at zero, registered under the prefix `receiver_ipwatch`.
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            commands: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            connected: Gauge::default(),
            connections: Counter::default(),
        };
        for command in [Action::Shutdown, Action::Reboot, Action::Status].map(Action::as_str) {
            for outcome in ["done", "refused", "no_answer", "unsent"] {
                drop(metrics.commands.get_or_create(&Commanded { command, outcome }));
            }
            drop(metrics.seconds.get_or_create(&Command { command }));
        }
        let registry = registry.sub_registry_with_prefix(PREFIX);
        registry.register("commands", "Commands to machines, by what came of them", metrics.commands.clone());
        registry.register(
            "command_seconds",
            "Time until a machine answered a command",
            metrics.seconds.clone(),
        );
        registry.register(
            "broker_connected",
            "Whether the receiver is connected to the broker",
            metrics.connected.clone(),
        );
        registry.register(
            "broker_connections",
            "Times that the receiver connected to the broker",
            metrics.connections.clone(),
        );
        metrics
    }

    /// A command has come to its end; `took` when the machine answered.
    pub(crate) fn commanded(&self, command: &'static str, outcome: &'static str, took: Option<Duration>) {
        self.commands.get_or_create(&Commanded { command, outcome }).inc();
        if let Some(took) = took {
            self.seconds.get_or_create(&Command { command }).observe(took.as_secs_f64());
        }
    }

    /// The connection to the broker is there, or is not any more.
    pub(crate) fn connected(&self, is_connected: bool) {
        let before = self.connected.set(is_connected.into());
        if is_connected && before == 0 {
            self.connections.inc();
        }
    }
}

/// What the server knows at the moment when it is asked.
pub(crate) type Look = Box<dyn Fn() -> (Counts, Vec<DeviceView>) + Send + Sync>;

/// Figures that are made when they are asked for.
pub(crate) struct Figures {
    look: Look,
    most: usize,
}

impl Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Figures").field("most", &self.most).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Availability {
    availability: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Taken {
    result: &'static str,
}

/// A machine as labels. Its name is anybody's text: the encoder escapes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Machine {
    ip: String,
    name: String,
}

impl Figures {
    /// Registers them; so many machines have figures of their own.
    pub(crate) fn register(registry: &mut Registry, most: u32, look: Look) {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        registry.register_collector(Box::new(Self { look, most }));
    }

    fn counts(encoder: &mut DescriptorEncoder<'_>, counts: &Counts) -> fmt::Result {
        let mut machines = encoder.encode_descriptor(
            "receiver_ipwatch_machines",
            "Machines, by whether they are there",
            None,
            MetricType::Gauge,
        )?;
        for (availability, count) in
            [("online", counts.online), ("offline", counts.offline), ("unknown", counts.unknown)]
        {
            let labels = Availability { availability };
            gauge(count).encode(machines.encode_family(&labels)?)?;
        }
        let mut messages = encoder.encode_descriptor(
            "receiver_ipwatch_messages",
            "Messages of machines, by whether they were taken",
            None,
            MetricType::Counter,
        )?;
        for (result, count) in [
            ("taken", counts.taken),
            ("unregistered", counts.unregistered),
            ("wrong_user", counts.wrong_user),
        ] {
            let labels = Taken { result };
            ConstCounter::new(count).encode(messages.encode_family(&labels)?)?;
        }
        for (name, help, count) in [
            ("receiver_ipwatch_strangers", "Addresses that speak and are not taken", counts.strangers),
            ("receiver_ipwatch_followers", "Pages that follow the events now", counts.followers),
        ] {
            gauge(count).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        ConstCounter::new(counts.samples_lost).encode(encoder.encode_descriptor(
            "receiver_ipwatch_samples_lost",
            "Figures of machines that the database did not take",
            None,
            MetricType::Counter,
        )?)
    }

    fn machines(&self, encoder: &mut DescriptorEncoder<'_>, machines: &[DeviceView]) -> fmt::Result {
        type Figure = fn(&DeviceView) -> Option<f64>;
        let figures: [(&str, &str, Figure); 5] = [
            ("online", "Whether the machine is there", |machine| {
                Some(f64::from(u8::from(machine.availability == Presence::Online)))
            }),
            ("cpu_percent", "Processor of the machine, in percent", |machine| here(machine)?.cpu_percent),
            ("memory_percent", "Memory of the machine, in percent", |machine| here(machine)?.memory_percent),
            ("disk_percent", "Disk of the machine, in percent", |machine| here(machine)?.disk_percent),
            ("uptime_seconds", "Time since the machine started, in seconds", |machine| {
                here(machine)?.uptime.map(seconds)
            }),
        ];
        let shown = machines.get(..self.most).unwrap_or(machines);
        for (name, help, figure) in figures {
            let name = format!("receiver_ipwatch_machine_{name}");
            let mut family = encoder.encode_descriptor(&name, help, None, MetricType::Gauge)?;
            for machine in shown {
                let Some(value) = figure(machine) else { continue };
                let labels = Machine { ip: machine.ip.to_string(), name: machine.name.clone() };
                ConstGauge::<f64>::new(value).encode(family.encode_family(&labels)?)?;
            }
        }
        let left_out = machines.len().saturating_sub(self.most);
        gauge(u64::try_from(left_out).unwrap_or(u64::MAX)).encode(encoder.encode_descriptor(
            "receiver_ipwatch_machines_left_out",
            "Machines beyond machine_metrics, which have no figures of their own",
            None,
            MetricType::Gauge,
        )?)
    }
}

/// The status of a machine that is there: that of one that is away is of the past.
fn here(machine: &DeviceView) -> Option<&ipwatch_mqtt::Status> {
    machine.status.as_ref().filter(|_| machine.availability == Presence::Online)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a machine that has been up for 285 million years may be off by a second"
)]
fn seconds(seconds: u64) -> f64 {
    seconds as f64
}

fn gauge(count: u64) -> ConstGauge {
    ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX))
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (counts, machines) = (self.look)();
        Self::counts(&mut encoder, &counts)?;
        self.machines(&mut encoder, &machines)
    }
}
