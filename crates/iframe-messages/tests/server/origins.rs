//! Threat I1: who is heard.

use crate::support::{Frame, HOST, PARENT, origin};
use iframe_messages::server::ServerConfig;
use iframe_messages::{InvalidOrigin, Origin, Sender, WindowId};
use serde_json::{Value, json};

fn corpus() -> (Vec<Origin>, Vec<String>, Vec<String>) {
    let corpus: Value = serde_json::from_str(include_str!("../vectors/origins.json")).unwrap();
    let texts = |name: &str| -> Vec<String> { serde_json::from_value(corpus[name].clone()).unwrap() };
    (texts("allowed").iter().map(|text| origin(text)).collect(), texts("accepted"), texts("refused"))
}

#[test]
fn i1_of_two_hundred_origins_that_look_alike_none_is_heard() {
    let (allowed, accepted, refused) = corpus();
    assert!(refused.len() >= 200, "{}", refused.len());
    let mut frame = Frame::with(ServerConfig::new(PARENT, allowed));
    let link = json!({"type": "REQUEST_LINK"});
    for (count, text) in (1..).zip(&refused) {
        frame.hear_from(Sender { origin: text, window: PARENT }, &link);
        assert!(frame.server.poll_consent().is_none(), "{text}");
        assert_eq!((frame.outputs(), frame.server.counters().strangers), (vec![], count), "{text}");
    }
    // The positive control.
    for text in &accepted {
        frame.hear_from(Sender { origin: text, window: PARENT }, &link);
        assert_eq!(frame.server.poll_consent().unwrap().origin.as_str(), text);
    }
}

#[test]
fn i1_the_right_origin_in_the_wrong_window_is_not_heard() {
    let mut frame = Frame::new();
    frame.hear_from(Sender { origin: HOST, window: WindowId(2) }, &json!({"type": "REQUEST_LINK"}));
    assert!(frame.server.poll_consent().is_none());
    assert_eq!((frame.outputs(), frame.server.counters().strangers), (vec![], 1));
}

#[test]
fn i1_a_configured_origin_is_brought_into_a_browsers_form() {
    for (written, kept) in [
        ("https://example.com", "https://example.com"),
        ("HTTPS://Example.COM:443", "https://example.com"),
        ("http://example.com:80", "http://example.com"),
        ("http://example.com:443", "http://example.com:443"),
        ("https://xn--mnchen-3ya.example:8443", "https://xn--mnchen-3ya.example:8443"),
        ("http://[2001:DB8:0::1]:8080", "http://[2001:db8::1]:8080"),
        ("http://[::1]", "http://[::1]"),
        ("http://127.0.0.1:65535", "http://127.0.0.1:65535"),
        ("https://my_host.example", "https://my_host.example"),
    ] {
        assert_eq!(Origin::parse(written).unwrap().as_str(), kept);
    }
}

#[test]
fn i1_what_is_no_origin_cannot_be_allowed() {
    use InvalidOrigin::{Host, NoScheme, NotAscii, Port};
    let long = format!("https://{}.example", "a".repeat(64));
    for (text, error) in [
        ("null", NoScheme),
        ("*", NoScheme),
        ("", NoScheme),
        ("file://", NoScheme),
        ("example.com", NoScheme),
        ("https://", Host),
        ("https://*", Host),
        ("https://*.example.com", Host),
        ("https://example.com/", Host),
        ("https://example.com/path", Host),
        ("https://user@example.com", Host),
        ("https://example..com", Host),
        ("https://-example.com", Host),
        (" https://example.com", NoScheme),
        ("https://example.com ", Host),
        ("https://1.2.3", Host),
        ("https://01.2.3.4", Host),
        ("https://0x7f000001", Host),
        ("https://127.0.0.1.", Host),
        ("https://[::ffff:1.2.3.4]", Host),
        ("https://[::1", Host),
        ("https://münchen.example", NotAscii),
        ("https://example.com:", Port),
        ("https://example.com::443", Port),
        ("https://example.com:0", Port),
        ("https://example.com:0443", Port),
        ("https://example.com:+443", Port),
        ("https://example.com:65536", Port),
        ("https://example.com:443/", Port),
        (&long, Host),
    ] {
        assert_eq!(Origin::parse(text), Err(error), "{text}");
    }
}

#[test]
fn a_megabyte_from_a_stranger_is_not_read() {
    use iframe_messages::{Body, Decoded, Limits, Posted};
    struct Unread;
    impl Posted for Unread {
        fn decode<B: Body>(&self, _: Limits) -> Decoded<B> {
            panic!("read");
        }
    }
    let mut frame = Frame::new();
    frame.server.handle(Sender { origin: "https://evil.example", window: PARENT }, &Unread, frame.now);
    frame.server.handle(Sender { origin: HOST, window: WindowId(2) }, &Unread, frame.now);
    assert_eq!(frame.server.counters().strangers, 2);
}
