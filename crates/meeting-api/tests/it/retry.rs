//! When the next call is made, by a clock that is only counted.

use std::time::Duration;

use meeting_api::retry::{Backoff, Outcome, RetryPolicy};
use proptest::prelude::*;

const HOUR: Duration = Duration::from_secs(3600);

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn the_waits_of_section_3_1() {
    let mut backoff = Backoff::new(RetryPolicy::default());
    assert_eq!(backoff.after(Outcome::Success, 12345), seconds(60));
    for longest in [5, 10, 20, 30, 30, 30] {
        assert_eq!(backoff.clone().after(Outcome::Failure(None), 0), seconds(1));
        assert_eq!(backoff.after(Outcome::Failure(None), u64::MAX), seconds(longest));
    }
    assert_eq!(backoff.failures(), 6);
    assert_eq!(backoff.after(Outcome::Success, 0), seconds(60));
    assert_eq!(backoff.after(Outcome::Failure(None), u64::MAX), seconds(5));
    for _ in 0..100 {
        backoff.after(Outcome::Failure(None), 0);
    }
    assert_eq!(backoff.failures(), 32);
}

#[test]
fn retry_after_is_obeyed_within_reason() {
    let wait = |seconds_asked| {
        Backoff::new(RetryPolicy::default()).after(Outcome::Failure(Some(seconds(seconds_asked))), 0)
    };
    assert_eq!(wait(0), seconds(1));
    assert_eq!(wait(120), seconds(120));
    assert_eq!(wait(1_000_000), HOUR);
}

#[test]
fn refusals_wait_long() {
    for outcome in [Outcome::NotProvisioned, Outcome::Denied] {
        let mut backoff = Backoff::new(RetryPolicy::default());
        assert_eq!(backoff.after(outcome, 0), seconds(301));
        assert_eq!(backoff.after(outcome, u64::MAX), Duration::from_millis(361_200));
    }
}

#[test]
fn statuses_stand_for_outcomes() {
    for (status, outcome) in [
        (200, Outcome::Success),
        (204, Outcome::Success),
        (301, Outcome::Denied),
        (400, Outcome::Denied),
        (401, Outcome::Denied),
        (403, Outcome::Denied),
        (404, Outcome::NotProvisioned),
        (408, Outcome::Failure(None)),
        (409, Outcome::Denied),
        (429, Outcome::Failure(None)),
        (500, Outcome::Failure(None)),
        (503, Outcome::Failure(None)),
    ] {
        assert_eq!(Outcome::of_status(status, None), outcome, "{status}");
    }
    assert_eq!(Outcome::of_status(503, Some(HOUR)), Outcome::Failure(Some(HOUR)));
}

proptest! {
    /// R7: a device that is not provisioned calls at most 12 times in any hour, for a day, whatever the random numbers.
    #[test]
    fn r7_a_404_storm_is_at_most_12_requests_an_hour(randoms in proptest::collection::vec(prop_oneof![Just(0), Just(u64::MAX), any::<u64>()], 300)) {
        let mut backoff = Backoff::new(RetryPolicy::default());
        let mut clock = Duration::ZERO;
        let mut calls = vec![clock];
        for random in randoms {
            clock += backoff.after(Outcome::NotProvisioned, random);
            calls.push(clock);
        }
        prop_assert!(clock >= HOUR * 24);
        for (index, start) in calls.iter().enumerate() {
            let within = calls[index..].iter().take_while(|call| **call <= *start + HOUR).count();
            prop_assert!(within <= 12, "{} calls in the hour from {:?}", within, start);
        }
    }

    /// Whatever happens: never sooner than a second, never later than an hour.
    #[test]
    fn waits_are_bounded(outcomes in proptest::collection::vec((0..4, any::<u64>(), any::<u32>()), 1..50)) {
        let mut backoff = Backoff::new(RetryPolicy::default());
        for (kind, random, asked) in outcomes {
            let outcome = match kind {
                0 => Outcome::Success,
                1 => Outcome::Failure(None),
                2 => Outcome::Failure(Some(seconds(asked.into()))),
                _ => Outcome::NotProvisioned,
            };
            let wait = backoff.after(outcome, random);
            prop_assert!(wait >= seconds(1) && wait <= HOUR);
        }
    }
}

/// A restarted server does not get everybody back at once: 1000 devices spread over the whole range.
#[test]
fn failures_are_spread_over_the_whole_range() {
    let mut buckets = [0; 4];
    for device in 0..1000_u64 {
        // An even spread stands for randomness here.
        let random = device.wrapping_mul(u64::MAX / 1000);
        let wait = Backoff::new(RetryPolicy::default()).after(Outcome::Failure(None), random);
        buckets[usize::try_from(wait.as_secs() - 1).unwrap().min(3)] += 1;
    }
    assert!(buckets.iter().all(|count| (240..=260).contains(count)), "{buckets:?}");
}
