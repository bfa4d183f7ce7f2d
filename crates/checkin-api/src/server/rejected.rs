//! Refused check-ins, counted by bot until the next upkeep writes them down.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::store::RejectedCount;

/// How many bots are counted between two upkeeps.
const MAX_BOTS: usize = 1024;

/// Counts in memory: no refusal is worth a write of its own.
#[derive(Debug, Default)]
pub(super) struct Rejected(Mutex<HashMap<String, (u64, jiff::Timestamp)>>);

impl Rejected {
    pub(super) fn add(&self, bot: &str, count: u64, now: jiff::Timestamp) {
        let mut counts = self.lock();
        if counts.len() >= MAX_BOTS && !counts.contains_key(bot) {
            return;
        }
        let (total, last) = counts.entry(bot.to_owned()).or_insert((0, now));
        *total = total.saturating_add(count);
        *last = now.max(*last);
    }

    pub(super) fn take(&self) -> Vec<RejectedCount> {
        let counts = std::mem::take(&mut *self.lock());
        counts.into_iter().map(|(bot, (count, last_at))| RejectedCount { bot, count, last_at }).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (u64, jiff::Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
