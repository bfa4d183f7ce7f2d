//! An iframe, and hosts that speak to it.

use iframe_messages::server::{
    Announce, Decision, Job, Lifetimes, Output, Server, ServerConfig, SigningKey, TokenAuthority,
};
use iframe_messages::token::TokenPair;
use iframe_messages::{Moment, Origin, Reply, Sender, WindowId};
use serde_json::{Value, json};

pub(crate) const HOST: &str = "https://host.example.org";
pub(crate) const OTHER: &str = "https://other.example.org";
pub(crate) const PARENT: WindowId = WindowId(1);

pub(crate) fn origin(text: &str) -> Origin {
    text.parse().unwrap()
}

pub(crate) fn authority() -> TokenAuthority {
    TokenAuthority::new(SigningKey::from_bytes([7; 32]), Lifetimes::default())
}

/// The server, with two origins allowed.
pub(crate) struct Frame {
    pub(crate) server: Server<TokenAuthority>,
    pub(crate) now: Moment,
}

impl Frame {
    pub(crate) fn new() -> Self {
        Self::with(ServerConfig::new(PARENT, [origin(HOST), origin(OTHER)]))
    }

    pub(crate) fn with(config: ServerConfig) -> Self {
        let now = Moment::from_millis(1_000_000);
        let mut frame =
            Self { server: Server::new(config.with_announce(Announce::Once), authority(), now), now };
        let announced = frame.outputs();
        assert!(announced.iter().all(|output| output.message.body == Reply::Listening));
        frame
    }

    pub(crate) fn hear_from(&mut self, sender: Sender<'_>, message: &Value) {
        self.server.handle(sender, &serde_json::to_vec(message).unwrap(), self.now);
    }

    pub(crate) fn hear(&mut self, message: &Value) {
        self.hear_from(Sender { origin: HOST, window: PARENT }, message);
    }

    pub(crate) fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.server.poll_output()).collect()
    }

    pub(crate) fn jobs(&mut self) -> Vec<Job> {
        std::iter::from_fn(|| self.server.poll_job()).collect()
    }

    /// The one answer to a message, as JSON, and for whom it is.
    pub(crate) fn ask_from(&mut self, sender: Sender<'_>, message: &Value) -> (String, Value) {
        self.hear_from(sender, message);
        let mut outputs = self.outputs();
        assert_eq!(outputs.len(), 1, "{outputs:?}");
        let output = outputs.remove(0);
        let answer = serde_json::from_slice(&output.message.encode()).unwrap();
        (output.target_origin.as_str().to_owned(), answer)
    }

    pub(crate) fn ask(&mut self, message: &Value) -> Value {
        self.ask_from(Sender { origin: HOST, window: PARENT }, message).1
    }

    /// Links an origin, with the user's consent.
    pub(crate) fn link(&mut self, origin: &str, random: u8) -> TokenPair {
        self.hear_from(Sender { origin, window: PARENT }, &json!({"type": "REQUEST_LINK"}));
        let consent = self.server.poll_consent().unwrap();
        assert_eq!(consent.origin.as_str(), origin);
        assert!(self.server.decide(consent.ticket, Decision::Granted, [random; 32], self.now));
        let output = self.outputs().remove(0);
        assert_eq!(output.target_origin.as_str(), origin);
        match output.message.body {
            Reply::LinkAccepted(pair) => pair,
            other => panic!("{other:?}"),
        }
    }
}

pub(crate) fn call(token: &str, id: &str) -> Value {
    json!({"type": "GET_PROCESSES", "accessToken": token, "messageId": id})
}

pub(crate) fn error(text: &str, id: &str) -> Value {
    json!({"type": "ERROR", "error": text, "messageId": id})
}
