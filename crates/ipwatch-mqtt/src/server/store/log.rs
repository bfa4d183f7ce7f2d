//! Who switched what on or off, when, and what came of it.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::str::FromStr;

use jiff::Timestamp;

use super::StoreError;
use crate::schedule::{Action, Target};

/// What came of a command.
///
/// Choice: IM-85.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It is on its way; after a crash of the receiver it stays so.
    Sent,
    /// The machine does it.
    Done,
    /// The machine refuses it.
    Refused,
    /// The machine tried, and failed.
    Failed,
    /// The machine did not answer in time.
    NoAnswer,
    /// It could not be sent: no broker, no network, no address to wake.
    Unsent,
    /// The machine that was woken came up.
    Up,
    /// The machine that was woken gave no sign in time.
    NoSign,
    /// Nobody was there when it was to be done; it was not done later.
    Missed,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Sent,
        Self::Done,
        Self::Refused,
        Self::Failed,
        Self::NoAnswer,
        Self::Unsent,
        Self::Up,
        Self::NoSign,
        Self::Missed,
    ];

    /// Its name, as bodies and the database write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::NoAnswer => "no_answer",
            Self::Unsent => "unsent",
            Self::Up => "up",
            Self::NoSign => "no_sign",
            Self::Missed => "missed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = UnknownOutcome;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text).ok_or(UnknownOutcome)
    }
}

/// The text names no [`Outcome`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such outcome")]
pub struct UnknownOutcome;

/// Who wanted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Whoever showed the key of this name.
    Key(String),
    /// The schedule of this id and name.
    Schedule(String, String),
}

/// A command that is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub origin: Origin,
    /// To whom: a machine, or those whom a missed slot was for.
    pub target: Target,
    /// What.
    pub action: Action,
    /// [`Outcome::Sent`], unless it ends as it begins.
    pub outcome: Outcome,
    /// What there is to say about it.
    pub message: Option<String>,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The number of its entry.
    pub id: i64,
    /// What came of it.
    pub outcome: Outcome,
    /// The machine's own words, or ours.
    pub message: Option<String>,
    /// The machine's own code for them.
    pub code: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Its number; later entries have greater ones.
    pub id: i64,
    /// What was begun.
    pub begun: Begun,
    /// The machine's own code.
    pub code: Option<String>,
    /// How long it took, in milliseconds; nothing until it has ended.
    pub took_ms: Option<u64>,
}

/// The entries that are wanted, the newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogFilter {
    /// Of this machine alone.
    pub device: Option<IpAddr>,
    /// Before this entry.
    pub before: Option<i64>,
    /// At most so many.
    pub most: u32,
}

/// Who switched what on or off. An entry is on disk before its command is sent.
pub trait CommandLog {
    /// Writes down commands before they are sent, all in one commit; their numbers, in their order.
    ///
    /// # Errors
    /// [`StoreError`] when none is written down: then none may be sent.
    fn begin_commands(
        &self,
        commands: Vec<Begun>,
    ) -> impl Future<Output = Result<Vec<i64>, StoreError>> + Send;

    /// Writes down what came of them.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn end_commands(&self, ended: Vec<Ended>) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Reads entries.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn log(&self, filter: LogFilter) -> impl Future<Output = Result<Vec<LogEntry>, StoreError>> + Send;

    /// Forgets entries that are older, at most so many; how many they were.
    ///
    /// # Errors
    /// [`StoreError`] when the database fails.
    fn prune_log(&self, before: Timestamp, most: u32)
    -> impl Future<Output = Result<u64, StoreError>> + Send;
}
