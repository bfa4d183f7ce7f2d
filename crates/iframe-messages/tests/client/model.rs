//! Threat I4: random histories against a peer that knows which answer belongs to which request.

use crate::support::{FRAME, Host, WALLET, config, error, hash, hashed, label, pair};
use iframe_messages::client::{Event, Failure, RequestId};
use iframe_messages::reply::UserPairing;
use iframe_messages::{
    Call, HostMessage, IframeMessage, LinkRequest, MessageId, Moment, PairingId, Refusal, Reply, Request,
    RequestKind, Sender, WindowId,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
    Listening,
    Link,
    Renew,
    Hash,
    Pairing,
    Cancel(usize),
    Wait(u64),
    Answer(usize, Answer),
    /// The last answer once more.
    Replay,
    UnknownId(u64),
    /// An answer of another kind to a request that is pending.
    WrongKind(usize),
    /// A good answer from a bad place.
    Stranger(usize),
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Good,
    Refused,
    Expired,
}

fn step() -> impl Strategy<Value = Step> {
    let answer = prop_oneof![6 => Just(Answer::Good), 1 => Just(Answer::Refused), 2 => Just(Answer::Expired)];
    prop_oneof![
        1 => Just(Step::Listening),
        1 => Just(Step::Link),
        1 => Just(Step::Renew),
        6 => Just(Step::Hash),
        3 => Just(Step::Pairing),
        2 => (0..9_usize).prop_map(Step::Cancel),
        2 => (0..40_000_u64).prop_map(Step::Wait),
        9 => (0..9_usize, answer).prop_map(|(at, answer)| Step::Answer(at, answer)),
        1 => Just(Step::Replay),
        1 => (0..60_u64).prop_map(Step::UnknownId),
        1 => (0..9_usize).prop_map(Step::WrongKind),
        1 => (0..9_usize).prop_map(Step::Stranger),
    ]
}

/// What the test knows.
struct World {
    host: Host,
    /// A peer without ids answers in order, each request, and before time goes on.
    names: bool,
    inbox: Vec<HostMessage>,
    last: Option<Vec<u8>>,
    hashes: BTreeMap<String, RequestId>,
    live: BTreeMap<RequestId, RequestKind>,
    sendings: BTreeMap<String, u32>,
    renewal_until: Option<Moment>,
    granted: u64,
    strangers: u64,
}

impl World {
    fn new(names: bool) -> Self {
        let mut host = Host::new(config());
        host.client.resume(pair(0));
        Self {
            host,
            names,
            inbox: Vec::new(),
            last: None,
            hashes: BTreeMap::new(),
            live: BTreeMap::new(),
            sendings: BTreeMap::new(),
            renewal_until: None,
            granted: 0,
            strangers: 0,
        }
    }

    fn take(&mut self, step: &Step) {
        let now = self.host.now;
        match *step {
            Step::Listening => {
                self.host.hear(Reply::Listening, None);
                // A page that is gone answers nothing.
                self.inbox.clear();
                self.renewal_until = None;
            }
            Step::Link => {
                let id = self.host.client.link(now).unwrap();
                self.live.insert(id, RequestKind::RequestLink);
            }
            Step::Renew => {
                if let Ok(id) = self.host.client.renew_token(now) {
                    self.live.insert(id, RequestKind::RenewToken);
                }
            }
            Step::Hash => {
                let label = self.hashes.len().to_string();
                if let Ok(id) = self.host.client.call(hash(&label), now) {
                    self.live.insert(id, RequestKind::HashValue);
                    self.hashes.insert(label, id);
                }
            }
            Step::Pairing => {
                if let Ok(id) = self.host.client.call(Call::GetPairingId, now) {
                    self.live.insert(id, RequestKind::GetPairingId);
                }
            }
            Step::Cancel(at) => {
                if let Some(id) = self.live.keys().nth(at).copied() {
                    assert!(self.host.client.cancel(id, now), "what is live can be cancelled");
                    assert!(!self.host.client.cancel(id, now), "once");
                    self.live.remove(&id);
                }
            }
            Step::Wait(millis) => {
                while !self.names && !self.inbox.is_empty() {
                    self.answer(0, Answer::Good);
                    self.settle();
                }
                self.host.wait_until(now.as_millis() + millis);
            }
            Step::Answer(at, answer) => self.answer(at, answer),
            Step::Replay => {
                if let Some(last) = self.last.clone().filter(|_| self.names) {
                    let before = self.host.client.counters().unsolicited;
                    self.host.hear_bytes(&last);
                    assert_eq!(self.host.client.counters().unsolicited, before + 1, "an answer counts once");
                }
            }
            Step::UnknownId(number) => {
                let before = self.host.client.counters().unsolicited;
                let id = MessageId::new(format!("x-{number}")).unwrap();
                self.host.hear(hashed("evil"), Some(id));
                assert_eq!(self.host.client.counters().unsolicited, before + 1);
            }
            Step::WrongKind(at) => {
                if let Some(message) = self.inbox.get(at).cloned() {
                    let before = self.host.client.counters().unsolicited;
                    self.host.hear(Reply::UpdateNotified, message.message_id);
                    assert_eq!(self.host.client.counters().unsolicited, before + 1);
                }
            }
            Step::Stranger(at) => self.stranger(at),
        }
    }

