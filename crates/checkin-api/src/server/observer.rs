//! Somebody who counts, for metrics.

use std::fmt::Debug;
use std::time::Duration;

use http::StatusCode;

use super::route::Operation;
use super::store::Outcome;

/// Is told what a server and its store do. Every function does nothing unless it is given; they are called from the threads that do
/// the work, so that they should return at once.
pub trait Observer: Debug + Send + Sync + 'static {
    /// A request was answered; `None` when it met no route.
    fn answered(&self, operation: Option<Operation>, status: StatusCode) {
        let _ = (operation, status);
    }

    /// A check-in was accepted, alone or in a batch.
    fn accepted(&self, outcome: Outcome) {
        let _ = outcome;
    }

    /// A check-in, or a whole request with check-ins, was refused.
    fn rejected(&self, reason: Rejection) {
        let _ = reason;
    }

    /// A transaction with so many check-ins was committed, and took so long until it was on disk.
    fn committed(&self, check_ins: usize, took: Duration) {
        let _ = (check_ins, took);
    }
}

/// Why check-ins were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// 400: no check-in, or a request that can be read in two ways.
    Malformed,
    /// 401: no key, or one that does not count.
    Unauthorized,
    /// 403: a key for reading only.
    Forbidden,
    /// 408: the body did not come in time.
    TooSlow,
    /// 413: too large.
    TooLarge,
    /// 415: not JSON.
    MediaType,
    /// 429: too many from this key.
    RateLimited,
    /// 503: the store does not do its work, or has too much of it.
    Unavailable,
}

impl Rejection {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Malformed,
        Self::Unauthorized,
        Self::Forbidden,
        Self::TooSlow,
        Self::TooLarge,
        Self::MediaType,
        Self::RateLimited,
        Self::Unavailable,
    ];

    /// Its name, for the label of a metric.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::TooSlow => "too_slow",
            Self::TooLarge => "too_large",
            Self::MediaType => "media_type",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
        }
    }

    pub(super) const fn of(status: u16) -> Self {
        match status {
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            408 => Self::TooSlow,
            413 => Self::TooLarge,
            415 => Self::MediaType,
            429 => Self::RateLimited,
            500.. => Self::Unavailable,
            _ => Self::Malformed,
        }
    }
}
