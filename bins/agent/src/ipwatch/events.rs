use std::fmt;
use std::time::Duration;

use ipwatch_mqtt::agent::AgentEvent;
use ipwatch_mqtt::agent::driver::DriverEvent;

/// One thing that happened to the machine in IPWatch. Its `Display` is a sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IpWatchEvent {
    /// The machine is about to be announced at a broker.
    Starting {
        /// The broker's name or address.
        broker: String,
        /// The machine's address in its topics.
        address: std::net::IpAddr,
    },
    /// The broker took the connection.
    Connected,
    /// There is no connection to the broker.
    Away {
        /// Why.
        reason: String,
        /// When the next try is.
        retry_in: Duration,
    },
    /// A command is carried out.
    Accepted {
        /// Its name.
        command: &'static str,
    },
    /// A command is refused.
    Refused {
        /// Why, in one word.
        code: &'static str,
        /// Why.
        reason: String,
    },
    /// The machine was told to go down and did not.
    PowerFailed {
        /// Why.
        reason: String,
    },
    /// The broker did not acknowledge in time what was said before the machine goes down.
    Unacknowledged,
    /// What was carried out cannot be written down, so nothing is.
    NotStored {
        /// Why.
        reason: String,
    },
}

impl IpWatchEvent {
    /// What the driver tells, unless it is nothing that is known here.
    pub(super) fn of(event: &DriverEvent) -> Option<Self> {
        Some(match event {
            DriverEvent::Connected => Self::Connected,
            DriverEvent::Away(why, retry_in) => Self::Away { reason: why.to_string(), retry_in: *retry_in },
            DriverEvent::NotStored(reason) => Self::NotStored { reason: reason.clone() },
            DriverEvent::Session(AgentEvent::Accepted(command)) => {
                Self::Accepted { command: command.as_str() }
            }
            DriverEvent::Session(AgentEvent::Refused(refusal)) => {
                Self::Refused { code: refusal.code(), reason: refusal.to_string() }
            }
            DriverEvent::Session(AgentEvent::PowerFailed(reason)) => {
                Self::PowerFailed { reason: reason.clone() }
            }
            DriverEvent::Session(AgentEvent::Unacknowledged) => Self::Unacknowledged,
            _ => return None,
        })
    }
}

impl fmt::Display for IpWatchEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting { broker, address } => {
                write!(f, "this machine is {address} at the broker {broker}")
            }
            Self::Connected => write!(f, "connected to the broker"),
            Self::Away { reason, retry_in } => {
                let wait = retry_in.as_secs_f64().max(1.0);
                write!(f, "no connection to the broker: {reason}; next try in {wait:.0} s")
            }
            Self::Accepted { command } => write!(f, "command {command} is carried out"),
            Self::Refused { reason, .. } => write!(f, "command refused: {reason}"),
            Self::PowerFailed { reason } => write!(f, "the machine stays up: {reason}"),
            Self::Unacknowledged => {
                write!(f, "the broker did not acknowledge in time; the machine goes down all the same")
            }
            Self::NotStored { reason } => {
                write!(f, "commands cannot be written down, so none is carried out: {reason}")
            }
        }
    }
}
