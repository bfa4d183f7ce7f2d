//! The document's examples, and what must be refused.

use room_signaling::{Frame, FrameError, HubId, MAX_FRAME_BYTES, Need, Permission, Presence, Scheme, Shape};

const ACCESS: &str = r#"["meeting.upstream-request-access",{"cid":"view3690","user_id":"b19bcb20b19bcb3d","ssid":"qpYihqBzzgUu39TIGx4vqA==","hub_id":"3df581953df581ad","room_id":"b7728605b7728619","deviceId":"vaCx5pIr6xEzUREBOvkv5Q00"}]"#;

#[test]
fn reads_the_documents_request() {
    let frame = Frame::decode(ACCESS).unwrap();
    assert_eq!(frame.service(), "meeting.upstream-request-access");
    assert_eq!(frame.cid(), Some("view3690"));
    assert_eq!(frame.fields()["ssid"], "qpYihqBzzgUu39TIGx4vqA==");
    assert_eq!(Frame::decode(&frame.encode(Shape::Array)).unwrap(), frame);
    assert_eq!(Frame::decode(&frame.encode(Shape::Object)).unwrap(), frame);
}

#[test]
fn refuses_the_documents_unfinished_offer() {
    let text = r#"["meeting.upstream-offer",{"cid":"view3833","sdpOffer":"}]"#;
    assert_eq!(Frame::decode(text), Err(FrameError::NotJson));
}

#[test]
fn refuses_other_shapes() {
    for text in ["1", "[]", r#"["a"]"#, r#"["a",1]"#, r#"["a",{},1]"#, r#"{"service":"a"}"#, r#"[{},{}]"#] {
        assert_eq!(Frame::decode(text), Err(FrameError::WrongShape), "{text}");
    }
}

#[test]
fn holds_its_limits_to_the_byte_and_the_level() {
    let of = |length: usize| format!(r#"["a",{{"m":"{}"}}]"#, "x".repeat(length - 14));
    assert_eq!(of(MAX_FRAME_BYTES).len(), MAX_FRAME_BYTES);
    assert_eq!(Frame::decode(&of(MAX_FRAME_BYTES)).unwrap().service(), "a");
    assert_eq!(Frame::decode(&of(MAX_FRAME_BYTES + 1)), Err(FrameError::TooLong));
    let deep = |n: usize| format!(r#"["a",{{"m":{}{}}}]"#, "[".repeat(n - 2), "]".repeat(n - 2));
    assert_eq!(Frame::decode(&deep(64)).unwrap().service(), "a");
    assert_eq!(Frame::decode(&deep(65)), Err(FrameError::TooDeep));
    let quoted = format!(r#"["a",{{"m":"\"{}"}}]"#, "[".repeat(100));
    assert_eq!(Frame::decode(&quoted).unwrap().service(), "a");
}

#[test]
fn identifiers_are_sixteen_lower_case_digits() {
    let id: HubId = "00f581953df581ad".parse().unwrap();
    assert_eq!(id.to_string(), "00f581953df581ad");
    for text in ["", "3df581953df581a", "3df581953df581ad0", "3DF581953DF581AD", "+df581953df581ad"] {
        assert_eq!(text.parse::<HubId>(), Err("x".parse::<HubId>().unwrap_err()), "{text}");
    }
}

#[test]
fn presence_is_read_from_both_and_written_as_a_number() {
    let read: Vec<Presence> = serde_json::from_str(r#"["0",0,"1",1,"2",2]"#).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), "[0,0,1,1,2,2]");
    for text in ["3", "-1", "null", r#""3""#, r#""00""#] {
        assert!(serde_json::from_str::<Presence>(text).is_err(), "{text}");
    }
}

#[test]
fn the_documents_words_allow_what_they_should() {
    assert!(Permission(7).allows(Need::Write, Scheme::Legacy));
    assert!(!Permission(7).allows(Need::Write, Scheme::V2));
    assert!(!Permission(7).allows(Need::Modify, Scheme::Legacy));
    assert!(Permission(31).allows(Need::Admin, Scheme::Legacy));
    assert!(!Permission(31).allows(Need::Own, Scheme::V2));
    assert!(Permission(63).allows(Need::Own, Scheme::Legacy));
    assert!(!Permission(1).allows(Need::Read, Scheme::Legacy));
}
