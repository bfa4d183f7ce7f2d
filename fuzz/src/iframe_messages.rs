//! Properties of `iframe-messages`. An input is what one window posts, a line each.

use std::collections::BTreeSet;

use iframe_messages::client::{Client, ClientConfig, Event};
use iframe_messages::request::{FileBlob, HashValue};
use iframe_messages::server::{
    Decision, Lifetimes, Processes, Server, ServerConfig, SigningKey, TokenAuthority,
};
use iframe_messages::token::{AccessToken, RefreshToken, TokenPair};
use iframe_messages::wallet::{Wallet, WalletKey};
use iframe_messages::{
    Body, Bytes, Call, Decoded, Limits, Message, MessageId, Moment, Origin, Reply, Sender, WindowId,
};

const HOST: &str = "https://host.example.org";
const WALLET: &str = "https://wallet.example.org";
const WINDOW: WindowId = WindowId(1);

fn origin(text: &str) -> Origin {
    text.parse().expect("an origin")
}

/// What is read is written so that the same is read again.
fn survives<B: Body + serde::Serialize + PartialEq + std::fmt::Debug>(data: &[u8]) {
    if let Decoded::Message(message) = Message::<B>::decode(data, Limits::default()) {
        let written = message.encode();
        assert_eq!(Message::<B>::decode(&written, Limits::default()), Decoded::Message(message));
    }
}

/// A host that waits for answers hears anything: each request ends once, tokens come from answers to requests for them only, and in the end
/// nothing hangs (threat I4).
pub fn host(data: &[u8]) {
    let prefix = MessageId::new("h-").expect("a prefix");
    let mut client = Client::new(ClientConfig::new(origin(WALLET), WINDOW, &prefix));
    let token = |text: &str| (AccessToken::new(text).expect("one"), RefreshToken::new(text).expect("one"));
    let (access_token, refresh_token) = token("fuzz");
    client.resume(TokenPair { access_token, refresh_token });
    let sender = Sender { origin: WALLET, window: WINDOW };
    client.handle(sender, &b"{\"type\":\"LISTENING\"}"[..], Moment::default());
    let document = FileBlob { kind: String::new(), data: Bytes::default() };
    let hash = HashValue { commited_in: String::new(), label: String::new(), file_blob: document };
    let mut live = BTreeSet::new();
    for call in [Call::HashValue(hash), Call::GetProcesses, Call::CreatePairing] {
        live.insert(client.call(call, Moment::default()).expect("linked"));
    }
    live.insert(client.renew_token(Moment::default()).expect("linked"));
    let asked = live.len();
    let mut ended = 0;
    for line in data.split(|byte| *byte == b'\n') {
        survives::<Reply>(line);
        let tokens = client.tokens().cloned();
        client.handle(sender, line, Moment::default());
        let stranger = Sender { origin: HOST, window: WINDOW };
        client.handle(stranger, line, Moment::default());
        let mut changed = false;
        while let Some(event) = client.poll_event() {
            match event {
                Event::Finished { request, .. } => {
                    assert!(live.remove(&request), "ended once");
                    ended += 1;
                }
                Event::TokensChanged => changed = true,
                _ => {}
            }
        }
        assert!(changed || client.tokens().cloned() == tokens, "tokens change with an event");
    }
    for hours in 1..4 {
        client.handle_timeout(Moment::from_millis(hours * 3_600_000));
    }
    while let Some(event) = client.poll_event() {
        if let Event::Finished { request, .. } = event {
            assert!(live.remove(&request), "ended once");
            ended += 1;
        }
    }
    assert_eq!((live.len(), ended, client.poll_timeout()), (0, asked, None), "nothing hangs");
}

/// An iframe with a wallet hears anything: `$ACCESS` and `$REFRESH` stand for the tokens. Each message has one answer at most and the host alone
/// gets it; without a token nothing changes (threat I2), and no key that changes a prototype gets in (threat I3).
pub fn server(data: &[u8]) {
    let now = Moment::default();
    let authority = TokenAuthority::new(SigningKey::from_bytes([1; 32]), Lifetimes::default());
    let mut server = Server::new(ServerConfig::new(WINDOW, [origin(HOST)]), authority, now);
    let mut wallet = Wallet::new(WalletKey::from_bytes([2; 32]));
    let sender = Sender { origin: HOST, window: WINDOW };
    server.handle(sender, &b"{\"type\":\"REQUEST_LINK\"}"[..], now);
    let consent = server.poll_consent().expect("asked");
    server.decide(consent.ticket, Decision::Granted, [3; 32], now);
    let outputs = std::iter::from_fn(|| server.poll_output()).collect::<Vec<_>>();
    let Some(Reply::LinkAccepted(pair)) = outputs.last().map(|output| output.message.body.clone()) else {
        panic!("linked");
    };
    let mut random = 0_u64;
    for line in data.split(|byte| *byte == b'\n').take(64) {
        survives::<iframe_messages::Request>(line);
        let text = String::from_utf8_lossy(line);
        let linked = text.contains("$ACCESS");
        let text = text.replace("$ACCESS", pair.access_token.expose());
        let text = text.replace("$REFRESH", pair.refresh_token.expose());
        let before = (!linked).then(|| wallet.processes());
        server.handle(Sender { origin: WALLET, window: WINDOW }, text.as_bytes(), now);
        server.handle(Sender { origin: HOST, window: WindowId(9) }, text.as_bytes(), now);
        assert!(server.poll_output().is_none(), "strangers hear nothing");
        server.handle(sender, text.as_bytes(), now);
        let next = || {
            random += 1;
            let mut bytes = [0; 32];
            bytes[..8].copy_from_slice(&random.to_be_bytes());
            bytes
        };
        server.serve(&mut wallet, next, now);
        let outputs = std::iter::from_fn(|| server.poll_output()).collect::<Vec<_>>();
        assert!(outputs.len() <= 1, "one answer");
        assert!(outputs.iter().all(|output| output.target_origin.as_str() == HOST));
        if let Some(before) = before {
            assert_eq!(wallet.processes(), before, "nothing changes without a token");
        }
    }
    let processes = serde_json::to_value(wallet.processes().expect("can be listed")).expect("JSON");
    assert!(is_clean(&processes));
    let saved = wallet.save([4; 32]);
    let opened = Wallet::open(WalletKey::from_bytes([2; 32]), &saved).expect("its own key");
    assert_eq!(opened.processes(), wallet.processes());
}

fn is_clean(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Array(list) => list.iter().all(is_clean),
        serde_json::Value::Object(map) => map.iter().all(|(key, value)| {
            !["__proto__", "constructor", "prototype"].contains(&key.as_str()) && is_clean(value)
        }),
        _ => true,
    }
}
