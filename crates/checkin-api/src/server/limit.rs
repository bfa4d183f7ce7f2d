//! How many check-ins a key may submit: a bucket of tokens each.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::settings::RateLimit;
use crate::Refusal;

/// The buckets by the name of the key. There are no more of them than keys.
#[derive(Debug, Default)]
pub(super) struct Buckets(Mutex<HashMap<String, Bucket>>);

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    since: Instant,
}

impl Buckets {
    /// Takes as many tokens as check-ins are to be stored.
    ///
    /// # Errors
    /// 429 with the time after which there are enough.
    pub(super) fn take(&self, key: &str, check_ins: usize, limit: RateLimit) -> Result<(), Refusal> {
        let (burst, now) = (f64::from(limit.burst), Instant::now());
        // No key can have more than a burst: a larger batch waits for a full bucket and leaves it empty.
        let wanted = f64::from(u32::try_from(check_ins).unwrap_or(u32::MAX)).min(burst.max(1.0));
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(key.to_owned()).or_insert(Bucket { tokens: burst, since: now });
        let earned = now.duration_since(bucket.since).as_secs_f64() * f64::from(limit.per_second);
        *bucket = Bucket { tokens: (bucket.tokens + earned).min(burst), since: now };
        if bucket.tokens >= wanted {
            bucket.tokens -= wanted;
            return Ok(());
        }
        let seconds = (wanted - bucket.tokens) / f64::from(limit.per_second.max(1));
        let wait = Duration::try_from_secs_f64(seconds.ceil()).unwrap_or(Duration::from_secs(3600));
        Err(Refusal::new(429, "too many check-ins with this key").with_retry_after(wait))
    }
}
