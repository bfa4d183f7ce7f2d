//! What an operator decides about a server.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::access::digest;
use super::store::Role;
use crate::schedule::DEFAULT_GRACE;

/// What an operator decides about a server.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// How long a command waits for its answer; 5 s by default. Source: ipwatch §4.2.
    pub answer_within: Duration,
    /// How long a machine that is woken may take; 3 min by default. Choice: IM-88.
    pub up_within: Duration,
    /// Where magic packets are sent; the whole network, port 9, by default. Other networks are reached by their own broadcast address.
    pub wake_destinations: Vec<SocketAddr>,
    /// Between the machines of a group that are woken; 20 ms by default, so that a room does not draw all its current at once.
    pub wake_apart: Duration,
    /// How long a machine's figures are kept; 30 days by default. Choice: IM-84.
    pub keep_history: Duration,
    /// How long the log is kept; a year by default.
    pub keep_log: Duration,
    /// How late a slot of a schedule may still be run; 5 min by default. Choice: IM-82.
    pub grace: Duration,
    /// How many power commands a key may send; a group is one.
    pub power_rate: PowerRate,
    /// One more key beside those in the store; none by default.
    pub secret: Option<SharedSecret>,
    /// Most machines; 10,000 by default.
    pub max_devices: usize,
    /// Largest body, in bytes; 512 KiB by default, which holds a group of all machines.
    pub max_body_bytes: usize,
    /// How long a body may take to come in; 10 s by default.
    pub body_deadline: Duration,
    /// Most who follow the events at one time; 64 by default.
    pub max_subscribers: usize,
    /// How long the events may be silent; 15 s by default. Then a comment is sent, so that nothing between takes the connection for dead.
    pub heartbeat: Duration,
    /// How long one stream of events lasts; an hour by default, after which the follower shows its key again.
    pub stream_for: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            answer_within: Duration::from_secs(5),
            up_within: Duration::from_secs(180),
            wake_destinations: vec![SocketAddr::from((Ipv4Addr::BROADCAST, 9))],
            wake_apart: Duration::from_millis(20),
            keep_history: Duration::from_secs(30 * 24 * 3600),
            keep_log: Duration::from_secs(365 * 24 * 3600),
            grace: DEFAULT_GRACE,
            power_rate: PowerRate::default(),
            secret: None,
            max_devices: 10_000,
            max_body_bytes: 512 * 1024,
            body_deadline: Duration::from_secs(10),
            max_subscribers: 64,
            heartbeat: Duration::from_secs(15),
            stream_for: Duration::from_secs(3600),
        }
    }
}

/// How many power commands a key may send: some at once, then so many a minute.
///
/// Choice: IM-89.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PowerRate {
    /// At once; 20 by default.
    pub burst: u32,
    /// More for each minute; 60 by default.
    pub per_minute: u32,
}

impl Default for PowerRate {
    fn default() -> Self {
        Self { burst: 20, per_minute: 60 }
    }
}

/// A key of the operator's choice, beside those in the store. Only its SHA-256 is kept.
#[derive(Clone)]
pub struct SharedSecret {
    pub(super) sha256: [u8; 32],
    pub(super) name: String,
    pub(super) role: Role,
}

impl SharedSecret {
    /// A key with this name in the log.
    #[must_use]
    pub fn new(secret: &str, name: impl Into<String>, role: Role) -> Self {
        Self { sha256: digest(secret.as_bytes()), name: name.into(), role }
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSecret")
            .field("name", &self.name)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}
