//! Opens and closes public ports as the plan says (row T8).

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use daemon::exit::Failure;
use daemon::lifecycle::Pulse;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::edge::Edge;
use crate::event::Event;
use crate::plan::{Action, CloseReason, Fault, Listed, Plan, Route, Rules};
use crate::visitor;

/// The plan is looked at again at least so often, so that a jump of the clock does not keep an expired port open.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Opens the public ports. A program that embeds the proxy may have its own way, tests foremost.
pub trait PublicPorts: Send + Sync + 'static {
    /// Opens a listener for the public port `address`; must not block.
    ///
    /// # Errors
    /// The port is taken, not ours or not permitted.
    fn bind(&self, address: SocketAddr) -> io::Result<TcpListener>;
}

/// Public ports by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemPorts;

impl PublicPorts for SystemPorts {
    fn bind(&self, address: SocketAddr) -> io::Result<TcpListener> {
        daemon::net::listen(address)
    }
}

/// What the task that owns the ports is told.
#[derive(Debug)]
pub(crate) enum Command {
    /// The tunnels as Meeting lists them now.
    Listing(Vec<Listed>),
    /// A device's session came or went.
    Look(Arc<str>),
    /// The settings have changed.
    Rules,
}

/// The task that owns the public ports.
pub(crate) struct Ports {
    edge: Arc<Edge>,
    binder: Arc<dyn PublicPorts>,
    plan: Plan,
    listeners: HashMap<u16, Listener>,
    /// Ports whose last failure has been told.
    failing: HashMap<u16, String>,
}

#[derive(Debug)]
struct Listener {
    route: watch::Sender<Route>,
    task: JoinHandle<()>,
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports").field("listeners", &self.listeners).finish_non_exhaustive()
    }
}

impl Ports {
    pub(crate) fn new(edge: Arc<Edge>, binder: Arc<dyn PublicPorts>) -> Self {
        let plan = Plan::new(rules(&edge));
        Self { edge, binder, plan, listeners: HashMap::new(), failing: HashMap::new() }
    }

    /// Serves until a stop is asked for or nobody commands any more, then closes every port.
    pub(crate) async fn serve(
        mut self,
        mut commands: mpsc::Receiver<Command>,
        pulse: Pulse,
    ) -> Result<(), Failure> {
        let stop = self.edge.stop.gently.clone();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                command = commands.recv() => match command {
                    Some(command) => self.take(command),
                    None => break,
                },
                () = tokio::time::sleep(self.wait()) => {}
            }
            // Commands that have piled up are one change.
            while let Ok(command) = commands.try_recv() {
                self.take(command);
            }
            self.drop_dead();
            for action in self.plan.reconcile(unix_now()) {
                self.act(action).await;
            }
            pulse.beat();
        }
        let open: Vec<Route> = self.plan.open().cloned().collect();
        for route in open {
            self.close(&route, CloseReason::Stopping).await;
        }
        Ok(())
    }

    fn wait(&self) -> Duration {
        let Some(expiry) = self.plan.next_expiry() else { return LONGEST_WAIT };
        let seconds = u64::try_from(expiry.saturating_sub(unix_now())).unwrap_or(0);
        Duration::from_secs(seconds).clamp(Duration::from_millis(50), LONGEST_WAIT)
    }

    fn take(&mut self, command: Command) {
        let faults = match command {
            Command::Listing(listing) => self.plan.set_listing(listing),
            Command::Rules => self.plan.set_rules(rules(&self.edge)),
            Command::Look(device) => {
                // The registry is asked, not the messenger: messages of an old and a new session may cross.
                if self.edge.sessions.is_up(&device) {
                    self.plan.device_up(&device);
                } else {
                    self.plan.device_down(&device);
                }
                Vec::new()
            }
        };
        for fault in faults {
            self.complain(&fault);
        }
    }

    fn complain(&self, fault: &Fault) {
        let (route, word) = match fault {
            Fault::OutOfRange(route) => (route, "out_of_range"),
            Fault::Reserved(route) => (route, "reserved"),
            Fault::Conflict { refused, .. } => (refused, "conflict"),
        };
        self.edge.metrics.fault(word);
        let holder = match fault {
            Fault::Conflict { holder, .. } => Some(&*holder.device),
            _ => None,
        };
        tracing::warn!(
            device = %route.device, service = %route.service, port = route.port, holder, reason = word,
            "a listed tunnel cannot be served"
        );
    }

    /// A listener that ended in a defect is opened again.
    fn drop_dead(&mut self) {
        let dead: Vec<u16> =
            self.listeners.iter().filter(|(_, l)| l.task.is_finished()).map(|(port, _)| *port).collect();
        for port in dead {
            tracing::error!(port, "the listener of a public port ended in a defect; opening it again");
            self.listeners.remove(&port);
            self.edge.metrics.ports.dec();
            self.plan.open_failed(port);
        }
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Close(route, reason) => self.close(&route, reason).await,
            Action::Reroute(route) => {
                tracing::info!(
                    device = %route.device, service = %route.service, port = route.port, local_port = route.local_port,
                    "tunnel leads elsewhere"
                );
                if let Some(listener) = self.listeners.get(&route.port) {
                    listener.route.send_replace(route);
                }
            }
            Action::Open(route) => self.open(route),
        }
    }

    fn open(&mut self, route: Route) {
        let address = SocketAddr::new(self.edge.config().tunnels.bind, route.port);
        let bound = self.binder.bind(address).and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = match bound {
            Ok(bound) => bound,
            Err(error) => return self.failed(route, &error),
        };
        self.failing.remove(&route.port);
        let (sender, receiver) = watch::channel(route.clone());
        let task = tokio::spawn(visitor::accept(Arc::clone(&self.edge), listener, receiver));
        self.listeners.insert(route.port, Listener { route: sender, task });
        self.edge.metrics.ports.inc();
        tracing::info!(
            device = %route.device, service = %route.service, %address, local_port = route.local_port, "tunnel up"
        );
        self.edge.events.tell(&Event::TunnelUp { route, address });
    }

    fn failed(&mut self, route: Route, error: &io::Error) {
        self.plan.open_failed(route.port);
        self.edge.metrics.fault("bind_failed");
        let error = error.to_string();
        // The next listing tries again; the same trouble is told once.
        if self.failing.get(&route.port) == Some(&error) {
            return;
        }
        self.failing.insert(route.port, error.clone());
        tracing::warn!(
            device = %route.device, service = %route.service, port = route.port, error, "a public port cannot be opened"
        );
        self.edge.events.tell(&Event::TunnelFailed { route, error });
    }

    async fn close(&mut self, route: &Route, reason: CloseReason) {
        let Some(listener) = self.listeners.remove(&route.port) else { return };
        listener.task.abort();
        // The socket is closed when the task is gone, and only then the port may be opened again.
        let _ = listener.task.await;
        self.edge.metrics.ports.dec();
        let reason_word = reason.as_str();
        tracing::info!(
            device = %route.device, service = %route.service, port = route.port, reason = reason_word, "tunnel down"
        );
        self.edge.events.tell(&Event::TunnelDown { route: route.clone(), reason });
    }
}

fn rules(edge: &Edge) -> Rules {
    Rules { ports: edge.config().tunnels.ports.ports(), reserved: edge.own_ports() }
}

fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    i64::try_from(since).unwrap_or(i64::MAX)
}
