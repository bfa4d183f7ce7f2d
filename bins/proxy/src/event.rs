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

/// Who wants to know. Called from the proxy's tasks: return at once, and hand on what takes time.
pub trait Observer: Send + Sync + 'static {
    /// Something happened.
    fn observe(&self, event: &Event);
}

/// Nobody wants to know.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _: &Event) {}
}

impl<F: Fn(&Event) + Send + Sync + 'static> Observer for F {
    fn observe(&self, event: &Event) {
        self(event);
    }
}

/// A shared observer that can be printed.
#[derive(Clone)]
pub(crate) struct Observers(Arc<dyn Observer>);

impl Observers {
    pub(crate) fn new(observer: Arc<dyn Observer>) -> Self {
        Self(observer)
    }

    pub(crate) fn tell(&self, event: &Event) {
        self.0.observe(event);
    }
}

impl fmt::Debug for Observers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observers")
    }
}
