//! Recorded bodies, and what is no check-in.

use checkin_api::{CheckIn, DecodeError, Field, PacketHash, Problem, Timestamp};
use proptest::prelude::*;

/// The document's example without blanks. Source: checkin §3.
pub(crate) const EXAMPLE: &str = r##"{"packet_hash":"A1B2C3D4E5F67890","username":"HOWL","message":"check in","channel":"#meshmonday","timestamp":"2025-03-03T14:30:00-07:00","source_bot":"meshcore-bot"}"##;

/// The document's example as it is printed there.
const EXAMPLE_PRINTED: &str = r##"{
  "packet_hash": "A1B2C3D4E5F67890",
  "username": "HOWL",
  "message": "check in",
  "channel": "#meshmonday",
  "timestamp": "2025-03-03T14:30:00-07:00",
  "source_bot": "meshcore-bot"
}
"##;

fn example() -> CheckIn {
    CheckIn {
        packet_hash: PacketHash::new("A1B2C3D4E5F67890").unwrap(),
        username: "HOWL".into(),
        message: "check in".into(),
        channel: "#meshmonday".into(),
        timestamp: Timestamp::new("2025-03-03T14:30:00-07:00"),
        source_bot: Some("meshcore-bot".into()),
    }
}

fn faults(json: &str) -> Vec<(Field, Problem)> {
    let error = CheckIn::decode(json.as_bytes()).unwrap_err();
    error.fields().iter().map(|fault| (fault.field, fault.problem)).collect()
}

/// The example with one field of another JSON value.
fn with(field: &str, value: &str) -> String {
    let mut object: serde_json::Map<_, _> = serde_json::from_str(EXAMPLE).unwrap();
    object.insert(field.to_owned(), serde_json::from_str(value).unwrap());
    serde_json::to_string(&object).unwrap()
}

#[test]
fn the_documents_example_byte_for_byte_both_ways() {
    assert_eq!(CheckIn::decode(EXAMPLE.as_bytes()).unwrap(), example());
    assert_eq!(CheckIn::decode(EXAMPLE_PRINTED.as_bytes()).unwrap(), example());
    assert_eq!(String::from_utf8(example().encode()).unwrap(), EXAMPLE);
    assert_eq!(serde_json::from_str::<CheckIn>(EXAMPLE_PRINTED).unwrap(), example());
}

