//! The recorded messages. The files are plain JSON, so that other languages can run them too.

use iframe_messages::{Body, Decoded, HostMessage, IframeMessage, Limits, Message, ReplyKind, RequestKind};
use serde::Serialize;
use serde_json::Value;

const REQUESTS: &str = include_str!("../vectors/requests.json");
const REPLIES: &str = include_str!("../vectors/replies.json");
const REFUSED: &str = include_str!("../vectors/refused.json");
const IGNORED: &str = include_str!("../vectors/ignored.json");

fn vectors(text: &str) -> Vec<Value> {
    serde_json::from_str(text).unwrap()
}

fn read<B: Body + Clone>(json: &[u8]) -> Message<B> {
    match Message::decode(json, Limits::default()) {
        Decoded::Message(message) => message,
        Decoded::Malformed(malformed) => panic!("{}: {}", malformed.tag, malformed.error),
        Decoded::NotOurs => panic!("not ours: {}", String::from_utf8_lossy(json)),
    }
}

/// Each vector is read whatever the order of its fields, and written as recorded; what is written reads as the same again.
fn hold<B: Body + Clone + Serialize + PartialEq + std::fmt::Debug>(text: &str) -> Vec<Message<B>> {
    let mut messages = Vec::new();
    for vector in vectors(text) {
        let (name, wire) = (&vector["name"], &vector["wire"]);
        let message: Message<B> = read(&serde_json::to_vec(wire).unwrap());
        let mut reversed: Vec<_> = wire.as_object().unwrap().iter().collect();
        reversed.reverse();
        let fields = reversed.iter().map(|(key, value)| format!("{}:{value}", Value::from(key.as_str())));
        let reversed = format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
        assert_eq!(read::<B>(reversed.as_bytes()), message, "{name}");
        let written = message.encode();
        assert!(written.starts_with(br#"{"type":""#), "{name}: type comes first");
        let expected = vector.get("written").unwrap_or(wire);
        assert_eq!(&serde_json::from_slice::<Value>(&written).unwrap(), expected, "{name}");
        assert_eq!(read::<B>(&written), message, "{name}");
        messages.push(message);
    }
    messages
}

#[test]
fn every_request_is_read_and_written_as_recorded() {
    let messages: Vec<HostMessage> = hold(REQUESTS);
    for kind in RequestKind::ALL {
        assert!(messages.iter().any(|message| message.body.kind() == kind), "{kind:?} has no vector");
    }
}

#[test]
fn every_reply_is_read_and_written_as_recorded() {
    let messages: Vec<IframeMessage> = hold(REPLIES);
    for kind in ReplyKind::ALL {
        assert!(messages.iter().any(|message| message.body.kind() == kind), "{kind:?} has no vector");
    }
}

/// The texts of the file as they stand there: `type` comes first in most of them.
#[test]
fn the_files_are_read_byte_by_byte_as_they_are() {
    for (text, requests) in [(REQUESTS, true), (REPLIES, false)] {
        let mut count = 0;
        for line in text.lines().filter(|line| line.contains("\"wire\": ")) {
            let wire = line.split_once("\"wire\": ").unwrap().1.trim_end_matches(',');
            let mut parsed = serde_json::Deserializer::from_str(wire).into_iter::<Value>();
            parsed.next().unwrap().unwrap();
            let wire = &wire.as_bytes()[..parsed.byte_offset()];
            if requests {
                read::<iframe_messages::Request>(wire);
            } else {
                read::<iframe_messages::Reply>(wire);
            }
            count += 1;
        }
        assert_eq!(count, vectors(text).len());
    }
}

#[test]
fn what_is_malformed_is_answered_with_its_id_and_without_its_values() {
    for vector in vectors(REFUSED) {
        let name = &vector["name"];
        let wire = serde_json::to_vec(&vector["wire"]).unwrap();
        let Decoded::Malformed(malformed) = HostMessage::decode(&wire, Limits::default()) else {
            panic!("{name}: not refused");
        };
        assert_eq!(malformed.refusal().to_string(), vector["error"], "{name}");
        assert_eq!(
            malformed.message_id.as_ref().map(|id| id.as_str()),
            vector["messageId"].as_str(),
            "{name}"
        );
    }
}

#[test]
fn what_is_not_ours_is_ignored_in_both_directions() {
    for vector in vectors(IGNORED) {
        let wire = serde_json::to_vec(&vector["wire"]).unwrap();
        assert_eq!(HostMessage::decode(&wire, Limits::default()), Decoded::NotOurs, "{}", vector["name"]);
        assert_eq!(IframeMessage::decode(&wire, Limits::default()), Decoded::NotOurs, "{}", vector["name"]);
    }
}

#[test]
fn a_reply_is_no_request_and_a_request_no_reply() {
    let link = br#"{"type":"REQUEST_LINK"}"#;
    assert_eq!(IframeMessage::decode(link, Limits::default()), Decoded::NotOurs);
    assert_eq!(HostMessage::decode(br#"{"type":"LISTENING"}"#, Limits::default()), Decoded::NotOurs);
    // A tag that both directions have: the fields differ, and so do the types.
    let pairing = br#"{"type":"GET_PAIRING_ID","userPairingId":"p"}"#;
    assert!(matches!(IframeMessage::decode(pairing, Limits::default()), Decoded::Message(_)));
    assert!(matches!(HostMessage::decode(pairing, Limits::default()), Decoded::Malformed(_)));
}

#[test]
fn fields_that_occur_twice_are_refused() {
    for (json, error) in [
        (r#"{"type":"REQUEST_LINK","type":"REQUEST_LINK"}"#, "type: duplicate field"),
        (r#"{"a":1,"type":"REQUEST_LINK","type":"RENEW_TOKEN"}"#, "type: duplicate field"),
        (r#"{"type":"REQUEST_LINK","messageId":"1","messageId":"2"}"#, "messageId: duplicate field"),
        (r#"{"type":"GET_PROCESSES","accessToken":"a","accessToken":"b"}"#, "accessToken: duplicate field"),
        (r#"{"type":"RENEW_TOKEN","refreshToken":"a","refreshToken":"b"}"#, "refreshToken: duplicate field"),
        (r#"{"type":"CREATE_PROCESS","processData":{"a":1,"a":2}}"#, "processData: expected each key once"),
    ] {
        let Decoded::Malformed(malformed) = HostMessage::decode(json.as_bytes(), Limits::default()) else {
            panic!("{json}");
        };
        assert_eq!(malformed.error.to_string(), error);
    }
}
