//! A log that strangers cannot fill: so many lines in a while, then only their number.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lines in each [`WHILE`].
const LINES: u64 = 50;
/// The time over which lines are counted.
const WHILE: Duration = Duration::from_secs(10);

/// Counts the lines of one kind.
#[derive(Debug, Default)]
pub(crate) struct Sparing(Mutex<Option<Count>>);

#[derive(Debug)]
struct Count {
    since: Instant,
    asked: u64,
}

impl Sparing {
    /// Whether a line may be written at `now`; if so, how many were not written since the one before.
    pub(crate) fn line(&self, now: Instant) -> Option<u64> {
        let mut count = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match count.as_mut() {
            Some(count) if now.saturating_duration_since(count.since) < WHILE => {
                count.asked = count.asked.saturating_add(1);
                (count.asked <= LINES).then_some(0)
            }
            before => {
                let left_out = before.map_or(0, |count| count.asked.saturating_sub(LINES));
                *count = Some(Count { since: now, asked: 1 });
                Some(left_out)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_becomes_a_number() {
        let sparing = Sparing::default();
        let start = Instant::now();
        let written = (0..1000).filter(|_| sparing.line(start).is_some()).count();
        assert_eq!(written, 50);
        assert_eq!(sparing.line(start + WHILE), Some(950));
        assert_eq!(sparing.line(start + WHILE), Some(0));
        assert_eq!(sparing.line(start + WHILE * 3), Some(0));
    }
}