#[test]
fn without_a_bot_there_is_no_field_for_it() {
    let alone = CheckIn { source_bot: None, ..example() };
    let json = EXAMPLE.replace(r#","source_bot":"meshcore-bot""#, "");
    assert_eq!(String::from_utf8(alone.encode()).unwrap(), json);
    for without in [json, with("source_bot", "null"), with("source_bot", r#""""#)] {
        assert_eq!(CheckIn::decode(without.as_bytes()).unwrap(), alone);
    }
}

#[test]
fn every_fault_is_named_at_once_in_the_documents_order() {
    use Field::{Channel, Message, PacketHash, SourceBot, Timestamp, Username};
    use Problem::{ControlCharacter, Empty, Missing, NotText, TooLong, Twice};
    assert_eq!(
        faults("{}"),
        [PacketHash, Username, Message, Channel, Timestamp].map(|field| (field, Missing))
    );
    assert_eq!(
        faults(
            r#"{"source_bot":1,"timestamp":null,"channel":"","message":[],"username":{"a":1},"packet_hash":"a\nb"}"#
        ),
        [
            (PacketHash, ControlCharacter),
            (Username, NotText),
            (Message, NotText),
            (Channel, Empty),
            (Timestamp, Missing),
            (SourceBot, NotText),
        ]
    );
    assert_eq!(faults(&with("packet_hash", &format!("\"{}\"", "A".repeat(257)))), [(PacketHash, TooLong)]);
    assert_eq!(faults(&with("packet_hash", r#""""#)), [(PacketHash, Empty)]);
    assert_eq!(faults(&EXAMPLE.replacen('{', r#"{"username":"OTHER","#, 1)), [(Username, Twice)]);
}

#[test]
fn an_empty_message_and_a_time_that_is_none_are_check_ins() {
    let odd = CheckIn::decode(with("message", r#""""#).as_bytes()).unwrap();
    assert_eq!(odd.message, "");
    for text in ["", "yesterday", "1741012200"] {
        let odd = CheckIn::decode(with("timestamp", &format!("{text:?}")).as_bytes()).unwrap();
        assert_eq!((odd.timestamp.as_str(), odd.timestamp.instant()), (text, None));
    }
}

#[test]
fn unknown_fields_pass_whatever_they_hold() {
    for value in
        ["null", "true", "1e400", r#""x""#, r#"{"username":"OTHER","packet_hash":[]}"#, r#"[[{}],"\ud800"]"#]
    {
        let json = EXAMPLE.replacen('{', &format!(r#"{{"snr":{value},"#), 1);
        assert_eq!(CheckIn::decode(json.as_bytes()).unwrap(), example(), "{value}");
    }
    let json = EXAMPLE.replacen('{', r#"{"\ud800":1,"#, 1);
    assert_eq!(CheckIn::decode(json.as_bytes()).unwrap(), example());
}

#[test]
fn texts_keep_what_json_can_hold_and_halves_of_characters_are_replaced() {
    let json = EXAMPLE.replace("HOWL", r"\u0000\ud83d\udc3a\n é").replace("check in", r"a\udcffb\ud800");
    let check_in = CheckIn::decode(json.as_bytes()).unwrap();
    assert_eq!(check_in.username, "\0🐺\n é");
    assert_eq!(check_in.message, "a\u{fffd}b\u{fffd}");
}

#[test]
fn what_is_no_json_object_is_refused_with_its_place() {
    for (json, reason) in [
        (&b""[..], "the JSON ends early, line 1, column 0"),
        (b"{", "the JSON ends early, line 1, column 1"),
        (b"[]", "a JSON object is expected, line 1, column 0"),
        (b"\"x\"", "a JSON object is expected, line 1, column 3"),
        (b"null", "a JSON object is expected, line 1, column 4"),
        (b"{}\n{}", "not JSON, line 2, column 1"),
        (b"username=HOWL", "not JSON, line 1, column 1"),
        (b"{\"a\":\"\xff\"}", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON, line 1, column 1"),
    ] {
        let error = CheckIn::decode(json).unwrap_err();
        assert!(matches!(error, DecodeError::Json { .. }), "{error:?}");
        assert_eq!(error.to_string(), reason, "{}", String::from_utf8_lossy(json));
    }
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    let deep = format!(r#"{{"snr":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(
        CheckIn::decode(deep.as_bytes()),
        Err(DecodeError::Json { .. } | DecodeError::Fields(_))
    ));
}

#[test]
fn errors_never_repeat_a_value() {
    for json in [r#"{"packet_hash":"canary\n","username":["canary"]}"#, r#"{"canary"#, r#""canary""#] {
        let error = CheckIn::decode(json.as_bytes()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
}

#[test]
fn what_a_receiver_would_refuse_is_found_before_it_is_sent() {
    assert_eq!(example().validate(), Ok(()));
    let faulty =
        CheckIn { username: String::new(), message: "x".repeat(4096), channel: String::new(), ..example() };
    let named = faulty.validate().unwrap_err().to_string();
    assert_eq!(named, "username empty, message too long, channel empty");
    let room = CheckIn::MAX_BYTES - EXAMPLE.len();
    let full = CheckIn { message: "x".repeat("check in".len() + room), ..example() };
    assert_eq!((full.encode().len(), full.validate()), (4096, Ok(())));
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        hash in "[^\\p{Cc}]{1,64}", username in ".{1,40}", message in "(?s).{0,80}", channel in "#.{0,20}",
        timestamp in ".{0,30}", source_bot in proptest::option::of("(?s).{1,20}"),
    ) {
        let check_in = CheckIn {
            packet_hash: PacketHash::new(hash).unwrap(), username, message, channel,
            timestamp: Timestamp::new(timestamp), source_bot,
        };
        prop_assert_eq!(&CheckIn::decode(&check_in.encode()).unwrap(), &check_in);
        prop_assert_eq!(&serde_json::from_slice::<CheckIn>(&check_in.encode()).unwrap(), &check_in);
    }
}
