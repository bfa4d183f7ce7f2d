//! Renewal of an access token, once for all requests that wait for it.

use super::event::{Event, Failure, RequestId};
use super::requests::{Pending, Stage, Wish};
use super::session::Client;
use crate::token::TokenPair;
use crate::{Moment, Refusal, Reply};

impl Client {
    /// The iframe refused the token of a call: the call waits for a new one. False when that was tried before.
    ///
    /// Source: iframe §3, §4. Choice: IF-25.
    pub(super) fn hold_for_token(&mut self, id: RequestId, now: Moment) -> bool {
        let (linked, generation) = (self.tokens.is_some(), self.generation);
        let Some(pending) = self.requests.get_mut(id) else { return false };
        let Stage::Sent { generation: sent_with, .. } = pending.stage else { return false };
        if pending.renewed || !linked || !matches!(pending.wish, Wish::Call(_)) {
            return false;
        }
        pending.renewed = true;
        pending.stage = Stage::ForToken;
        if sent_with != generation {
            // It crossed a renewal: the token is a new one already.
            self.send(id, now);
        } else if self.requests.renewal().is_none() {
            let renewal = self.next_id();
            let pending =
                Pending { wish: Wish::RenewToken, stage: Stage::ForToken, silent: true, renewed: false };
            self.requests.insert(renewal, pending);
            self.send(renewal, now);
        }
        true
    }

    pub(super) fn take_tokens(&mut self, tokens: TokenPair) {
        self.tokens = Some(tokens);
        self.generation += 1;
        self.events.push_back(Event::TokensChanged);
    }

    /// Sends what waited for a token, and ends what waited for the renewal itself.
    pub(super) fn release(&mut self, now: Moment) {
        for id in self.requests.select(|pending| matches!(pending.stage, Stage::ForToken)) {
            let renewal = self.requests.get_mut(id).is_some_and(|held| matches!(held.wish, Wish::RenewToken));
            match self.tokens.clone().filter(|_| renewal) {
                Some(tokens) => self.finish(id, Ok(Reply::TokenRenewed(tokens))),
                None => self.send(id, now),
            }
        }
    }

    /// The renewal failed, and so does what waited for it.
    pub(super) fn fail_renewal(&mut self, failure: &Failure) {
        if let Failure::Refused(Refusal::InvalidToken) = failure {
            self.tokens = None;
            self.events.push_back(Event::TokensChanged);
        }
        for id in self.requests.select(|pending| matches!(pending.stage, Stage::ForToken)) {
            self.finish(id, Err(failure.clone()));
        }
    }
}
