//! When to call again: the document's 60 s, its "5 s → 30 s" after failures, and rarely after a 404.
//!
//! No clock and no randomness of its own: the caller gives an outcome and a random number, and waits as long as told.
//!
//! ```
//! use meeting_api::retry::{Backoff, Outcome, RetryPolicy};
//! use std::time::Duration;
//!
//! let mut backoff = Backoff::new(RetryPolicy::default());
//! assert_eq!(backoff.after(Outcome::Success, 0), Duration::from_secs(60));
//! // 1 s to 5 s after the first failure, 1 s to 10 s after the second, at last 1 s to 30 s.
//! assert_eq!(backoff.after(Outcome::Failure(None), u64::MAX), Duration::from_secs(5));
//! assert_eq!(backoff.after(Outcome::Failure(None), u64::MAX), Duration::from_secs(10));
//! ```

use std::time::Duration;

/// What became of a call, as far as the next one depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered.
    Success,
    /// The network or the server failed; perhaps the server says how long to wait (`Retry-After`).
    Failure(Option<Duration>),
    /// 404: the server does not know the device. Source: meeting §3.1.
    NotProvisioned,
    /// The server refuses this call, and will again: 400, 401, 403 and the like.
    Denied,
}

impl Outcome {
    /// The outcome that an HTTP status stands for.
    #[must_use]
    pub const fn of_status(status: u16, retry_after: Option<Duration>) -> Self {
        match status {
            200..=299 => Self::Success,
            404 => Self::NotProvisioned,
            408 | 425 | 429 | 500..=599 => Self::Failure(retry_after),
            _ => Self::Denied,
        }
    }
}

/// The times of a [`Backoff`].
///
/// Source: meeting §3.1. Choice: MA-32.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// From one success to the next call. Default 60 s.
    pub interval: Duration,
    /// Longest wait after the first failure; it doubles with each further one. Default 5 s.
    pub first_failure: Duration,
    /// Longest wait after many failures. Default 30 s.
    pub max_failure: Duration,
    /// Shortest wait after a failure. Default 1 s.
    pub min_failure: Duration,
    /// Shortest wait after a 404 or a refusal; up to a fifth is added. Default 301 s, so that no hour sees more than 12
    /// calls (threat R7).
    pub refused: Duration,
    /// Longest `Retry-After` that is obeyed. Default 1 h.
    pub max_retry_after: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(60),
            first_failure: Duration::from_secs(5),
            max_failure: Duration::from_secs(30),
            min_failure: Duration::from_secs(1),
            refused: Duration::from_secs(301),
            max_retry_after: Duration::from_secs(3600),
        }
    }
}

/// Decides how long to wait before the next call.
#[derive(Debug, Clone)]
pub struct Backoff {
    policy: RetryPolicy,
    failures: u32,
}

impl Backoff {
    /// A backoff that has seen no failure.
    #[must_use]
    pub const fn new(policy: RetryPolicy) -> Self {
        Self { policy, failures: 0 }
    }

    /// How many failures in a row there have been, counted to 32.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// How long to wait after this outcome. `random` should be uniform over all `u64`.
    pub fn after(&mut self, outcome: Outcome, random: u64) -> Duration {
        let policy = self.policy;
        match outcome {
            Outcome::Success => {
                self.failures = 0;
                policy.interval
            }
            Outcome::Failure(retry_after) => {
                let longest =
                    policy.first_failure.saturating_mul(1 << self.failures.min(20)).min(policy.max_failure);
                self.failures = (self.failures + 1).min(32);
                let wait = between(policy.min_failure, longest, random);
                wait.max(retry_after.unwrap_or_default().min(policy.max_retry_after))
            }
            Outcome::NotProvisioned | Outcome::Denied => {
                self.failures = 0;
                between(policy.refused, policy.refused.saturating_add(policy.refused / 5), random)
            }
        }
    }
}

/// The point between the two that `random` stands for, ends included.
fn between(low: Duration, high: Duration, random: u64) -> Duration {
    let span = high.saturating_sub(low).as_nanos();
    // At most 2^64 seconds: the product stays far below 2^128 for every span that the policy is used with, and
    // saturates beyond.
    let part = span.saturating_mul(u128::from(random)) / u128::from(u64::MAX);
    low.saturating_add(Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX)))
}
