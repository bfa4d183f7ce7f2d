use std::time::Duration;

use crate::posted::WindowId;
use crate::{Limits, MessageId, Origin, RequestKind};

/// How long a host waits. The defaults are those of a host in the wild.
///
/// Choice: IF-22.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// For `LISTENING`: 45 s.
    pub listening: Duration,
    /// For the user's consent: 60 s.
    pub link: Duration,
    /// For what changes something: 30 s.
    pub write: Duration,
    /// For what reads: 20 s.
    pub read: Duration,
    /// For hashes and proofs: 15 s.
    pub proof: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            listening: Duration::from_secs(45),
            link: Duration::from_secs(60),
            write: Duration::from_secs(30),
            read: Duration::from_secs(20),
            proof: Duration::from_secs(15),
        }
    }
}

impl Deadlines {
    /// How long an answer to such a request may take, from when it was sent.
    #[must_use]
    pub const fn of(&self, kind: RequestKind) -> Duration {
        match kind {
            RequestKind::RequestLink => self.link,
            RequestKind::RenewToken
            | RequestKind::CreatePairing
            | RequestKind::CreateProcess
            | RequestKind::UpdateProcess
            | RequestKind::NotifyUpdate
            | RequestKind::ValidateState => self.write,
            RequestKind::ValidateToken
            | RequestKind::GetPairingId
            | RequestKind::GetMyProcesses
            | RequestKind::GetProcesses
            | RequestKind::RetrieveData
            | RequestKind::DecodePublicData => self.read,
            RequestKind::HashValue | RequestKind::GetMerkleProof | RequestKind::ValidateMerkleProof => {
                self.proof
            }
        }
    }
}

/// How the iframe says that it is there.
///
/// Source: iframe §1, §2.1. Choice: IF-23.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Listening {
    /// Once after loading: a second time means that it was loaded again.
    #[default]
    Once,
    /// Up to a hundred times after loading (`?e2e=1`): only what exceeds that means that it was loaded again.
    Periodic,
}

impl Listening {
    /// How often it may be said after one loading.
    pub(super) const fn most(self) -> u32 {
        match self {
            Self::Once => 1,
            Self::Periodic => 100,
        }
    }
}

/// What a [`Client`](super::Client) is told once.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    pub(super) origin: Origin,
    pub(super) window: WindowId,
    pub(super) prefix: Box<str>,
    pub(super) deadlines: Deadlines,
    pub(super) listening: Listening,
    pub(super) limits: Limits,
    pub(super) max_requests: usize,
}

impl ClientConfig {
    /// The most requests that wait at one time, unless told otherwise.
    pub const MAX_REQUESTS: usize = 256;

    /// For the iframe of this origin in this window (`iframe.contentWindow`).
    ///
    /// `messageId`s are `prefix` and a number: a random prefix keeps them apart from those of an earlier page.
    #[must_use]
    pub fn new(origin: Origin, window: WindowId, prefix: &MessageId) -> Self {
        let room = MessageId::MAX_BYTES - 20;
        let mut end = prefix.as_str().len().min(room);
        while !prefix.as_str().is_char_boundary(end) {
            end -= 1;
        }
        Self {
            origin,
            window,
            prefix: prefix.as_str().get(..end).unwrap_or_default().into(),
            deadlines: Deadlines::default(),
            listening: Listening::default(),
            limits: Limits::default(),
            max_requests: Self::MAX_REQUESTS,
        }
    }

    /// Other deadlines.
    #[must_use]
    pub const fn with_deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// How the iframe says that it is there.
    #[must_use]
    pub const fn with_listening(mut self, listening: Listening) -> Self {
        self.listening = listening;
        self
    }

    /// Other limits for what is received.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How many requests may wait at one time.
    #[must_use]
    pub const fn with_max_requests(mut self, max: usize) -> Self {
        self.max_requests = max;
        self
    }
}
