use std::collections::VecDeque;

use super::config::ServerConfig;
use super::job::{Consent, Counters, Decision, Job, Output, Ticket};
use super::listening::Announcer;
use super::roles::{Backend, Context, Link, answer};
use super::table::{Table, UsedIds, Waiting};
use crate::posted::{Posted, Sender};
use crate::reply::TokenValidated;
use crate::{
    Decoded, HostMessage, IframeMessage, LinkRequest, MessageId, Moment, Origin, Refusal, Reply, Request,
    RequestKind,
};

/// The iframe's side. See the page of its module.
#[derive(Debug)]
pub struct Server<L> {
    config: ServerConfig,
    link: L,
    announcer: Announcer,
    table: Table,
    used: UsedIds,
    consents: VecDeque<Consent>,
    jobs: VecDeque<Job>,
    outputs: VecDeque<Output>,
    counters: Counters,
}

impl<L: Link> Server<L> {
    /// Begins to listen, and will say so.
    #[must_use]
    pub fn new(config: ServerConfig, link: L, now: Moment) -> Self {
        let announcer = Announcer::new(config.announce, now);
        let mut server = Self {
            config,
            link,
            announcer,
            table: Table::default(),
            used: UsedIds::default(),
            consents: VecDeque::new(),
            jobs: VecDeque::new(),
            outputs: VecDeque::new(),
            counters: Counters::default(),
        };
        server.handle_timeout(now);
        server
    }

    /// The tokens' maker.
    #[must_use]
    pub const fn link(&self) -> &L {
        &self.link
    }

    /// What was not served so far.
    #[must_use]
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// Takes what the window received.
    pub fn handle<P: Posted + ?Sized>(&mut self, sender: Sender<'_>, posted: &P, now: Moment) {
        let Some(origin) = self.config.admit(sender) else {
            self.counters.strangers += 1;
            return;
        };
        match posted.decode::<Request>(self.config.limits) {
            Decoded::NotOurs => self.counters.not_ours += 1,
            Decoded::Malformed(malformed) => {
                self.announcer.stop();
                self.counters.malformed += 1;
                let refusal = malformed.refusal();
                self.reply(origin, malformed.message_id, refusal.into());
            }
            Decoded::Message(message) => {
                self.announcer.stop();
                self.request(origin, message, now);
            }
        }
    }

    /// The next question to the user.
    pub fn poll_consent(&mut self) -> Option<Consent> {
        self.consents.pop_front()
    }

    /// What the user decided, with random bytes for the tokens. False when nobody waits for it any more.
    pub fn decide(&mut self, ticket: Ticket, decision: Decision, random: [u8; 32], now: Moment) -> bool {
        let asked = self.table.get(ticket).is_some_and(|waiting| waiting.kind == RequestKind::RequestLink);
        let Some(waiting) = asked.then(|| self.table.remove(ticket)).flatten() else { return false };
        let reply = match decision {
            Decision::Granted => Reply::LinkAccepted(self.link.issue(&waiting.origin, random, now)),
            Decision::Denied => Refusal::failed("link", "the user refused").into(),
        };
        self.reply(waiting.origin, waiting.message_id, reply);
        true
    }

    /// The next thing to do.
    pub fn poll_job(&mut self) -> Option<Job> {
        self.jobs.pop_front()
    }

    /// How a job ended. False when nobody waits for it any more, or the answer is not one to its request.
    pub fn complete(&mut self, ticket: Ticket, outcome: Result<Reply, Refusal>) -> bool {
        let reply = outcome.unwrap_or_else(Reply::from);
        let fits = |waiting: &Waiting| {
            waiting.kind.is_call()
                && (waiting.kind.reply() == reply.kind() || matches!(reply, Reply::Error(_)))
        };
        if !self.table.get(ticket).is_some_and(fits) {
            return false;
        }
        let Some(waiting) = self.table.remove(ticket) else { return false };
        self.reply(waiting.origin, waiting.message_id, reply);
        true
    }

    /// Does all that is to be done, with a back end that answers at once.
    pub fn serve<B: Backend>(&mut self, backend: &mut B, mut random: impl FnMut() -> [u8; 32], now: Moment) {
        while let Some(job) = self.poll_job() {
            let context = Context { origin: &job.origin, now, random: random() };
            let outcome = answer(backend, job.call, context);
            self.complete(job.ticket, outcome);
        }
    }

    /// Ends the links of an origin; what it waits for is refused.
    pub fn revoke(&mut self, origin: &Origin) {
        self.link.revoke(origin);
        for ticket in self.table.select(|waiting| waiting.origin == *origin) {
            self.give_up(ticket, Refusal::InvalidToken);
        }
    }

