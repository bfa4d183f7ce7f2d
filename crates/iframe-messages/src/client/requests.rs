//! The requests that have not ended, and how far each is.

use std::collections::BTreeMap;

use super::event::RequestId;
use crate::{Call, Moment, RequestKind};

/// What was asked for; tokens are added when it is sent.
#[derive(Debug, Clone)]
pub(super) enum Wish {
    Link,
    ValidateToken,
    RenewToken,
    Call(Call),
}

impl Wish {
    pub(super) const fn kind(&self) -> RequestKind {
        match self {
            Self::Link => RequestKind::RequestLink,
            Self::ValidateToken => RequestKind::ValidateToken,
            Self::RenewToken => RequestKind::RenewToken,
            Self::Call(call) => call.kind(),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Stage {
    /// The iframe is not there yet.
    Waiting { until: Moment },
    /// A renewal is under way.
    ForToken,
    /// Sent as the message of that number, with the tokens of that generation.
    Sent { number: u64, until: Moment, generation: u64 },
}

#[derive(Debug)]
pub(super) struct Pending {
    pub(super) wish: Wish,
    pub(super) stage: Stage,
    /// Nobody hears how it ends.
    pub(super) silent: bool,
    /// It was held up by an expired token before.
    pub(super) renewed: bool,
}

impl Pending {
    pub(super) const fn number(&self) -> Option<u64> {
        match self.stage {
            Stage::Sent { number, .. } => Some(number),
            _ => None,
        }
    }

    pub(super) const fn until(&self) -> Option<Moment> {
        match self.stage {
            Stage::Waiting { until } | Stage::Sent { until, .. } => Some(until),
            Stage::ForToken => None,
        }
    }
}

/// By id, which is the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Requests(BTreeMap<RequestId, Pending>);

impl Requests {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn insert(&mut self, id: RequestId, pending: Pending) {
        self.0.insert(id, pending);
    }

    pub(super) fn get_mut(&mut self, id: RequestId) -> Option<&mut Pending> {
        self.0.get_mut(&id)
    }

    pub(super) fn remove(&mut self, id: RequestId) -> Option<Pending> {
        self.0.remove(&id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (RequestId, &Pending)> {
        self.0.iter().map(|(id, pending)| (*id, pending))
    }

    /// Those of which `is` holds, in order.
    pub(super) fn select(&self, is: impl Fn(&Pending) -> bool) -> Vec<RequestId> {
        self.iter().filter(|(_, pending)| is(pending)).map(|(id, _)| id).collect()
    }

    /// The renewal that has been sent and not answered: there is one at most.
    pub(super) fn renewal(&self) -> Option<RequestId> {
        let renewal =
            |pending: &Pending| matches!(pending.wish, Wish::RenewToken) && pending.number().is_some();
        self.iter().find(|(_, pending)| renewal(pending)).map(|(id, _)| id)
    }

    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.0.values().filter_map(Pending::until).min()
    }
}
