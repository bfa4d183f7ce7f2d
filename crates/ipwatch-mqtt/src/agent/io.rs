use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use crate::safety::Refusal;
use crate::{CommandName, Publication, Qos, Status};

/// When something happens: on a clock that only goes forward, and on the one that people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Since any fixed moment; never set back.
    pub elapsed: Duration,
    /// The machine's time of day.
    pub wall: Timestamp,
}

/// Names a publication until the broker acknowledges it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublishKey(pub(crate) u64);

/// What the machine is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PowerAction {
    /// Switch off.
    PowerOff,
    /// Restart.
    Reboot,
}

impl PowerAction {
    /// What a command does, if anything.
    #[must_use]
    pub const fn of(command: CommandName) -> Option<Self> {
        match command {
            CommandName::Shutdown => Some(Self::PowerOff),
            CommandName::Reboot => Some(Self::Reboot),
            CommandName::Status => None,
        }
    }
}

/// What happens to an agent.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The broker accepted the connection. Nothing of an earlier one is left on it.
    Connected,
    /// The connection is gone.
    Disconnected,
    /// A message came.
    Received(Publication),
    /// The broker acknowledged a publication; one with QoS 0 counts as acknowledged when it was sent.
    Acknowledged(PublishKey),
    /// The figures that [`Output::Sample`] asked for.
    Sampled(Box<Status>),
    /// What [`Output::Store`] gave is on disk, or could not be stored.
    Stored(bool),
    /// What [`Output::Power`] asked for is under way, or failed, and why.
    Power(Result<(), String>),
    /// The machine is going down because somebody else told it to, and waits for [`Output::LetGo`].
    GoingDown,
    /// It stays up after all.
    StayingUp,
    /// The agent is to end; the machine stays up.
    Stop,
}

/// What an agent wants done, in this order.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Subscribe to these filters.
    Subscribe(Vec<(String, Qos)>),
    /// Publish this, and say when it is acknowledged. What a lost connection leaves unacknowledged is not to be published again.
    Publish(PublishKey, Publication),
    /// Take the machine's figures.
    Sample,
    /// Put this on disk, in the place of what was stored before, and answer with [`Input::Stored`].
    Store(Bytes),
    /// Switch off or restart, and answer with [`Input::Power`].
    Power(PowerAction),
    /// The machine may go down: everybody was told.
    LetGo,
    /// Close the connection in an orderly way: everybody was told.
    Disconnect,
    /// For logs and metrics.
    Event(AgentEvent),
}

/// What is worth telling whoever runs the agent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AgentEvent {
    /// A command is carried out.
    Accepted(CommandName),
    /// A command is refused.
    Refused(Refusal),
    /// The broker did not acknowledge in time what had to be said before the machine goes down; it goes down all the same.
    Unacknowledged,
    /// The machine was told to go down and did not; why.
    PowerFailed(String),
}
