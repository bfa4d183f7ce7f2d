//! Counts failed credentials by source, so that guessing is slow and whoever is known keeps being let in.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::UtcTimestamp;

/// How long failures count.
const WINDOW: Duration = Duration::from_secs(15 * 60);
/// How many sources are remembered; beyond, the oldest half is forgotten.
const MAX_SOURCES: usize = 16_384;

/// Failures of the last quarter of an hour by source: an IPv4 address, or the /64 of an IPv6 one.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    counts: HashMap<Source, Count>,
    /// Credentials that were right when this source showed them: they are checked even when the source is shut out, so
    /// that a guesser behind the same address does not lock out its neighbour.
    known_good: HashSet<(Source, [u8; 32])>,
}

type Source = [u8; 16];

#[derive(Debug, Clone, Copy)]
struct Count {
    failures: u32,
    since: UtcTimestamp,
}

impl Failures {
    /// Whether a credential from this source is worth checking; else how long the source should wait.
    pub(crate) fn admit(
        &self,
        source: Option<IpAddr>,
        credential: &[u8; 32],
        most: u32,
        now: UtcTimestamp,
    ) -> Result<(), Duration> {
        let source = source_of(source);
        let state = self.lock();
        let Some(count) = state.counts.get(&source) else { return Ok(()) };
        let age = Duration::from_secs(now.seconds_since(count.since));
        if count.failures < most || age >= WINDOW || state.known_good.contains(&(source, *credential)) {
            return Ok(());
        }
        Err(WINDOW.saturating_sub(age))
    }

    pub(crate) fn failed(&self, source: Option<IpAddr>, now: UtcTimestamp) {
        let mut state = self.lock();
        if state.counts.len() >= MAX_SOURCES {
            forget_oldest(&mut state.counts, now);
        }
        let count = state.counts.entry(source_of(source)).or_insert(Count { failures: 0, since: now });
        if Duration::from_secs(now.seconds_since(count.since)) >= WINDOW {
            *count = Count { failures: 0, since: now };
        }
        count.failures = count.failures.saturating_add(1);
    }

    pub(crate) fn succeeded(&self, source: Option<IpAddr>, credential: [u8; 32]) {
        let mut state = self.lock();
        if state.known_good.len() >= MAX_SOURCES {
            state.known_good.clear();
        }
        state.known_good.insert((source_of(source), credential));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forget_oldest(counts: &mut HashMap<Source, Count>, now: UtcTimestamp) {
    counts.retain(|_, count| Duration::from_secs(now.seconds_since(count.since)) < WINDOW);
    if counts.len() >= MAX_SOURCES {
        let mut ages: Vec<_> = counts.values().map(|count| count.since).collect();
        let (_, median, _) = ages.select_nth_unstable(MAX_SOURCES / 2);
        let median = *median;
        counts.retain(|_, count| count.since > median);
    }
}

fn source_of(address: Option<IpAddr>) -> Source {
    match address.map(|address| address.to_canonical()) {
        None => [0; 16],
        Some(IpAddr::V4(address)) => address.to_ipv6_mapped().octets(),
        Some(IpAddr::V6(address)) => (address.to_bits() & !u128::from(u64::MAX)).to_be_bytes(),
    }
}
