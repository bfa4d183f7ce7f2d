use std::collections::VecDeque;

use super::config::ClientConfig;
use super::correlation::Correlation;
use super::event::{Counters, Event, Failure, Output, RequestId, Unable};
use super::requests::{Pending, Requests, Stage, Wish};
use crate::posted::{Posted, Sender};
use crate::request::{AuthorizedCall, RenewToken};
use crate::token::TokenPair;
use crate::{
    Call, Decoded, HostMessage, IframeMessage, LinkRequest, Malformed, MessageId, Moment, Refusal, Reply,
    Request,
};

/// The host's side of one iframe. See the page of its module.
#[derive(Debug)]
pub struct Client {
    pub(super) config: ClientConfig,
    pub(super) tokens: Option<TokenPair>,
    /// Counts the tokens that were held.
    pub(super) generation: u64,
    pub(super) requests: Requests,
    pub(super) events: VecDeque<Event>,
    /// How often `LISTENING` was said since the iframe was loaded; 0 while it is not there.
    listenings: u32,
    correlation: Correlation,
    outputs: VecDeque<Output>,
    counters: Counters,
    last_id: u64,
    last_number: u64,
}

impl Client {
    /// Waits for the iframe to say `LISTENING`.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        Self {
            config,
            tokens: None,
            generation: 0,
            requests: Requests::default(),
            events: VecDeque::new(),
            listenings: 0,
            correlation: Correlation::default(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
            last_id: 0,
            last_number: 0,
        }
    }

    /// The tokens held: to be kept over a reload of the page, in a place that is the page's own.
    #[must_use]
    pub const fn tokens(&self) -> Option<&TokenPair> {
        self.tokens.as_ref()
    }

    /// Goes on with tokens from before.
    pub fn resume(&mut self, tokens: TokenPair) {
        self.tokens = Some(tokens);
        self.generation += 1;
    }

    /// What was dropped so far.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Asks the user for a link. Source: iframe §2.2.
    ///
    /// # Errors
    /// [`Unable::TooMany`].
    pub fn link(&mut self, now: Moment) -> Result<RequestId, Unable> {
        self.wish(Wish::Link, now)
    }

    /// Asks whether the tokens are valid. Source: iframe §2.3.
    ///
    /// # Errors
    /// [`Unable`] without tokens, or when too many requests wait.
    pub fn validate_token(&mut self, now: Moment) -> Result<RequestId, Unable> {
        self.wish(Wish::ValidateToken, now)
    }

    /// Asks for a new access token. A renewal that is under way counts as this one. Source: iframe §2.4.
    ///
    /// # Errors
    /// [`Unable`] without tokens, or when too many requests wait.
    pub fn renew_token(&mut self, now: Moment) -> Result<RequestId, Unable> {
        self.wish(Wish::RenewToken, now)
    }

    /// Asks for anything else. Source: iframe §2.
    ///
    /// # Errors
    /// [`Unable`] without tokens, or when too many requests wait.
    pub fn call(&mut self, call: Call, now: Moment) -> Result<RequestId, Unable> {
        self.wish(Wish::Call(call), now)
    }

    /// Gives a request up: its answer will be dropped, and there is no event. False when it has ended already.
    pub fn cancel(&mut self, id: RequestId, now: Moment) -> bool {
        let renewal = self.requests.renewal();
        let Some(pending) = self.requests.get_mut(id).filter(|pending| !pending.silent) else { return false };
        if renewal == Some(id) {
            // The new tokens are needed: the old ones end with the request.
            pending.silent = true;
        } else if let Some(pending) = self.requests.remove(id) {
            self.correlation.abandon(&pending, now.after(self.config.deadlines.of(pending.wish.kind())));
        }
        true
    }

    /// Takes what the window received.
    pub fn handle<P: Posted + ?Sized>(&mut self, sender: Sender<'_>, posted: &P, now: Moment) {
        // Who speaks is known before anything is read.
        if !self.config.origin.is(sender.origin) || self.config.window != sender.window {
            self.counters.strangers += 1;
            return;
        }
        self.correlation.expire(now);
        match posted.decode(self.config.limits) {
            Decoded::NotOurs => self.counters.not_ours += 1,
            Decoded::Malformed(malformed) => self.malformed(malformed, now),
            Decoded::Message(IframeMessage { body: Reply::Listening, .. }) => self.listening(now),
            Decoded::Message(message) => self.answer(message, now),
        }
    }

    /// The next message to post.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Client::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        self.requests.next_deadline()
    }

    /// Ends what waited too long.
    pub fn handle_timeout(&mut self, now: Moment) {
        self.correlation.expire(now);
        let late = |pending: &Pending| pending.until().is_some_and(|until| until <= now);
        for id in self.requests.select(late) {
            let Some(pending) = self.requests.get_mut(id) else { continue };
            let failure = match pending.stage {
                Stage::Waiting { .. } => Failure::NotListening,
                _ => Failure::TimedOut,
            };
            let until = now.after(self.config.deadlines.of(pending.wish.kind()));
            self.correlation.abandon(pending, until);
            self.end(id, Err(failure), now);
        }
    }

    fn wish(&mut self, wish: Wish, now: Moment) -> Result<RequestId, Unable> {
        if self.tokens.is_none() && !matches!(wish, Wish::Link) {
            return Err(Unable::NotLinked);
        }
        if self.requests.len() >= self.config.max_requests {
            return Err(Unable::TooMany);
        }
        let id = self.next_id();
        let until = now.after(self.config.deadlines.listening);
        let pending = Pending { wish, stage: Stage::Waiting { until }, silent: false, renewed: false };
        self.requests.insert(id, pending);
        if self.listenings > 0 {
            self.send(id, now);
        }
        Ok(id)
    }

    pub(super) fn next_id(&mut self) -> RequestId {
        self.last_id += 1;
        RequestId(self.last_id)
    }

    /// Sends a request, unless it has to wait for the token that is on its way.
    pub(super) fn send(&mut self, id: RequestId, now: Moment) {
        let renewing = self.requests.renewal().is_some();
        let Some(pending) = self.requests.get_mut(id) else { return };
        if renewing && !matches!(pending.wish, Wish::Link) {
            pending.stage = Stage::ForToken;
            return;
        }
        let Some(body) = with_tokens(&pending.wish, self.tokens.as_ref()) else {
            return self.finish(id, Err(Failure::Unlinked));
        };
        self.last_number += 1;
        let number = self.last_number;
        let until = now.after(self.config.deadlines.of(pending.wish.kind()));
        pending.stage = Stage::Sent { number, until, generation: self.generation };
        let message_id = MessageId::new(format!("{}{number}", self.config.prefix)).ok();
        let target_origin = self.config.origin.clone();
        self.outputs.push_back(Output { target_origin, message: HostMessage { body, message_id } });
    }

    /// Source: iframe §2.1. Choice: IF-23.
    fn listening(&mut self, now: Moment) {
        self.listenings += 1;
        if self.listenings == 1 {
            self.events.push_back(Event::Listening);
        } else if self.listenings > self.config.listening.most() {
            self.listenings = 1;
            self.correlation.reset();
            // What was not posted yet was meant for the page that is gone.
            self.outputs.clear();
            self.events.push_back(Event::Reloaded);
            for id in self.requests.select(|pending| !matches!(pending.stage, Stage::Waiting { .. })) {
                self.finish(id, Err(Failure::Reloaded));
            }
        }
        for id in self.requests.select(|pending| matches!(pending.stage, Stage::Waiting { .. })) {
            self.send(id, now);
        }
    }

    fn answer(&mut self, message: IframeMessage, now: Moment) {
        let IframeMessage { body, message_id } = message;
        let found =
            self.correlation.find(&self.requests, &self.config.prefix, message_id.as_ref(), body.kind());
        let Some(id) = found else {
            self.counters.unsolicited += 1;
            return;
        };
        match body {
            Reply::Error(error) if error.error == Refusal::InvalidToken && self.hold_for_token(id, now) => {}
            Reply::Error(error) => self.end(id, Err(Failure::Refused(error.error)), now),
            reply => self.end(id, Ok(reply), now),
        }
    }

    fn malformed(&mut self, malformed: Malformed, now: Moment) {
        let Malformed { message_id, tag, error } = malformed;
        let kind = crate::ReplyKind::from_tag(tag);
        let found = kind.filter(|_| message_id.is_some()).and_then(|kind| {
            self.correlation.find(&self.requests, &self.config.prefix, message_id.as_ref(), kind)
        });
        match found {
            Some(id) => self.end(id, Err(Failure::Malformed(error)), now),
            None => self.counters.malformed += 1,
        }
    }

    /// Ends a request, and does what follows from its outcome.
    fn end(&mut self, id: RequestId, outcome: Result<Reply, Failure>, now: Moment) {
        let renewal = self.requests.renewal() == Some(id);
        // A link that was made meanwhile has newer tokens than the renewal is about.
        let overtaken = renewal && !self.is_current(id);
        match &outcome {
            Ok(Reply::TokenRenewed(_)) | Err(_) if overtaken => {
                self.finish(id, outcome);
                self.release(now);
            }
            Ok(Reply::LinkAccepted(tokens) | Reply::TokenRenewed(tokens)) => {
                self.take_tokens(tokens.clone());
                self.finish(id, outcome);
                if renewal {
                    self.release(now);
                }
            }
            Err(failure) if renewal => {
                let failure = failure.clone();
                self.finish(id, outcome);
                self.fail_renewal(&failure);
            }
            _ => self.finish(id, outcome),
        }
    }

    /// Whether the tokens that a request was sent with are those held now.
    fn is_current(&mut self, id: RequestId) -> bool {
        let stage = self.requests.get_mut(id).map(|pending| pending.stage);
        matches!(stage, Some(Stage::Sent { generation, .. }) if generation == self.generation)
    }

    pub(super) fn finish(&mut self, id: RequestId, outcome: Result<Reply, Failure>) {
        if self.requests.remove(id).is_some_and(|pending| !pending.silent) {
            self.events.push_back(Event::Finished { request: id, outcome });
        }
    }
}

fn with_tokens(wish: &Wish, tokens: Option<&TokenPair>) -> Option<Request> {
    Some(match wish {
        Wish::Link => Request::Link(LinkRequest::RequestLink),
        Wish::ValidateToken => Request::Link(LinkRequest::ValidateToken(tokens?.clone())),
        Wish::RenewToken => {
            let refresh_token = tokens?.refresh_token.clone();
            Request::Link(LinkRequest::RenewToken(RenewToken { refresh_token }))
        }
        Wish::Call(call) => {
            let access_token = tokens?.access_token.clone();
            Request::Call(AuthorizedCall { call: call.clone(), access_token })
        }
    })
}
