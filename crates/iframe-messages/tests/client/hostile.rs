//! An iframe that says what nobody asked for.

use crate::support::{FRAME, Host, WALLET, hash, hashed, pair};
use iframe_messages::{MessageId, Reply, Sender};

#[test]
fn i4_each_request_takes_one_answer_and_none_takes_anothers() {
    let mut host = Host::linked(1);
    let call = host.client.call(hash("a"), host.now).unwrap();
    let id = host.one_sent().message_id;
    for stranger in ["h-2", "h-0", "h-01", "h-+1", "1", "x-1", "h-99999999999999999999"] {
        host.hear(hashed("evil"), Some(MessageId::new(stranger).unwrap()));
    }
    // Of another kind than was asked for.
    host.hear(Reply::LinkAccepted(pair(666)), id.clone());
    assert_eq!((host.finished(), host.client.counters().unsolicited), (vec![], 8));
    assert_eq!(host.client.tokens(), Some(&pair(1)), "nobody asked for tokens");
    host.hear(hashed("a"), id.clone());
    host.hear(hashed("again"), id);
    assert_eq!((host.finished(), host.client.counters().unsolicited), (vec![(call, Ok(hashed("a")))], 9));
}

#[test]
fn tokens_that_nobody_asked_for_are_dropped() {
    let mut host = Host::linked(1);
    for reply in [Reply::LinkAccepted(pair(666)), Reply::TokenRenewed(pair(667))] {
        host.hear(reply, None);
    }
    assert_eq!(host.client.tokens(), Some(&pair(1)));
    assert_eq!(host.client.counters().unsolicited, 2);
}

#[test]
fn what_is_no_message_is_counted_and_forgotten() {
    let mut host = Host::linked(1);
    host.client.call(hash("a"), host.now).unwrap();
    host.sent();
    for bytes in
        [&b"{"[..], b"", b"null", br#"{"type":"webpackOk"}"#, br#"{"type":"REQUEST_LINK"}"#, &[0xff; 9]]
    {
        host.hear_bytes(bytes);
    }
    assert_eq!((host.events(), host.client.counters().not_ours), (vec![], 6));
}

/// A stranger's message is not even read: a megabyte costs nothing.
#[test]
fn a_stranger_is_not_read() {
    use iframe_messages::{Body, Decoded, Limits, Posted};
    struct Unread;
    impl Posted for Unread {
        fn decode<B: Body>(&self, _: Limits) -> Decoded<B> {
            panic!("read");
        }
    }
    let mut host = Host::linked(1);
    host.client.handle(Sender { origin: "https://evil.example", window: FRAME }, &Unread, host.now);
    assert_eq!(host.client.counters().strangers, 1);
    assert_eq!(WALLET.parse::<iframe_messages::Origin>().unwrap().as_str(), WALLET);
}
