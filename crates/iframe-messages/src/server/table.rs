//! Who waits for which answer, and which ids were used.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::job::Ticket;
use crate::{MessageId, Moment, Origin, RequestKind};

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) origin: Origin,
    pub(super) message_id: Option<MessageId>,
    pub(super) kind: RequestKind,
    pub(super) until: Moment,
}

/// The requests that wait, by ticket.
#[derive(Debug, Default)]
pub(super) struct Table {
    waiting: BTreeMap<Ticket, Waiting>,
    last: u64,
}

impl Table {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn insert(&mut self, waiting: Waiting) -> Ticket {
        self.last += 1;
        self.waiting.insert(Ticket(self.last), waiting);
        Ticket(self.last)
    }

    pub(super) fn get(&self, ticket: Ticket) -> Option<&Waiting> {
        self.waiting.get(&ticket)
    }

    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Waiting> {
        self.waiting.remove(&ticket)
    }

    pub(super) fn select(&self, is: impl Fn(&Waiting) -> bool) -> Vec<Ticket> {
        self.waiting.iter().filter(|(_, waiting)| is(waiting)).map(|(ticket, _)| *ticket).collect()
    }

    pub(super) fn next_deadline(&self) -> Option<Moment> {
        self.waiting.values().map(|waiting| waiting.until).min()
    }
}

/// The most ids that are remembered.
const MAX_IDS: usize = 4096;

/// The `messageId`s that were used, the latest of them. Threat I4. Choice: IF-42.
#[derive(Debug, Default)]
pub(super) struct UsedIds {
    known: BTreeSet<(Origin, MessageId)>,
    order: VecDeque<(Origin, MessageId)>,
}

impl UsedIds {
    /// Notes an id; false when it was used before.
    pub(super) fn note(&mut self, origin: &Origin, id: &MessageId) -> bool {
        let entry = (origin.clone(), id.clone());
        if !self.known.insert(entry.clone()) {
            return false;
        }
        self.order.push_back(entry);
        if self.order.len() > MAX_IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}
