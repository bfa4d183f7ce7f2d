//! The work behind each [`Chore`](crate::schedule::Chore): one call or two, and what is written on this machine.
//!
//! Nothing here waits, repeats or reports; [`reporter`](crate::reporter), [`once`](crate::once) and [`check`](crate::check) do.

pub(crate) mod heartbeat;
pub(crate) mod host_keys;
pub(crate) mod key_publication;
pub(crate) mod server_key;

use meeting_api::client::ClientError;
use meeting_api::retry::Outcome;

/// Why a chore was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChoreError {
    /// The call to the server failed or was refused.
    #[error(transparent)]
    Server(#[from] ClientError),
    /// This machine failed: a disk is full, a file cannot be written or read.
    #[error("{0}")]
    Local(String),
    /// The server's answer was understood and not taken, for the reason given.
    #[error("{0}")]
    NotTaken(String),
}

impl ChoreError {
    /// What the next attempt's time depends on.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Server(error) => error.outcome(),
            Self::Local(_) => Outcome::Failure(None),
            Self::NotTaken(_) => Outcome::Denied,
        }
    }
}
