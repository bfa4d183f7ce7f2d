use std::net::IpAddr;
use std::time::Duration;

use crate::agent::Moment;
use crate::{Availability, CommandName, Publication, Qos, Response, Status};

/// What a controller is told before it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControllerSettings {
    /// What its commands' ids begin with: random, so that no other controller's or earlier run's answer is taken for one of its own. 1 to 64 visible
    /// ASCII characters.
    pub prefix: String,
    /// How long `offline` must last before it is told, so that a machine on a bad line does not flicker (threat M5). Default: 2 s.
    pub offline_after: Duration,
    /// How long an answer without id may come late, and keeps later commands to the same machine from being answered without id. Default: 60 s.
    pub late: Duration,
    /// Where the random spread of broadcasts begins: any number.
    pub seed: u64,
}

impl ControllerSettings {
    /// The defaults, with this prefix.
    #[must_use]
    pub fn new(prefix: impl Into<String>, seed: u64) -> Self {
        Self {
            prefix: prefix.into(),
            offline_after: Duration::from_secs(2),
            late: Duration::from_secs(60),
            seed,
        }
    }
}

/// Names a command until its outcome is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// One command for one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    /// The name that its outcome will have.
    pub ticket: Ticket,
    /// The machine.
    pub device: IpAddr,
    /// What it is to do.
    pub command: CommandName,
    /// How long its answer is waited for, from when it goes out.
    pub within: Duration,
}

/// What happens to a controller.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The broker accepted the connection.
    Connected,
    /// The connection is gone.
    Disconnected,
    /// A message came.
    Received(Publication),
    /// Send a command.
    Command(Order),
    /// Send these commands, spread at random over a time, so that a room of machines does not go up or down in the same moment.
    Broadcast {
        /// The commands.
        orders: Vec<Order>,
        /// Over which time.
        spread: Duration,
    },
    /// Nobody waits for this outcome any more.
    Forget(Ticket),
}

/// What a controller wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Subscribe to these filters.
    Subscribe(Vec<(String, Qos)>),
    /// Publish this.
    Publish(Publication),
    /// What became of a command.
    Done(Ticket, Outcome),
    /// Whether a machine is there changed, or is told for the first time.
    Availability(IpAddr, Availability),
    /// A machine said how it is.
    Status(IpAddr, Box<Status>),
    /// An answer came to which no command waits: too late, or to somebody else's command.
    Unmatched(IpAddr, Response),
    /// A message on a machine's topic that cannot be read.
    Malformed(IpAddr),
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The machine answered, yes or no.
    Answered(Response),
    /// No answer came in time.
    NoAnswer,
    /// There is no connection to the broker: nothing was sent.
    NotConnected,
    /// The connection was lost before an answer came; the machine may have carried it out.
    Lost,
}

/// So that drivers need one import.
pub(super) type Now = Moment;
