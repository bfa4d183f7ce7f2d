//! What to do after a try. No clock, no randomness, no disk.

use std::time::Duration;

use crate::client::{Accepted, ClientError};

/// The times of a [`Sender`](super::Sender).
///
/// Choice: CI-15.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryPolicy {
    /// Longest wait after the first failure; it doubles with each further one. Default 5 s, the document's.
    pub first_failure: Duration,
    /// Longest wait after many failures. Default 5 min.
    pub max_failure: Duration,
    /// Longest `Retry-After` that is obeyed. Default 1 h.
    pub max_retry_after: Duration,
    /// Longest wait before the first of what was put into an empty outbox is sent, so that bots which all flush at midnight do not
    /// all call at midnight. Default 0.
    pub spread: Duration,
}

impl Default for DeliveryPolicy {
    fn default() -> Self {
        Self {
            first_failure: Duration::from_secs(5),
            max_failure: Duration::from_secs(300),
            max_retry_after: Duration::from_secs(3600),
            spread: Duration::ZERO,
        }
    }
}

/// What becomes of a check-in after a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The receiver has it: it may go.
    Done,
    /// The receiver will never take it: it is set aside.
    SetAside,
    /// It stays, and is tried again after this time.
    Wait(Duration),
    /// It stays, and so does everything else: the receiver takes nothing from this bot.
    Stop,
}

/// Decides, and remembers how often it failed in a row.
#[derive(Debug, Clone)]
pub struct Backoff {
    policy: DeliveryPolicy,
    failures: u32,
}

impl Backoff {
    /// A backoff that has seen no failure.
    #[must_use]
    pub const fn new(policy: DeliveryPolicy) -> Self {
        Self { policy, failures: 0 }
    }

    /// How many failures in a row there have been, counted to 32.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// What to do after this result of a try. `random` should be uniform over all `u64`: the wait is any part of the longest one, and
    /// comes on top of what the receiver asked for.
    pub fn after(&mut self, result: Result<Accepted, &ClientError>, random: u64) -> Next {
        let error = match result {
            Ok(_) => {
                self.failures = 0;
                return Next::Done;
            }
            Err(error) => error,
        };
        if error.is_poison() {
            // It was answered: the receiver is well.
            self.failures = 0;
            return Next::SetAside;
        }
        if !error.is_retryable() {
            return Next::Stop;
        }
        let policy = self.policy;
        let longest = policy.first_failure.saturating_mul(1 << self.failures.min(20)).min(policy.max_failure);
        self.failures = (self.failures + 1).min(32);
        let asked = error.retry_after().unwrap_or_default().min(policy.max_retry_after);
        Next::Wait(asked.saturating_add(between(Duration::ZERO, longest, random)))
    }

    /// How long to wait before the first one.
    #[must_use]
    pub fn before_first(&self, random: u64) -> Duration {
        between(Duration::ZERO, self.policy.spread, random)
    }
}

/// The point between the two that `random` stands for, ends included.
pub(crate) fn between(low: Duration, high: Duration, random: u64) -> Duration {
    let span = high.saturating_sub(low).as_nanos();
    // The product saturates for spans of millennia only.
    let part = span.saturating_mul(u128::from(random)) / u128::from(u64::MAX);
    low.saturating_add(Duration::from_nanos(u64::try_from(part).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DecodeError, Refusal};

    fn refused(status: u16) -> ClientError {
        ClientError::Refused(Refusal::new(status, "no"))
    }

    fn seconds(next: Next) -> u64 {
        match next {
            Next::Wait(wait) => wait.as_secs(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn waits_double_to_five_minutes_and_begin_again_after_a_success() {
        let mut backoff = Backoff::new(DeliveryPolicy::default());
        let lost = ClientError::Io(std::io::ErrorKind::ConnectionReset.into());
        for longest in [5, 10, 20, 40, 80, 160, 300, 300] {
            assert_eq!(seconds(backoff.after(Err(&lost), u64::MAX)), longest);
        }
        assert_eq!(backoff.after(Err(&lost), 0), Next::Wait(Duration::ZERO));
        assert_eq!(seconds(backoff.after(Err(&lost), u64::MAX / 2)), 149);
        assert_eq!(backoff.after(Ok(Accepted::AlreadyHeld), 7), Next::Done);
        assert_eq!(seconds(backoff.after(Err(&lost), u64::MAX)), 5);
    }

    #[test]
    fn what_the_receiver_asks_for_is_waited_first_within_an_hour() {
        let mut backoff = Backoff::new(DeliveryPolicy::default());
        let busy = |wait| {
            ClientError::Refused(Refusal::new(503, "busy").with_retry_after(Duration::from_secs(wait)))
        };
        assert_eq!(seconds(backoff.after(Err(&busy(30)), 0)), 30);
        assert_eq!(seconds(backoff.after(Err(&busy(30)), u64::MAX)), 40);
        assert_eq!(seconds(backoff.after(Err(&busy(1_000_000)), 0)), 3600);
    }

    #[test]
    fn every_answer_has_its_consequence() {
        for (statuses, next) in [
            (&[400, 413, 422][..], Next::SetAside),
            (&[408, 425, 429, 500, 502, 503, 504, 599], Next::Wait(Duration::ZERO)),
            (&[301, 307, 401, 403, 404, 405, 410, 411, 415, 431], Next::Stop),
        ] {
            for status in statuses {
                let mut backoff = Backoff::new(DeliveryPolicy::default());
                assert_eq!(backoff.after(Err(&refused(*status)), 0), next, "{status}");
            }
        }
        let mut backoff = Backoff::new(DeliveryPolicy::default());
        let invalid = ClientError::Invalid(DecodeError::Fields(Vec::new()));
        assert_eq!(backoff.after(Err(&invalid), 0), Next::SetAside);
        assert_eq!(backoff.after(Err(&ClientError::Usage("no")), 0), Next::Stop);
        assert_eq!(backoff.after(Err(&ClientError::Protocol("no")), 0), Next::Wait(Duration::ZERO));
    }

    #[test]
    fn the_first_waits_a_part_of_the_spread() {
        let policy = DeliveryPolicy { spread: Duration::from_secs(60), ..DeliveryPolicy::default() };
        let backoff = Backoff::new(policy);
        assert_eq!(backoff.before_first(0), Duration::ZERO);
        assert_eq!(backoff.before_first(u64::MAX), Duration::from_secs(60));
    }
}
