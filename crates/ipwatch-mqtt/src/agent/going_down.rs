use std::time::Duration;

use bytes::Bytes;

use super::io::{PowerAction, PublishKey};
use crate::{CommandId, CommandName};

/// To whom an answer goes, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Asked {
    pub(super) id: Option<CommandId>,
    pub(super) response_topic: Option<String>,
    pub(super) correlation: Option<Bytes>,
}

/// A power command that passed the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) command: CommandName,
    pub(super) action: PowerAction,
    pub(super) asked: Asked,
}

/// Why everybody is told that the machine goes away, and what comes after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reason {
    /// A command.
    Order(Order),
    /// Somebody at the machine.
    Elsewhere,
    /// The agent ends.
    Stop,
}

/// How far the agent is on its way down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing of the kind.
    Up,
    /// A group's command waits its turn.
    Waiting { order: Order, until: Duration },
    /// The gate's memory is being stored.
    Storing { order: Order },
    /// The response must be acknowledged.
    Answering { order: Order, response: PublishKey, until: Duration },
    /// `offline` must be acknowledged.
    Leaving { reason: Reason, offline: Option<PublishKey>, until: Duration },
    /// The machine was told.
    Told { order: Order, until: Duration },
    /// Everything is said.
    Gone,
}

impl Stage {
    /// When something must happen at the latest.
    pub(super) const fn deadline(&self) -> Option<Duration> {
        match self {
            Self::Waiting { until, .. }
            | Self::Answering { until, .. }
            | Self::Leaving { until, .. }
            | Self::Told { until, .. } => Some(*until),
            Self::Up | Self::Storing { .. } | Self::Gone => None,
        }
    }

    /// Whether others are to believe that the machine is there.
    pub(super) const fn is_present(&self) -> bool {
        matches!(self, Self::Up | Self::Waiting { .. } | Self::Storing { .. } | Self::Answering { .. })
    }
}
