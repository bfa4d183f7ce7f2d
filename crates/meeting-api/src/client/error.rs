use std::io;

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

    pub(super) fn timed_out() -> Self {
        Self::Io(io::Error::new(io::ErrorKind::TimedOut, "the server did not answer in time"))
    }

    /// An error of the HTTP layer, of which the cause that a person can act on is kept.
    pub(super) fn from_http(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut cause = Some(error);
        let mut last = error;
        while let Some(error) = cause {
            if let Some(io) = error.downcast_ref::<io::Error>() {
                return Self::Io(io::Error::new(io.kind(), io.to_string()));
            }
            if let Some(hyper) = error.downcast_ref::<hyper::Error>() {
                if hyper.is_parse() {
                    return Self::Protocol("the answer is not HTTP");
                }
                if hyper.is_incomplete_message() {
                    return Self::Io(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the connection was closed before the answer",
                    ));
                }
            }
            last = error;
            cause = error.source();
        }
        Self::Io(io::Error::other(last.to_string()))
    }
}
