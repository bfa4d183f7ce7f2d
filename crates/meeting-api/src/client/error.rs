use std::io;

use http_exchange::ExchangeError;

use crate::retry::Outcome;
use crate::{DecodeError, Refusal};

/// Why a call did not give what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The reply's bytes are not what the protocol says.
    #[error("the server's reply is not understood: {0}")]
    Malformed(#[from] DecodeError),
    /// The peer broke the rules: no HTTP, a reply that is too long, a record of another device.
    #[error("the server breaks the protocol: {0}")]
    Protocol(&'static str),
    /// The server said no, in its own words.
    #[error("the server refused: {0}")]
    Refused(Refusal),
    /// The caller asked for what is not possible.
    #[error("{0}")]
    Usage(&'static str),
    /// The network failed, TLS included; a call that took too long is [`io::ErrorKind::TimedOut`].
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl ClientError {
    /// Whether the same call may succeed soon: after network failures and answers 408, 425, 429 and 5xx.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.outcome(), Outcome::Failure(_))
    }

    /// Whether the server does not know the device (404). Source: meeting §3.1.
    #[must_use]
    pub fn is_not_provisioned(&self) -> bool {
        self.outcome() == Outcome::NotProvisioned
    }

    /// What the next call's time depends on, for [`Backoff::after`](crate::retry::Backoff::after).
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Io(_) | Self::Malformed(_) | Self::Protocol(_) => Outcome::Failure(None),
            Self::Refused(refusal) => Outcome::of_status(refusal.status, refusal.retry_after),
            Self::Usage(_) => Outcome::Denied,
        }
    }

    /// The server's refusal, where it is one.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl From<ExchangeError> for ClientError {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Protocol(words) => Self::Protocol(words),
            ExchangeError::Usage(words) => Self::Usage(words),
            ExchangeError::Io(error) => Self::Io(error),
            // Whatever may come to be told apart there is a failure on the way here.
            error => Self::Io(io::Error::other(error.to_string())),
        }
    }
}
