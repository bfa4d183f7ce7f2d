//! How long to wait before the tunnel is dialled again. Plain arithmetic: an ending and a random number go in, a wait comes out.
//!
//! Four cases, kept apart because they mean different things:
//! - a session that was stable is lost: everybody of the fleet may have lost it (the proxy restarted), so the first wait
//!   is spread over [`SPREAD`] (T12);
//! - the proxy cannot be reached, or a session ends young: 5 s growing to 60 s, each half to one and a half of the nominal;
//! - the proxy refuses the device: asking again does not help until a person does something, so minutes;
//! - the proxy ends young sessions one after the other: another agent has the same name and takes over each time.
//!   Whoever is evicted steps back, for minutes growing to half an hour, so that the two do not fight.
//!
//! Choice: AG-6.

use std::time::Duration;

/// A session counts as stable when it lasted this long, or twice the wait before it if that is longer.
pub const STABLE_AFTER: Duration = Duration::from_secs(120);
/// The range over which a fleet spreads its first dial after a stable session.
pub const SPREAD: Duration = Duration::from_secs(20);
/// The first nominal wait when the proxy cannot be reached.
pub const FIRST_WAIT: Duration = Duration::from_secs(5);
/// The longest nominal wait when the proxy cannot be reached.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The wait after the first refusal. Later ones: [`LONG_WAIT`], doubling to [`LONGEST_REFUSAL_WAIT`].
pub const FIRST_REFUSAL_WAIT: Duration = Duration::from_secs(60);
/// The wait after the second refusal, and after the first sign of another agent with the same name.
pub const LONG_WAIT: Duration = Duration::from_secs(300);
/// The longest nominal wait after refusals.
pub const LONGEST_REFUSAL_WAIT: Duration = Duration::from_secs(900);
/// The longest nominal wait while another agent holds the name.
pub const LONGEST_CONTEST_WAIT: Duration = Duration::from_secs(1800);
/// So many young sessions in a row, each ended by the proxy, mean that another agent takes over.
pub const EVICTIONS_FOR_CONTEST: u32 = 3;

/// How an attempt to have a tunnel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// No session came to be: no name, no route, no TLS, no answer.
    Unreachable,
    /// The proxy answered and refused the device.
    Refused,
    /// The proxy said that another agent takes the tunnel over again and again.
    Contested,
    /// The proxy closed an accepted session in an orderly way.
    ClosedByProxy {
        /// How long the session had lasted.
        lasted: Duration,
    },
    /// An accepted session broke: reset, timeout, a broken frame.
    Broken {
        /// How long the session had lasted.
        lasted: Duration,
    },
    /// The agent gave the session up itself, because its local address is gone or the configuration changed.
    GivenUp,
}

/// The state between attempts.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    failures: u32,
    refusals: u32,
    evictions: u32,
    waited: Duration,
}

impl Backoff {
    /// The wait after `ending`. `random` is any number, evenly distributed.
    pub fn wait_after(&mut self, ending: Ending, random: u64) -> Duration {
        let wait = match ending {
            Ending::GivenUp => {
                *self = Self::default();
                between(Duration::ZERO, Duration::from_secs(1), random)
            }
            Ending::Refused => {
                self.refusals = self.refusals.saturating_add(1);
                let nominal = match self.refusals {
                    1 => FIRST_REFUSAL_WAIT,
                    later => doubled(LONG_WAIT, later - 2, LONGEST_REFUSAL_WAIT),
                };
                between(nominal, nominal.mul_f64(1.5), random)
            }
            Ending::Unreachable => self.after_failure(random),
            Ending::ClosedByProxy { lasted } | Ending::Broken { lasted } if self.was_stable(lasted) => {
                *self = Self::default();
                between(Duration::ZERO, SPREAD, random)
            }
            Ending::Contested => {
                self.evictions = self.evictions.saturating_add(1).max(EVICTIONS_FOR_CONTEST);
                self.after_eviction(random)
            }
            Ending::ClosedByProxy { .. } => {
                self.evictions = self.evictions.saturating_add(1);
                self.after_eviction(random)
            }
            Ending::Broken { .. } => self.after_failure(random),
        };
        self.waited = wait;
        wait
    }

    /// Whether the endings so far look like another agent that uses the same `device_key`.
    #[must_use]
    pub fn is_contested(&self) -> bool {
        self.evictions >= EVICTIONS_FOR_CONTEST
    }

    fn was_stable(&self, lasted: Duration) -> bool {
        lasted >= STABLE_AFTER.max(self.waited.saturating_mul(2))
    }

    fn after_eviction(&mut self, random: u64) -> Duration {
        match self.evictions.checked_sub(EVICTIONS_FOR_CONTEST) {
            Some(times) => {
                let nominal = doubled(LONG_WAIT, times, LONGEST_CONTEST_WAIT);
                between(nominal, nominal.mul_f64(1.5), random)
            }
            None => self.after_failure(random),
        }
    }

    fn after_failure(&mut self, random: u64) -> Duration {
        let nominal = doubled(FIRST_WAIT, self.failures, LONGEST_WAIT);
        self.failures = self.failures.saturating_add(1);
        between(nominal / 2, nominal.mul_f64(1.5), random)
    }
}

fn doubled(first: Duration, times: u32, longest: Duration) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times)).min(longest)
}

