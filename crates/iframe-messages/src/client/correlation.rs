//! Which request an answer belongs to.

use super::event::RequestId;
use super::requests::{Pending, Requests};
use crate::{MessageId, Moment, ReplyKind, RequestKind};

/// A request that was sent, and whose answer may still come though nobody waits for it.
#[derive(Debug)]
struct Abandoned {
    number: u64,
    kind: RequestKind,
    until: Moment,
}

/// The most that are remembered.
const MAX_ABANDONED: usize = 256;

/// Assigns answers to requests: by `messageId`, and for a peer that leaves it out by order within a kind.
///
/// Source: iframe §1. Choice: IF-24.
#[derive(Debug, Default)]
pub(super) struct Correlation {
    /// The peer has answered with a `messageId`: from then on it always does.
    names: bool,
    abandoned: Vec<Abandoned>,
}

impl Correlation {
    /// The request that this is the answer to.
    pub(super) fn find(
        &mut self,
        requests: &Requests,
        prefix: &str,
        message_id: Option<&MessageId>,
        kind: ReplyKind,
    ) -> Option<RequestId> {
        match message_id {
            Some(message_id) => {
                let number = number(prefix, message_id)?;
                let found = requests.iter().find(|(_, pending)| pending.number() == Some(number));
                let (id, _) = found.filter(|(_, pending)| answers(kind, pending.wish.kind()))?;
                self.names = true;
                Some(id)
            }
            None if self.names => None,
            None => self.oldest(requests, kind),
        }
    }

    /// The oldest request that such a reply can answer; nothing when that one was given up.
    fn oldest(&mut self, requests: &Requests, kind: ReplyKind) -> Option<RequestId> {
        let candidate = |(id, pending): (RequestId, &Pending)| {
            pending.number().filter(|_| answers(kind, pending.wish.kind())).map(|number| (number, id))
        };
        let live = requests.iter().filter_map(candidate).min();
        let given_up = self.abandoned.iter().enumerate().filter(|(_, old)| answers(kind, old.kind));
        let given_up = given_up.min_by_key(|(_, old)| old.number).map(|(at, old)| (old.number, at));
        match (live, given_up) {
            (Some((number, _)), Some((older, at))) if older < number => self.forget(at),
            (None, Some((_, at))) => self.forget(at),
            (live, _) => live.map(|(_, id)| id),
        }
    }

    fn forget(&mut self, at: usize) -> Option<RequestId> {
        self.abandoned.swap_remove(at);
        None
    }

    /// Remembers a request that was given up, until its answer can hardly come any more.
    pub(super) fn abandon(&mut self, pending: &Pending, until: Moment) {
        if let (Some(number), false) = (pending.number(), self.names) {
            if self.abandoned.len() >= MAX_ABANDONED {
                self.abandoned.swap_remove(0);
            }
            self.abandoned.push(Abandoned { number, kind: pending.wish.kind(), until });
        }
    }

    pub(super) fn expire(&mut self, now: Moment) {
        self.abandoned.retain(|old| old.until > now);
    }

    /// The iframe was loaded again: it will answer nothing that was asked before.
    pub(super) fn reset(&mut self) {
        self.abandoned.clear();
    }
}

/// Whether a reply of that kind can answer such a request.
fn answers(reply: ReplyKind, request: RequestKind) -> bool {
    reply == ReplyKind::Error || reply == request.reply()
}

/// The number within one of our ids; none for an id that we did not make.
fn number(prefix: &str, id: &MessageId) -> Option<u64> {
    let digits = id.as_str().strip_prefix(prefix)?;
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}
