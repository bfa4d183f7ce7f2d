//! What the loops need besides settings: the machine's network, random numbers, and somebody to tell.

use std::sync::Arc;

use crate::addresses::Network;
use crate::events::Event;
use crate::journal::Journal;

/// Shared by the loops; clones are the same.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) journal: Journal,
    pub(crate) network: Arc<dyn Network>,
}

impl Surroundings {
    pub(crate) fn tell(&self, event: &Event) {
        self.journal.tell(event);
    }

    /// An evenly distributed number. It spreads waits and guards nothing, so a system without randomness gets the middle.
    pub(crate) fn random(&self) -> u64 {
        getrandom::u64().unwrap_or(u64::MAX / 2)
    }
}