/// `random` as a point between `low` and `high`, to the microsecond.
fn between(low: Duration, high: Duration, random: u64) -> Duration {
    let span = u64::try_from(high.saturating_sub(low).as_micros()).unwrap_or(u64::MAX - 1);
    low + Duration::from_micros(random % (span + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const YOUNG: Duration = Duration::from_secs(3);

    /// The nominal waits, read off at the middle of each range.
    fn middles(endings: &[Ending]) -> Vec<u64> {
        let (mut low, mut high) = (Backoff::default(), Backoff::default());
        let mut middle = |ending| {
            let lowest = low.wait_after(ending, 0);
            let mut best = lowest;
            for random in (0..64).map(|step: u64| step.wrapping_mul(0x9E37_79B9_7F4A_7C15)) {
                best = best.max(high.clone().wait_after(ending, random));
            }
            high.wait_after(ending, 0);
            ((lowest + best) / 2).as_secs()
        };
        endings.iter().map(|ending| middle(*ending)).collect()
    }

    #[test]
    fn unreachable_grows_from_five_to_sixty_seconds() {
        let waits = middles(&[Ending::Unreachable; 6]);
        for (wait, nominal) in waits.iter().zip([5_u64, 10, 20, 40, 60, 60]) {
            assert!(wait.abs_diff(nominal) <= 1 + nominal / 8, "{waits:?}");
        }
    }

    #[test]
    fn a_stable_session_resets_and_a_young_one_does_not() {
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            backoff.wait_after(Ending::Unreachable, 0);
        }
        assert_eq!(backoff.wait_after(Ending::Broken { lasted: YOUNG }, 0), LONGEST_WAIT / 2);
        assert!(backoff.wait_after(Ending::Broken { lasted: HOUR }, u64::MAX) <= SPREAD);
        assert_eq!(backoff.wait_after(Ending::Unreachable, 0), FIRST_WAIT / 2);
    }

    #[test]
    fn a_refusal_waits_minutes_and_stays_below_five_tries_in_fifteen_minutes() {
        let mut backoff = Backoff::default();
        let mut at = Duration::ZERO;
        let mut tries = 1;
        loop {
            at += backoff.wait_after(Ending::Refused, 0);
            if at >= Duration::from_secs(900) {
                break;
            }
            tries += 1;
        }
        assert!(tries < 5, "{tries}");
        let late = (0..8).map(|_| backoff.wait_after(Ending::Refused, 0)).last().unwrap();
        assert_eq!(late, LONGEST_REFUSAL_WAIT);
    }

    /// T4, the agent's side: two agents with one name, each evicting the other, swap rarely: one keeps the tunnel, the other steps back.
    #[test]
    fn two_agents_with_one_name_swap_rarely_after_the_first_minutes() {
        let mut agents = [Backoff::default(), Backoff::default()];
        let (mut at, mut swaps) = (Duration::ZERO, Vec::new());
        let mut since = Duration::ZERO;
        let mut owner = 0;
        // The one that was evicted comes back after its wait and evicts the owner.
        while at < 6 * HOUR {
            let loser = 1 - owner;
            let lasted = at - since;
            let random = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(swaps.len() as u64 + 1);
            since = at;
            at += agents[loser].wait_after(Ending::ClosedByProxy { lasted }, random);
            owner = loser;
            swaps.push(at);
        }
        let within = |from: Duration, to: Duration| swaps.iter().filter(|at| (from..to).contains(at)).count();
        assert!(within(Duration::ZERO, Duration::from_secs(60)) <= 6, "{swaps:?}");
        assert!(within(HOUR, 2 * HOUR) <= 4, "{swaps:?}");
        assert!(within(5 * HOUR, 6 * HOUR) <= 4, "{swaps:?}");
        assert!(agents.iter().any(Backoff::is_contested));
    }

    /// T12: a thousand agents that lose a stable session at once come back spread out.
    #[test]
    fn a_fleet_comes_back_at_no_more_than_a_hundred_a_second() {
        let mut arrivals = [0_u32; 21];
        for agent in 0..1000_u64 {
            let random = agent.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(17);
            let wait = Backoff::default().wait_after(Ending::ClosedByProxy { lasted: HOUR }, random);
            arrivals[usize::try_from(wait.as_secs()).unwrap()] += 1;
        }
        assert!(arrivals.iter().all(|count| *count <= 100), "{arrivals:?}");
    }

    proptest! {
        #[test]
        fn every_wait_is_bounded_whatever_happened_before(
            endings in proptest::collection::vec((0_u8..6, 0_u64..10_000, any::<u64>()), 1..40)
        ) {
            let mut backoff = Backoff::default();
            for (kind, lasted, random) in endings {
                let lasted = Duration::from_secs(lasted);
                let ending = match kind {
                    0 => Ending::Unreachable,
                    1 => Ending::Refused,
                    2 => Ending::ClosedByProxy { lasted },
                    3 => Ending::Broken { lasted },
                    4 => Ending::Contested,
                    _ => Ending::GivenUp,
                };
                let wait = backoff.wait_after(ending, random);
                prop_assert!(wait <= LONGEST_CONTEST_WAIT.mul_f64(1.5));
                if kind == 0 {
                    prop_assert!(wait >= FIRST_WAIT / 2 && wait <= LONGEST_WAIT.mul_f64(1.5));
                }
            }
        }
    }
}
