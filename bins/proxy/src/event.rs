//! What happens at the proxy, told to the program that runs it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::plan::{CloseReason, Route};
use crate::reason::{Ended, Reason};

/// Something that happened. No event holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The control port is open; with port 0 configured, this is how its number becomes known.
    ControlListening {
        /// Where agents connect.
        address: SocketAddr,
    },
    /// The listener of health and metrics is open.
    AdminListening {
        /// Where it listens.
        address: SocketAddr,
    },
    /// Meeting answers again, or for the first time.
    MeetingReachable,
    /// Meeting stopped answering.
    MeetingUnreachable {
        /// What went wrong.
        error: String,
    },
    /// An agent proved itself and serves its device now.
    DeviceConnected {
        /// The device's key.
        device: Arc<str>,
        /// Where the agent connects from.
        peer: SocketAddr,
        /// Whether the connection is encrypted.
        tls: bool,
        /// Whether it took over from a session of the same device.
        takeover: bool,
    },
    /// An agent was refused.
    DeviceRefused {
        /// The device it named, when it came that far.
        device: Option<Arc<str>>,
        /// Where the agent connects from.
        peer: SocketAddr,
        /// Why.
        reason: Reason,
    },
    /// A session ended.
    DeviceDisconnected {
        /// The device's key.
        device: Arc<str>,
        /// Why.
        reason: Ended,
    },
    /// A public port is open.
    TunnelUp {
        /// The tunnel.
        route: Route,
        /// Where visitors connect.
        address: SocketAddr,
    },
    /// A public port could not be opened; it is tried again.
    TunnelFailed {
        /// The tunnel.
        route: Route,
        /// What went wrong.
        error: String,
    },
    /// A public port is closed.
    TunnelDown {
        /// The tunnel.
        route: Route,
        /// Why.
        reason: CloseReason,
    },
    /// A visitor connected and a stream to the device was opened for it.
    VisitorOpened {
        /// Number of the visit, unique in this run.
        visit: u64,
        /// The tunnel.
        route: Route,
        /// The visitor's address.
        peer: SocketAddr,
    },
    /// Bytes moved since the last event of this visit; at most one such event a second for a visit.
    VisitorBytes {
        /// Number of the visit.
        visit: u64,
        /// Bytes from the visitor to the device so far.
        to_device: u64,
        /// Bytes from the device to the visitor so far.
        to_visitor: u64,
    },
    /// A visit is over.
    VisitorClosed {
        /// Number of the visit.
        visit: u64,
        /// The tunnel.
        route: Route,
        /// Bytes from the visitor to the device.
        to_device: u64,
        /// Bytes from the device to the visitor.
        to_visitor: u64,
        /// How long it lasted.
        duration: Duration,
    },
    /// The configuration was read again.
    Reloaded,
    /// The proxy takes no new connections and ends.
    Stopping,
}

/// One line for people.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ControlListening { address } => write!(f, "agents connect to {address}"),
            Self::AdminListening { address } => write!(f, "health and metrics at {address}"),
            Self::MeetingReachable => f.write_str("Meeting answers"),
            Self::MeetingUnreachable { error } => write!(f, "Meeting does not answer: {error}"),
            Self::DeviceConnected { device, peer, takeover: false, .. } => {
                write!(f, "device {device} connected from {peer}")
            }
            Self::DeviceConnected { device, peer, .. } => {
                write!(f, "device {device} connected from {peer} and took over")
            }
            Self::DeviceRefused { device: Some(device), peer, reason } => {
                write!(f, "refused {device} from {peer}: {reason}")
            }
            Self::DeviceRefused { device: None, peer, reason } => write!(f, "refused {peer}: {reason}"),
            Self::DeviceDisconnected { device, reason } => {
                write!(f, "device {device} disconnected: {reason}")
            }
            Self::TunnelUp { route, address } => {
                write!(
                    f,
                    "tunnel up: {address} leads to port {} of {} ({})",
                    route.local_port, route.device, route.service
                )
            }
            Self::TunnelFailed { route, error } => {
                write!(f, "port {} for {} cannot be opened: {error}", route.port, route.device)
            }
            Self::TunnelDown { route, reason } => {
                write!(f, "tunnel down: port {} for {}: {}", route.port, route.device, reason.as_str())
            }
            Self::VisitorOpened { visit, route, peer } => {
                write!(f, "connection {visit} opened: {peer} to {} ({})", route.device, route.service)
            }
            Self::VisitorBytes { visit, to_device, to_visitor } => {
                write!(f, "connection {visit}: {to_device} bytes to the device, {to_visitor} back")
            }
            Self::VisitorClosed { visit, to_device, to_visitor, duration, .. } => write!(
                f,
                "connection {visit} closed after {:.1} s: {to_device} bytes to the device, {to_visitor} back",
                duration.as_secs_f64()
            ),
            Self::Reloaded => f.write_str("configuration read again"),
            Self::Stopping => f.write_str("stopping"),
        }
    }
}

/// Who wants to know. Called from the proxy's tasks: return at once, and hand on what takes time.
pub trait Observer: Send + Sync + 'static {
    /// Something happened.
    fn observe(&self, event: &Event);
}

impl<F: Fn(&Event) + Send + Sync + 'static> Observer for F {
    fn observe(&self, event: &Event) {
        self(event);
    }
}

/// The observer, if there is one.
#[derive(Clone, Default)]
pub(crate) struct Events(Option<Arc<dyn Observer>>);

impl Events {
    pub(crate) fn new(observer: Option<Arc<dyn Observer>>) -> Self {
        Self(observer)
    }

    pub(crate) fn is_observed(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn tell(&self, event: &Event) {
        if let Some(observer) = &self.0 {
            observer.observe(event);
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Events").field(&self.is_observed()).finish()
    }
}
