use std::time::Duration;

use crate::posted::{Sender, WindowId};
use crate::{Limits, Origin};

/// How the iframe says `LISTENING`.
///
/// Source: iframe §1, §2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announce {
    /// Once.
    Once,
    /// At once and after each interval, until a host speaks and at most a hundred times: `?e2e=1`.
    Every(Duration),
}

/// What a [`Server`](super::Server) is told once.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    pub(super) parent: WindowId,
    pub(super) allowed: Vec<Origin>,
    pub(super) announce: Announce,
    pub(super) limits: Limits,
    pub(super) patience: Duration,
    pub(super) max_pending: usize,
}

impl ServerConfig {
    /// How long a user or a back end may take, unless told otherwise: 60 s.
    pub const PATIENCE: Duration = Duration::from_secs(60);

    /// How many requests may wait for an answer at one time, unless told otherwise.
    pub const MAX_PENDING: usize = 64;

    /// Hears this window (`window.parent`) and no other, while it shows a page of one of these origins.
    #[must_use]
    pub fn new(parent: WindowId, allowed: impl IntoIterator<Item = Origin>) -> Self {
        let mut allowed: Vec<_> = allowed.into_iter().collect();
        allowed.sort();
        allowed.dedup();
        Self {
            parent,
            allowed,
            announce: Announce::Once,
            limits: Limits::default(),
            patience: Self::PATIENCE,
            max_pending: Self::MAX_PENDING,
        }
    }

    /// How to say `LISTENING`.
    #[must_use]
    pub const fn with_announce(mut self, announce: Announce) -> Self {
        self.announce = announce;
        self
    }

    /// Other limits for what is received.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long a user or a back end may take.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How many requests may wait for an answer at one time.
    #[must_use]
    pub const fn with_max_pending(mut self, max: usize) -> Self {
        self.max_pending = max;
        self
    }

    /// The origin of the list that this sender is, if it is also the right window. Threat I1. Choice: IF-20, IF-21.
    pub(super) fn admit(&self, sender: Sender<'_>) -> Option<Origin> {
        let origin = self.allowed.iter().find(|origin| origin.is(sender.origin))?;
        (sender.window == self.parent).then(|| origin.clone())
    }
}
