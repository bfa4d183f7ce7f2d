//! What does a message cost beside parsing the same JSON, and a Merkle proof beside its bare hashes?
//!
//! The messages are the recorded requests, one with a document of 64 kB, and one with 200 attributes. Each is decoded and told apart by its kind;
//! beside it stands `serde_json::Value`, which checks nothing. The tree of 10,000 attributes is made and an attribute proved; beside it
//! stand as many SHA-256 over as many bytes. Both are measured in turns within one run, and the ratio of their best times is printed.
#![allow(missing_docs, clippy::expect_used, clippy::indexing_slicing, reason = "a bench may stop")]

use iframe_messages::server::{Decision, Lifetimes, Server, ServerConfig, SigningKey, TokenAuthority};
use iframe_messages::wallet::{Digest, MerkleProof, ProcessState, Tree, document_hash};
use iframe_messages::{
    Bytes, Decoded, HostMessage, Limits, Moment, Record, Reply, Sender, StateId, WindowId,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

const VECTORS: &str = include_str!("../crates/iframe-messages/tests/vectors/requests.json");

/// Best times of two ways of doing something, measured in turns.
fn race(rounds: usize, mut one: impl FnMut(), mut other: impl FnMut()) -> (Duration, Duration) {
    let mut best = (Duration::MAX, Duration::MAX);
    for _ in 0..rounds {
        let start = Instant::now();
        one();
        let middle = Instant::now();
        other();
        best.0 = best.0.min(middle - start);
        best.1 = best.1.min(middle.elapsed());
    }
    best
}

fn decode_all(messages: &[Vec<u8>]) {
    for message in messages {
        let Decoded::Message(message) = HostMessage::decode(black_box(message), Limits::default()) else {
            unreachable!("recorded messages are messages");
        };
        black_box(message.body.kind());
        black_box(message);
    }
}

fn parse_all(messages: &[Vec<u8>]) {
    for message in messages {
        black_box(serde_json::from_slice::<Value>(black_box(message)).expect("JSON"));
    }
}

fn recorded(of_a_known_host: bool) -> Vec<Vec<u8>> {
    let vectors: Vec<Value> = serde_json::from_str(VECTORS).expect("JSON");
    let name = |vector: &Value| vector["name"].as_str().unwrap_or_default().to_owned();
    let chosen = vectors.iter().filter(|vector| name(vector).ends_with("of a known host") == of_a_known_host);
    chosen.map(|vector| as_pages_write_it(&vector["wire"])).collect()
}

/// `type` first, as object literals in pages have it.
fn as_pages_write_it(wire: &Value) -> Vec<u8> {
    let tag = &wire["type"];
    let mut fields = wire.as_object().expect("an object").clone();
    fields.remove("type");
    let rest = serde_json::to_string(&fields).expect("JSON");
    let rest = rest.trim_start_matches('{');
    format!("{{\"type\":{tag}{}{rest}", if fields.is_empty() { "" } else { "," }).into_bytes()
}

fn large() -> (Vec<u8>, Vec<u8>) {
    let bytes: Vec<u8> = (0..=255).cycle().take(64 << 10).collect();
    let document = json!({
        "type": "HASH_VALUE", "accessToken": "a", "commitedIn": "c", "label": "l",
        "fileBlob": {"type": "application/pdf", "data": bytes},
    });
    let attribute = |n: i32| {
        (format!("attribute {n}"), json!({"text": "some words", "number": n, "list": [1, true, null]}))
    };
    let attributes: serde_json::Map<_, _> = (0..200).map(attribute).collect();
    let process = json!({
        "type": "CREATE_PROCESS", "accessToken": "a", "processData": attributes, "privateFields": [], "roles": {},
    });
    (as_pages_write_it(&document), as_pages_write_it(&process))
}

fn messages(rounds: usize) {
    let (document, process) = large();
    for (name, messages, repeat) in [
        ("recorded requests", recorded(false), 20),
        ("requests of a known host", recorded(true), 20),
        ("a document of 64 kB", vec![document], 1),
        ("200 attributes", vec![process], 3),
    ] {
        let (ours, theirs) = race(
            rounds,
            || (0..repeat).for_each(|_| decode_all(&messages)),
            || (0..repeat).for_each(|_| parse_all(&messages)),
        );
        let count = u32::try_from(messages.len() * repeat).expect("few");
        let rate = f64::from(count) / ours.as_secs_f64();
        let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
        println!("{name}: {ratio:.3} of serde_json::Value's time, {rate:.0} messages/s");
    }
}

/// A whole answer: origin, window, reading, id, signature of the token, job and reply.
fn served(rounds: usize) {
    let now = Moment::default();
    let host = "https://host.example.org";
    let authority = TokenAuthority::new(SigningKey::from_bytes([1; 32]), Lifetimes::default());
    let config = ServerConfig::new(WindowId(1), [host.parse().expect("an origin")]);
    let mut server = Server::new(config, authority, now);
    let sender = Sender { origin: host, window: WindowId(1) };
    server.handle(sender, &b"{\"type\":\"REQUEST_LINK\"}"[..], now);
    let consent = server.poll_consent().expect("asked");
    server.decide(consent.ticket, Decision::Granted, [3; 32], now);
    let outputs: Vec<_> = std::iter::from_fn(|| server.poll_output()).collect();
    let Some(Reply::LinkAccepted(pair)) = outputs.last().map(|output| &output.message.body) else {
        unreachable!("linked");
    };
    let token = pair.access_token.expose();
    let message = format!(
        "{{\"type\":\"NOTIFY_UPDATE\",\"processId\":\"{0}\",\"stateId\":\"{0}\",\"accessToken\":\"{token}\"}}",
        "ab".repeat(32)
    );
    let serve = || {
        for _ in 0..100 {
            server.handle(sender, black_box(message.as_bytes()), now);
            let job = server.poll_job().expect("a job");
            server.complete(job.ticket, Ok(Reply::UpdateNotified));
            black_box(server.poll_output());
        }
    };
    let (ours, _) = race(rounds, serve, || {});
    println!("served, with the token's signature: {:.0} messages/s", 100.0 / ours.as_secs_f64());
}

fn state(attributes: usize) -> ProcessState {
    let commited_in = Digest::from_bytes([1; 32]);
    let commitment = commited_in.to_string();
    let leaf = |n: usize| {
        let name = format!("attribute {n}");
        let document = iframe_messages::request::FileBlob { kind: "t".into(), data: Bytes::default() };
        let hash = document_hash(&commitment, &name, &document);
        (name, hash)
    };
    let mut state = ProcessState {
        state_id: StateId::from_bytes([0; 32]),
        previous_state_id: None,
        commited_in,
        public_data: Record::default(),
        private_fields: Vec::new(),
        commitments: (0..attributes).map(leaf).collect(),
        roles: BTreeMap::new(),
        validations: Vec::new(),
        is_committed: true,
    };
    state.state_id = Tree::of(&state).root();
    state
}

/// As many SHA-256 over as many bytes as a node takes: domain, two hashes, three lengths.
fn bare_hashes(count: usize) {
    let node = [7_u8; 8 + 22 + 8 + 32 + 8 + 32];
    for _ in 0..count {
        black_box(Sha256::digest(black_box(node)));
    }
}

fn proofs(rounds: usize) {
    let attributes = 10_000;
    let state = state(attributes);
    let name = "attribute 7777";
    let prove = || -> Option<MerkleProof> { Tree::of(black_box(&state)).prove(&state, name) };
    // 10,001 leaves have as many nodes above them, less one for the pairs, and a root and a header.
    let (ours, bare) = race(rounds, || drop(black_box(prove())), || bare_hashes(attributes + 2));
    println!(
        "a proof over {attributes} attributes: {:.3} of its bare hashes' time, {ours:.2?}",
        ours.as_secs_f64() / bare.as_secs_f64()
    );
    let proof = prove().expect("an attribute");
    let hash = state.commitments[name];
    assert!(proof.holds_for(&hash));
    let hashes = proof.siblings.len() + 1;
    let verify = || (0..100).for_each(|_| assert!(black_box(&proof).holds_for(&hash)));
    let (ours, bare) = race(rounds, verify, || (0..100).for_each(|_| bare_hashes(hashes)));
    println!(
        "verifying one: {:.3} of its {hashes} bare hashes' time",
        ours.as_secs_f64() / bare.as_secs_f64()
    );
}

fn main() {
    let rounds = if std::env::args().any(|argument| argument == "--test") { 2 } else { 500 };
    messages(rounds);
    served(rounds);
    proofs(rounds);
}
