use std::io;
use std::time::Duration;

use http_exchange::ExchangeError;

use crate::{DecodeError, Refusal};

/// Why a call did not give what was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The receiver would refuse this check-in: it was not sent.
    #[error("not a check-in: {0}")]
    Invalid(DecodeError),
    /// The reply's bytes are not what the protocol says.
    #[error("the receiver's reply is not understood: {0}")]
    Malformed(DecodeError),
    /// The peer broke the rules: no HTTP, a reply that is too long.
    #[error("the receiver breaks the protocol: {0}")]
    Protocol(&'static str),
    /// The receiver said no, in its own words.
    #[error("the receiver refused: {0}")]
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
    ///
    /// Source: checkin §5. Choice: CI-14.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Io(_) | Self::Malformed(_) | Self::Protocol(_) => true,
            Self::Refused(refusal) => matches!(refusal.status, 408 | 425 | 429 | 500..=599),
            Self::Invalid(_) | Self::Usage(_) => false,
        }
    }

    /// Whether this check-in is at fault, and no other try can help: it is no check-in, or the answer was 400, 413 or 422.
    ///
    /// Choice: CI-15.
    #[must_use]
    pub const fn is_poison(&self) -> bool {
        match self {
            Self::Invalid(_) => true,
            Self::Refused(refusal) => matches!(refusal.status, 400 | 413 | 422),
            Self::Io(_) | Self::Malformed(_) | Self::Protocol(_) | Self::Usage(_) => false,
        }
    }

    /// Whether the receiver does not know the key. Source: checkin §1.
    #[must_use]
    pub const fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Refused(Refusal { status: 401, .. }))
    }

    /// The receiver's refusal, where it is one.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// How long the receiver asks to wait, where it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.refusal().and_then(|refusal| refusal.retry_after)
    }

    pub(super) fn timed_out() -> Self {
        Self::Io(io::Error::new(io::ErrorKind::TimedOut, "the receiver did not answer in time"))
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
