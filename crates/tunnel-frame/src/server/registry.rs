//! Who serves which device.

use super::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

/// The time over which swaps are counted.
const SWAP_WINDOW: Duration = Duration::from_secs(60);

/// Swaps of one device within [`SWAP_WINDOW`] unless a user says otherwise.
const MAX_SWAPS: usize = 3;

/// Names that are remembered for their swaps although nobody serves them.
const REMEMBERED: usize = 10_000;

/// Something of which a device has one, and which can be told to stop.
pub trait Evict {
    /// Stops it. When this returns, no byte passes through it any more.
    fn evict(&self);
}

/// Which tunnel serves which device: one at most, at every moment (threats T4, T5).
///
/// Claiming and evicting happen under one lock, so that two connections which arrive together cannot both serve. Claim
/// a device only when its new connection has proved itself: until then the old one goes on.
///
/// Choice: TF-13.
pub struct Registry<T> {
    inner: Arc<Mutex<Inner<T>>>,
    max_swaps: usize,
}

struct Inner<T> {
    owners: HashMap<String, Owner<T>>,
    swaps: HashMap<String, VecDeque<Instant>>,
    next: u64,
    refused: u64,
    replaced: u64,
}

struct Owner<T> {
    number: u64,
    holder: T,
}

/// A device is being taken over too often: somebody else has its token, or two devices have one name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClaimError(());

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the device was taken over too often within a minute")
    }
}

impl std::error::Error for ClaimError {}

/// The right to serve a device, until it is dropped or a newer claim replaces it.
pub struct Claim<T: Evict> {
    inner: Arc<Mutex<Inner<T>>>,
    name: String,
    number: u64,
    replaced: bool,
}

impl<T: Evict + Clone> Registry<T> {
    /// A registry without devices, which lets a device be taken over three times a minute.
    #[must_use]
    pub fn new() -> Self {
        Self::with_max_swaps(MAX_SWAPS)
    }

    /// A registry that lets a device be taken over this often a minute.
    #[must_use]
    pub fn with_max_swaps(max_swaps: usize) -> Self {
        let inner = Inner { owners: HashMap::new(), swaps: HashMap::new(), next: 0, refused: 0, replaced: 0 };
        Self { inner: Arc::new(Mutex::new(inner)), max_swaps }
    }

    /// Makes `holder` the one that serves `name`. Who served it before is evicted first.
    ///
    /// # Errors
    /// [`ClaimError`] if the device was taken over too often within a minute; nothing has changed then.
    pub fn claim(&self, name: &str, holder: T, now: Instant) -> Result<Claim<T>, ClaimError> {
        let mut inner = lock(&self.inner);
        let replaced = inner.owners.contains_key(name);
        if replaced {
            if !inner.may_swap(name, self.max_swaps, now) {
                inner.refused = inner.refused.saturating_add(1);
                return Err(ClaimError(()));
            }
            inner.replaced = inner.replaced.saturating_add(1);
        }
        let number = inner.next;
        inner.next = number.wrapping_add(1);
        // Evicted under the lock: nobody ever sees two that are alive.
        if let Some(old) = inner.owners.remove(name) {
            old.holder.evict();
        }
        inner.owners.insert(name.to_owned(), Owner { number, holder });
        drop(inner);
        Ok(Claim { inner: Arc::clone(&self.inner), name: name.to_owned(), number, replaced })
    }

    /// The one that serves `name`.
    #[must_use]
    pub fn owner(&self, name: &str) -> Option<T> {
        lock(&self.inner).owners.get(name).map(|owner| owner.holder.clone())
    }

    /// All devices that are served, in no order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        lock(&self.inner).owners.keys().cloned().collect()
    }

    /// How many devices are served.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.inner).owners.len()
    }

    /// Whether no device is served.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Claims refused because of too many swaps. A reason for an alert.
    #[must_use]
    pub fn refused(&self) -> u64 {
        lock(&self.inner).refused
    }

    /// Owners that a newer one replaced.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        lock(&self.inner).replaced
    }

    /// Evicts the one that serves `name`, for instance because the device is not authorised any more. Whether there
    /// was one.
    pub fn evict(&self, name: &str) -> bool {
        let mut inner = lock(&self.inner);
        let owner = inner.owners.remove(name);
        owner.iter().for_each(|owner| owner.holder.evict());
        owner.is_some()
    }
}

impl<T: Evict + Clone> Default for Registry<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for Registry<T> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), max_swaps: self.max_swaps }
    }
}

impl<T> fmt::Debug for Registry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("max_swaps", &self.max_swaps).finish_non_exhaustive()
    }
}

impl<T> Inner<T> {
    fn may_swap(&mut self, name: &str, most: usize, now: Instant) -> bool {
        let recent = |times: &mut VecDeque<Instant>| {
            times.retain(|&then| now.saturating_duration_since(then) < SWAP_WINDOW);
        };
        if self.swaps.len() >= REMEMBERED {
            self.swaps.retain(|_, times| {
                recent(times);
                !times.is_empty()
            });
        }
        let times = self.swaps.entry(name.to_owned()).or_default();
        recent(times);
        let may = times.len() < most;
        if may {
            times.push_back(now);
        }
        may
    }
}

impl<T: Evict> Claim<T> {
    /// Whether the claim replaced an older owner.
    #[must_use]
    pub const fn has_replaced(&self) -> bool {
        self.replaced
    }

    /// Whether this claim still stands.
    #[must_use]
    pub fn is_current(&self) -> bool {
        lock(&self.inner).owners.get(&self.name).is_some_and(|owner| owner.number == self.number)
    }
}

impl<T: Evict> fmt::Debug for Claim<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim")
            .field("name", &self.name)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl<T: Evict> Drop for Claim<T> {
    fn drop(&mut self) {
        let mut inner = lock(&self.inner);
        if inner.owners.get(&self.name).is_some_and(|owner| owner.number == self.number)
            && let Some(owner) = inner.owners.remove(&self.name)
        {
            // Nobody can reach it any more, and nobody shall who still holds it.
            owner.holder.evict();
        }
    }
}

fn lock<T>(inner: &Mutex<Inner<T>>) -> MutexGuard<'_, Inner<T>> {
    // Nothing in here panics half-way through a change.
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}
