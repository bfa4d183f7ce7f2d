//! A host, and what an iframe says to it.

use iframe_messages::client::{Client, ClientConfig, Event, Failure, RequestId};
use iframe_messages::reply::ValueHashed;
use iframe_messages::request::{FileBlob, HashValue};
use iframe_messages::token::{AccessToken, RefreshToken, TokenPair};
use iframe_messages::{
    Bytes, Call, HostMessage, IframeMessage, MessageId, Moment, Refusal, Reply, Request, Sender, WindowId,
};

pub(crate) const WALLET: &str = "https://wallet.example.org";
pub(crate) const FRAME: WindowId = WindowId(7);

pub(crate) fn config() -> ClientConfig {
    ClientConfig::new(WALLET.parse().unwrap(), FRAME, &MessageId::new("h-").unwrap())
}

pub(crate) fn pair(number: u64) -> TokenPair {
    TokenPair {
        access_token: AccessToken::new(format!("access-{number}")).unwrap(),
        refresh_token: RefreshToken::new(format!("refresh-{number}")).unwrap(),
    }
}

/// A call that can be told from the others by its label.
pub(crate) fn hash(label: &str) -> Call {
    let file_blob = FileBlob { kind: String::new(), data: Bytes::default() };
    Call::HashValue(HashValue { commited_in: String::new(), label: label.to_owned(), file_blob })
}

/// The answer that belongs to it.
pub(crate) fn hashed(label: &str) -> Reply {
    Reply::ValueHashed(ValueHashed { hash: label.to_owned() })
}

pub(crate) fn label(message: &HostMessage) -> Option<String> {
    match &message.body {
        Request::Call(authorized) => match &authorized.call {
            Call::HashValue(value) => Some(value.label.clone()),
            _ => None,
        },
        Request::Link(_) => None,
    }
}

pub(crate) fn error(refusal: Refusal) -> Reply {
    Reply::from(refusal)
}

/// The client with the iframe's voice in its ear.
pub(crate) struct Host {
    pub(crate) client: Client,
    pub(crate) now: Moment,
}

impl Host {
    pub(crate) fn new(config: ClientConfig) -> Self {
        Self { client: Client::new(config), now: Moment::default() }
    }

    /// One whose iframe is there and that has the tokens of that number.
    pub(crate) fn linked(number: u64) -> Self {
        let mut host = Self::new(config());
        host.client.resume(pair(number));
        host.hear(Reply::Listening, None);
        assert_eq!(host.events(), [Event::Listening]);
        host
    }

    pub(crate) fn hear(&mut self, body: Reply, message_id: Option<MessageId>) {
        self.hear_bytes(&IframeMessage { body, message_id }.encode());
    }

    pub(crate) fn hear_bytes(&mut self, bytes: &[u8]) {
        self.client.handle(Sender { origin: WALLET, window: FRAME }, bytes, self.now);
    }

    pub(crate) fn sent(&mut self) -> Vec<HostMessage> {
        let outputs = std::iter::from_fn(|| self.client.poll_output());
        outputs
            .map(|output| {
                assert_eq!(output.target_origin.as_str(), WALLET, "one exact origin");
                output.message
            })
            .collect()
    }

    pub(crate) fn one_sent(&mut self) -> HostMessage {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{sent:?}");
        sent.remove(0)
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.client.poll_event()).collect()
    }

    /// The requests that ended since the last time.
    pub(crate) fn finished(&mut self) -> Vec<(RequestId, Result<Reply, Failure>)> {
        let finished = |event| match event {
            Event::Finished { request, outcome } => Some((request, outcome)),
            _ => None,
        };
        self.events().into_iter().filter_map(finished).collect()
    }

    pub(crate) fn wait_until(&mut self, millis: u64) {
        self.now = Moment::from_millis(millis);
        self.client.handle_timeout(self.now);
    }
}