    fn stranger(&mut self, at: usize) {
        let Some(message) = self.inbox.get(at).cloned() else { return };
        let bytes = IframeMessage { body: good(&message, 666), message_id: message.message_id }.encode();
        let origin = "https://wallet.example.org:8443";
        self.host.client.handle(Sender { origin, window: FRAME }, &bytes, self.host.now);
        self.host.client.handle(Sender { origin: WALLET, window: WindowId(1) }, &bytes, self.host.now);
        self.strangers += 2;
    }

    fn answer(&mut self, at: usize, answer: Answer) {
        // Without ids, only the order within a type tells.
        let at = if self.names { at } else { 0 };
        if at >= self.inbox.len() {
            return;
        }
        let message = self.inbox.remove(at);
        let kind = message.body.kind();
        if kind == RequestKind::RenewToken {
            self.renewal_until = None;
        }
        let body = match answer {
            Answer::Good => good(&message, self.granted + 1),
            Answer::Refused => error(Refusal::ProcessNotFound),
            Answer::Expired => error(Refusal::InvalidToken),
        };
        self.granted += 1;
        let message_id = message.message_id.filter(|_| self.names);
        let bytes = IframeMessage { body, message_id }.encode();
        self.host.hear_bytes(&bytes);
        self.last = Some(bytes);
    }

    /// What must hold after every step.
    fn settle(&mut self) {
        let now = self.host.now;
        for message in self.host.sent() {
            let tokens = self.host.client.tokens();
            if let Request::Call(call) = &message.body {
                assert_eq!(Some(&call.access_token), tokens.map(|pair| &pair.access_token));
            }
            if let Request::Link(LinkRequest::RenewToken(_)) = &message.body {
                assert!(self.renewal_until.is_none_or(|until| until <= now), "one renewal at a time");
                self.renewal_until = Some(Moment::from_millis(now.as_millis() + 30_000));
            }
            if let Some(label) = label(&message) {
                let sendings = self.sendings.entry(label).or_default();
                *sendings += 1;
                assert!(*sendings <= 2, "once, and once more with a new token");
            }
            self.inbox.push(message);
        }
        for event in self.host.events() {
            let Event::Finished { request, outcome } = event else { continue };
            let Some(kind) = self.live.remove(&request) else {
                panic!("ended twice, or after it was cancelled")
            };
            match outcome {
                Ok(Reply::ValueHashed(hashed)) => {
                    assert_eq!(self.hashes[&hashed.hash], request, "the answer is that of the request");
                }
                Ok(reply) => assert_eq!(reply.kind(), kind.reply()),
                Err(Failure::Malformed(_)) => panic!("nothing malformed was said"),
                Err(_) => {}
            }
        }
        assert_eq!(self.host.client.counters().strangers, self.strangers);
    }
}

fn good(message: &HostMessage, grant: u64) -> Reply {
    match message.body.kind() {
        RequestKind::RequestLink => Reply::LinkAccepted(pair(grant)),
        RequestKind::RenewToken => Reply::TokenRenewed(pair(grant)),
        RequestKind::HashValue => hashed(&label(message).unwrap()),
        _ => Reply::UserPairing(UserPairing { user_pairing_id: PairingId::parse("p").unwrap() }),
    }
}

fn run(steps: &[Step], names: bool) {
    let mut world = World::new(names);
    for step in steps {
        world.take(step);
        world.settle();
    }
    // Then nobody answers any more, and everything ends: a call may wait for a renewal and then for itself.
    for _ in 0..4 {
        let later = world.host.now.as_millis() + 60_000;
        world.host.wait_until(later);
        world.settle();
    }
    assert!(world.live.is_empty(), "these hang: {:?}", world.live);
    assert_eq!(world.host.client.poll_timeout(), None);
}

fn cases() -> u32 {
    std::env::var("IFRAME_MESSAGES_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(2000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn i4_no_history_confuses_answers(steps in proptest::collection::vec(step(), 0..80), names: bool) {
        run(&steps, names);
    }
}
