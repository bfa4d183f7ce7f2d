//! Threat I3, and what a hostile page can make of a message.

use iframe_messages::{Decoded, HostMessage, Json, Limits, Record, RefusedValue};
use serde_json::{Value, json};

fn create_process(data: &str) -> Vec<u8> {
    format!(
        r#"{{"type":"CREATE_PROCESS","accessToken":"a","privateFields":[],"roles":{{}},"messageId":"m","processData":{data}}}"#
    )
    .into_bytes()
}

fn error(json: &[u8], limits: Limits) -> String {
    match HostMessage::decode(json, limits) {
        Decoded::Malformed(malformed) => {
            assert_eq!(malformed.message_id.unwrap().as_str(), "m");
            malformed.error.to_string()
        }
        other => panic!("{other:?}"),
    }
}

fn is_read(json: &[u8]) -> bool {
    matches!(HostMessage::decode(json, Limits::default()), Decoded::Message(_))
}

#[test]
fn i3_depth_is_64_and_not_more() {
    let objects = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    assert!(is_read(&create_process(&objects(64))));
    let refused = "processData: expected at most 64 levels of objects and lists";
    assert_eq!(error(&create_process(&objects(65)), Limits::default()), refused);
    // Far more than a stack could hold.
    assert_eq!(error(&create_process(&objects(100_000)), Limits::default()), refused);
    // In a field that nobody reads, depth costs nothing.
    let deep = format!(r#"{{"type":"REQUEST_LINK","x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(is_read(deep.as_bytes()));
}

#[test]
fn i3_a_mebibyte_is_the_most() {
    let fill = Limits::MAX_MESSAGE_BYTES - create_process(r#"{"a":""}"#).len();
    let message = |bytes: usize| create_process(&format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes)));
    assert!(is_read(&message(fill)));
    assert_eq!(error(&message(fill + 1), Limits::default()), "expected at most 1048576 bytes");
    let lower = Limits::default().with_max_message_bytes(100);
    assert_eq!(error(&message(0), lower), "expected at most 100 bytes");
    let higher = Limits::default().with_max_message_bytes(usize::MAX);
    assert_eq!(higher, Limits::default());
}

#[test]
fn i3_a_key_that_changes_a_prototype_is_refused_however_it_is_written() {
    for key in [r"__proto__", r"\u005f_proto__", r"constructor", r"c\u006fnstructor", r"prototype"] {
        for data in [
            format!(r#"{{"{key}":{{"polluted":1}}}}"#),
            format!(r#"{{"a":[1,{{"b":{{"{key}":null}}}}]}}"#),
            format!(r#"{{"a":1,"{key}":{{"{key}":1}}}}"#),
        ] {
            let refused = "processData: expected no key __proto__, constructor or prototype";
            assert_eq!(error(&create_process(&data), Limits::default()), refused, "{data}");
        }
    }
}

#[test]
fn i3_values_made_here_are_checked_alike() {
    let object = |value: Value| Record::new(value.as_object().unwrap().clone()).map(|_| ());
    assert_eq!(object(json!({"a": {"__proto__": 1}})), Err(RefusedValue::Key));
    assert_eq!(object(json!({"a": {"b": 1}})), Ok(()));
    let nested = |depth: usize| (0..depth).fold(json!(1), |value, _| json!([value]));
    assert!(Json::new(nested(64)).is_ok());
    assert_eq!(Json::new(nested(65)), Err(RefusedValue::TooDeep));
}

/// An error goes to logs and to the other page: nothing of a value may be in it.
#[test]
fn errors_never_repeat_a_value() {
    let canary = "canary, expected canary";
    for field in ["processId", "newData", "privateFields", "roles", "accessToken", "messageId"] {
        let mut message = json!({
            "type": "UPDATE_PROCESS", "processId": "0".repeat(64), "newData": {}, "privateFields": [], "roles": null,
            "accessToken": "a"
        });
        for wrong in
            [json!(canary), json!({ canary: canary }), json!([canary]), json!(7.5), json!([[canary]])]
        {
            message[field] = wrong;
            match HostMessage::decode(&serde_json::to_vec(&message).unwrap(), Limits::default()) {
                Decoded::Malformed(malformed) => {
                    assert!(!malformed.refusal().to_string().contains("canary"), "{}", malformed.error);
                    assert!(!malformed.error.to_string().contains("7.5"));
                }
                Decoded::Message(message) => {
                    assert!(
                        ["newData", "roles", "privateFields", "accessToken", "messageId"].contains(&field)
                    );
                    assert!(!format!("{:?}", message.body).contains(canary) || field == "privateFields");
                }
                Decoded::NotOurs => panic!("{field}"),
            }
        }
    }
}
