use std::time::Duration;

use thiserror::Error;

use crate::CommandName;

/// Why a command is not carried out. Its text goes to people, as the response's `message`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It came with the retain bit: it is kept by the broker, and was given at any time. It is not answered.
    #[error("a retained command is never carried out")]
    Retained,
    /// It is no command.
    #[error("this is no command: shutdown, reboot and status are")]
    Malformed,
    /// This machine does not take it.
    #[error("this machine does not take {0} commands")]
    NotAllowed(CommandName),
    /// It does not say when it was given.
    #[error("the command has no timestamp, so it may be of any age")]
    NoTimestamp,
    /// It was given too long ago.
    #[error("the command is {} s old, more than {} s are not carried out", age.as_secs(), most.as_secs())]
    TooOld {
        /// How long ago, by this machine's clock.
        age: Duration,
        /// The most that is carried out.
        most: Duration,
    },
    /// It is of a time that is still to come.
    #[error("the command is from {} s ahead of this machine's clock: one of the clocks is wrong", ahead.as_secs())]
    FromFuture {
        /// How far ahead.
        ahead: Duration,
    },
    /// It was carried out before, or is older than what this machine remembers.
    #[error("the command was carried out before")]
    Seen,
    /// The machine restarted too often.
    #[error("the machine was restarted {count} times within {} s", within.as_secs())]
    Brake {
        /// How often.
        count: u32,
        /// Within which time.
        within: Duration,
    },
    /// It is going down already.
    #[error("the machine is going down already")]
    Busy,
    /// What was carried out cannot be kept in mind, so the command could be carried out twice.
    #[error("the command cannot be remembered, so it could be carried out twice")]
    NotRemembered,
}

impl Refusal {
    /// The response's `code`.
    ///
    /// Choice: IM-6.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Retained => "retained",
            Self::Malformed => "malformed",
            Self::NotAllowed(_) => "not_allowed",
            Self::NoTimestamp => "no_timestamp",
            Self::TooOld { .. } => "too_old",
            Self::FromFuture { .. } => "from_future",
            Self::Seen => "seen",
            Self::Brake { .. } => "brake",
            Self::Busy => "busy",
            Self::NotRemembered => "not_remembered",
        }
    }
}
