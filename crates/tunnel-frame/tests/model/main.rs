//! Threat T5: the registry under every interleaving that a model checker can make.
//!
//! The file of the registry is compiled here once more, with the model checker's locks in place of the standard ones.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a test that borrows a module"
)]

mod sync {
    pub(super) use loom::sync::{Arc, Mutex, MutexGuard};
    pub(super) use std::sync::PoisonError;
}

#[path = "../../src/server/registry.rs"]
mod registry;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use registry::{Evict, Registry};
use std::time::Instant;
use sync::Arc;

/// A session that counts itself among the living until it is evicted.
#[derive(Clone)]
struct Holder {
    gone: Arc<AtomicUsize>,
    evictions: Arc<AtomicUsize>,
}

impl Evict for Holder {
    fn evict(&self) {
        assert_eq!(self.gone.swap(1, Ordering::SeqCst), 0, "evicted twice");
        self.evictions.fetch_add(1, Ordering::SeqCst);
    }
}

fn holder(evictions: &Arc<AtomicUsize>) -> Holder {
    Holder { gone: Arc::new(AtomicUsize::new(0)), evictions: Arc::clone(evictions) }
}

#[test]
fn t5_of_claims_that_race_one_is_left() {
    loom::model(|| {
        let registry = Registry::with_max_swaps(9);
        let evictions = Arc::new(AtomicUsize::new(0));
        let now = Instant::now();
        let claims: Vec<_> = (0..2)
            .map(|_| {
                let (registry, holder) = (registry.clone(), holder(&evictions));
                thread::spawn(move || (registry.claim("device-1", holder.clone(), now).unwrap(), holder))
            })
            .collect();
        let third = holder(&evictions);
        let own = registry.claim("device-1", third.clone(), now).unwrap();
        let mut all: Vec<_> = claims.into_iter().map(|claim| claim.join().unwrap()).collect();
        all.push((own, third));
        let current = all.iter().filter(|(claim, _)| claim.is_current()).count();
        let alive = all.iter().filter(|(_, holder)| holder.gone.load(Ordering::SeqCst) == 0).count();
        assert_eq!((current, alive, registry.len()), (1, 1, 1));
        assert_eq!(evictions.load(Ordering::SeqCst), 2);
        drop(all);
        assert!(registry.is_empty());
    });
}

#[test]
fn t5_an_old_claim_that_ends_never_takes_the_new_one_with_it() {
    loom::model(|| {
        let registry = Registry::with_max_swaps(9);
        let evictions = Arc::new(AtomicUsize::new(0));
        let now = Instant::now();
        let old = registry.claim("device-1", holder(&evictions), now).unwrap();
        let ending = thread::spawn(move || drop(old));
        let new = registry.claim("device-1", holder(&evictions), now).unwrap();
        ending.join().unwrap();
        assert!(new.is_current());
        assert!(registry.owner("device-1").is_some_and(|owner| owner.gone.load(Ordering::SeqCst) == 0));
        assert_eq!(evictions.load(Ordering::SeqCst), 1);
    });
}