    /// The next message to post.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Server::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Moment> {
        [self.announcer.next(), self.table.next_deadline()].into_iter().flatten().min()
    }

    /// Says `LISTENING` where that is due, and ends what took too long.
    pub fn handle_timeout(&mut self, now: Moment) {
        if self.announcer.is_due(now) {
            // One to each origin instead of one to all: a page that is none of them hears nothing.
            for origin in self.config.allowed.clone() {
                self.reply(origin, None, Reply::Listening);
            }
        }
        for ticket in self.table.select(|waiting| waiting.until <= now) {
            self.give_up(ticket, Refusal::failed("answer", "it took too long"));
        }
    }

    fn request(&mut self, origin: Origin, message: HostMessage, now: Moment) {
        let HostMessage { body, message_id } = message;
        if message_id.as_ref().is_some_and(|id| !self.used.note(&origin, id)) {
            return self.repeated(origin, message_id);
        }
        match body {
            Request::Link(LinkRequest::ValidateToken(pair)) => {
                let is_valid = self.link.allows(&origin, &pair.access_token, now)
                    && self.link.may_renew(&origin, &pair.refresh_token, now);
                let (access_token, refresh_token) = (pair.access_token, pair.refresh_token);
                let validated = TokenValidated { is_valid, access_token, refresh_token };
                self.reply(origin, message_id, Reply::TokenValidated(validated));
            }
            Request::Link(LinkRequest::RenewToken(renew)) => {
                let reply = match self.link.renew(&origin, &renew.refresh_token, now) {
                    Some(pair) => Reply::TokenRenewed(pair),
                    None => self.bad_token(),
                };
                self.reply(origin, message_id, reply);
            }
            Request::Link(LinkRequest::RequestLink) => self.ask(origin, message_id, now),
            Request::Call(authorized) => {
                if !self.link.allows(&origin, &authorized.access_token, now) {
                    let reply = self.bad_token();
                    return self.reply(origin, message_id, reply);
                }
                let kind = authorized.call.kind();
                if let Some(ticket) = self.wait(&origin, message_id, kind, now) {
                    self.jobs.push_back(Job { ticket, origin, call: authorized.call });
                }
            }
        }
    }

    /// Asks the user, one question an origin at a time.
    fn ask(&mut self, origin: Origin, message_id: Option<MessageId>, now: Moment) {
        let asked = |waiting: &Waiting| waiting.kind == RequestKind::RequestLink && waiting.origin == origin;
        if !self.table.select(asked).is_empty() {
            return self.reply(origin, message_id, Refusal::failed("link", "the user is being asked").into());
        }
        if let Some(ticket) = self.wait(&origin, message_id, RequestKind::RequestLink, now) {
            self.consents.push_back(Consent { ticket, origin });
        }
    }

    fn wait(
        &mut self,
        origin: &Origin,
        message_id: Option<MessageId>,
        kind: RequestKind,
        now: Moment,
    ) -> Option<Ticket> {
        if self.table.len() >= self.config.max_pending {
            self.counters.too_many += 1;
            self.reply(origin.clone(), message_id, Refusal::failed("accept request", "too many wait").into());
            return None;
        }
        let until = now.after(self.config.patience);
        Some(self.table.insert(Waiting { origin: origin.clone(), message_id, kind, until }))
    }

    /// One answer for each id: while the first is waited for there is none for the second. Choice: IF-42.
    fn repeated(&mut self, origin: Origin, message_id: Option<MessageId>) {
        self.counters.repeated += 1;
        let same = |waiting: &Waiting| waiting.origin == origin && waiting.message_id == message_id;
        if self.table.select(same).is_empty() {
            let refusal = Refusal::failed("accept request", "its messageId was used before");
            self.reply(origin, message_id, refusal.into());
        }
    }

    fn bad_token(&mut self) -> Reply {
        self.counters.bad_tokens += 1;
        Refusal::InvalidToken.into()
    }

    fn give_up(&mut self, ticket: Ticket, refusal: Refusal) {
        self.jobs.retain(|job| job.ticket != ticket);
        self.consents.retain(|consent| consent.ticket != ticket);
        if let Some(waiting) = self.table.remove(ticket) {
            self.reply(waiting.origin, waiting.message_id, refusal.into());
        }
    }

    fn reply(&mut self, target_origin: Origin, message_id: Option<MessageId>, body: Reply) {
        self.outputs.push_back(Output { target_origin, message: IframeMessage { body, message_id } });
    }
}
