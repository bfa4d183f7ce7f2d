//! What a host lives through.

use crate::support::{FRAME, Host, WALLET, config, error, hash, hashed, label, pair};
use iframe_messages::client::{Event, Failure, Listening, Unable};
use iframe_messages::reply::{MyProcesses, UserPairing};
use iframe_messages::{
    Call, LinkRequest, Moment, PairingId, Refusal, Reply, Request, RequestKind, Sender, WindowId,
};

#[test]
fn requests_wait_for_listening() {
    let mut host = Host::new(config());
    let link = host.client.link(host.now).unwrap();
    assert!(host.sent().is_empty());
    assert_eq!(host.client.poll_timeout(), Some(Moment::from_millis(45_000)));
    host.now = Moment::from_millis(44_999);
    host.hear(Reply::Listening, None);
    let request = host.one_sent();
    assert_eq!(request.body, Request::Link(LinkRequest::RequestLink));
    assert_eq!(host.client.poll_timeout(), Some(Moment::from_millis(104_999)));
    host.hear(Reply::LinkAccepted(pair(1)), request.message_id);
    let finished = Event::Finished { request: link, outcome: Ok(Reply::LinkAccepted(pair(1))) };
    assert_eq!(host.events(), [Event::Listening, Event::TokensChanged, finished]);
    assert_eq!(host.client.tokens(), Some(&pair(1)));
    assert_eq!(host.client.poll_timeout(), None);
}

#[test]
fn an_iframe_that_never_listens_is_given_up_after_45_s() {
    let mut host = Host::new(config());
    let link = host.client.link(host.now).unwrap();
    host.wait_until(44_999);
    assert_eq!(host.finished(), []);
    host.wait_until(45_000);
    assert_eq!(host.finished(), [(link, Err(Failure::NotListening))]);
    host.hear(Reply::Listening, None);
    assert!(host.sent().is_empty(), "what has failed is not sent");
}

#[test]
fn every_kind_has_its_deadline() {
    let deadlines = iframe_messages::client::Deadlines::default();
    let seconds = |kind| deadlines.of(kind).as_secs();
    assert_eq!(seconds(RequestKind::RequestLink), 60);
    assert_eq!(seconds(RequestKind::CreateProcess), 30);
    assert_eq!(seconds(RequestKind::RetrieveData), 20);
    assert_eq!(seconds(RequestKind::HashValue), 15);
    let mut host = Host::linked(1);
    let call = host.client.call(hash("a"), host.now).unwrap();
    host.wait_until(14_999);
    assert_eq!(host.finished(), []);
    host.wait_until(15_000);
    assert_eq!(host.finished(), [(call, Err(Failure::TimedOut))]);
}

#[test]
fn without_tokens_there_is_nothing_to_call() {
    let mut host = Host::new(config().with_max_requests(1));
    assert_eq!(host.client.call(hash("a"), host.now), Err(Unable::NotLinked));
    assert_eq!(host.client.validate_token(host.now), Err(Unable::NotLinked));
    assert_eq!(host.client.renew_token(host.now), Err(Unable::NotLinked));
    host.client.link(host.now).unwrap();
    assert_eq!(host.client.link(host.now), Err(Unable::TooMany));
}

#[test]
fn answers_find_their_requests_in_any_order() {
    let mut host = Host::linked(1);
    let calls: Vec<_> = (0..9).map(|n| host.client.call(hash(&n.to_string()), host.now).unwrap()).collect();
    for message in host.sent().into_iter().rev() {
        let label = label(&message).unwrap();
        host.hear(hashed(&label), message.message_id);
    }
    let expected: Vec<_> = (0..9).rev().map(|n| (calls[n], Ok(hashed(&n.to_string())))).collect();
    assert_eq!(host.finished(), expected);
}

#[test]
fn a_peer_without_ids_answers_in_order_within_a_type() {
    let mut host = Host::linked(1);
    let first = host.client.call(hash("first"), host.now).unwrap();
    let pairing = host.client.call(Call::GetPairingId, host.now).unwrap();
    let second = host.client.call(hash("second"), host.now).unwrap();
    let third = host.client.call(hash("third"), host.now).unwrap();
    assert!(host.client.cancel(second, host.now));
    let reply = Reply::UserPairing(UserPairing { user_pairing_id: PairingId::parse("p").unwrap() });
    host.hear(reply.clone(), None);
    for label in ["first", "second", "third"] {
        host.hear(hashed(label), None);
    }
    // The answer to what was cancelled is not taken for that of the next.
    let third = (third, Ok(hashed("third")));
    assert_eq!(host.finished(), [(pairing, Ok(reply)), (first, Ok(hashed("first"))), third]);
    assert_eq!(host.client.counters().unsolicited, 1);
    host.hear(Reply::MyProcesses(MyProcesses { my_processes: None }), None);
    assert_eq!(host.client.counters().unsolicited, 2);
}

#[test]
fn a_peer_that_has_used_ids_is_held_to_them() {
    let mut host = Host::linked(1);
    host.client.call(hash("a"), host.now).unwrap();
    let message = host.one_sent();
    host.hear(hashed("a"), message.message_id);
    assert_eq!(host.finished().len(), 1);
    host.client.call(hash("b"), host.now).unwrap();
    host.hear(hashed("c"), None);
    host.hear(error(Refusal::NotPaired), None);
    assert_eq!((host.finished(), host.client.counters().unsolicited), (vec![], 2));
}

#[test]
fn an_error_ends_the_request_that_it_names() {
    let mut host = Host::linked(1);
    host.client.call(hash("a"), host.now).unwrap();
    let second = host.client.call(hash("b"), host.now).unwrap();
    let sent = host.sent();
    host.hear(error(Refusal::NotPaired), sent[1].message_id.clone());
    assert_eq!(host.finished(), [(second, Err(Failure::Refused(Refusal::NotPaired)))]);
}

#[test]
fn a_malformed_answer_ends_its_request() {
    let mut host = Host::linked(1);
    let call = host.client.call(hash("a"), host.now).unwrap();
    let id = host.one_sent().message_id.unwrap();
    host.hear_bytes(br#"{"type":"VALUE_HASHED","hash":7}"#);
    assert_eq!(host.client.counters().malformed, 1);
    host.hear_bytes(
        format!(r#"{{"type":"VALUE_HASHED","hash":7,"messageId":"{}"}}"#, id.as_str()).as_bytes(),
    );
    let finished = host.finished();
    assert!(matches!(&finished[..], [(id, Err(Failure::Malformed(_)))] if *id == call), "{finished:?}");
}

#[test]
fn a_second_listening_fails_at_once_what_was_pending() {
    let mut host = Host::linked(1);
    let call = host.client.call(hash("a"), host.now).unwrap();
    let old = host.one_sent();
    host.hear(Reply::Listening, None);
    let failed = Event::Finished { request: call, outcome: Err(Failure::Reloaded) };
    assert_eq!(host.events(), [Event::Reloaded, failed]);
    host.hear(hashed("a"), old.message_id);
    assert_eq!(host.client.counters().unsolicited, 1);
    // The new page is there at once.
    host.client.call(hash("b"), host.now).unwrap();
    assert_eq!(label(&host.one_sent()), Some("b".into()));
}

#[test]
fn listening_a_hundred_times_is_no_reload() {
    let mut host = Host::new(config().with_listening(Listening::Periodic));
    host.client.resume(pair(1));
    host.hear(Reply::Listening, None);
    let call = host.client.call(hash("a"), host.now).unwrap();
    for _ in 1..100 {
        host.hear(Reply::Listening, None);
    }
    assert_eq!(host.events(), [Event::Listening]);
    host.hear(Reply::Listening, None);
    let failed = Event::Finished { request: call, outcome: Err(Failure::Reloaded) };
    assert_eq!(host.events(), [Event::Reloaded, failed]);
}

#[test]
fn an_expired_token_is_renewed_once_for_all_that_wait() {
    let mut host = Host::linked(1);
    let calls: Vec<_> = ["a", "b"].map(|label| host.client.call(hash(label), host.now).unwrap()).into();
    let sent = host.sent();
    host.hear(error(Refusal::InvalidToken), sent[0].message_id.clone());
    host.hear(error(Refusal::InvalidToken), sent[1].message_id.clone());
    let late = host.client.call(hash("c"), host.now).unwrap();
    // One renewal, and nothing else before it is there.
    let renewal = host.one_sent();
    assert_eq!(renewal.body.kind(), RequestKind::RenewToken);
    assert_eq!(host.events(), []);
    host.hear(Reply::TokenRenewed(pair(2)), renewal.message_id);
    assert_eq!((host.events(), host.client.tokens()), (vec![Event::TokensChanged], Some(&pair(2))));
    let again = host.sent();
    for message in &again {
        let Request::Call(call) = &message.body else { panic!("a call") };
        assert_eq!(call.access_token, pair(2).access_token);
        assert!(sent.iter().all(|old| old.message_id != message.message_id), "an id is used once");
        host.hear(hashed(&label(message).unwrap()), message.message_id.clone());
    }
    let expected = [(calls[0], "a"), (calls[1], "b"), (late, "c")].map(|(id, label)| (id, Ok(hashed(label))));
    assert_eq!(host.finished(), expected);
}

#[test]
fn a_token_that_is_refused_after_renewal_is_not_renewed_again() {
    let mut host = Host::linked(1);
    let call = host.client.call(hash("a"), host.now).unwrap();
    let first = host.one_sent();
    host.hear(error(Refusal::InvalidToken), first.message_id);
    let renewal = host.one_sent();
    host.hear(Reply::TokenRenewed(pair(2)), renewal.message_id);
    let second = host.one_sent();
    host.hear(error(Refusal::InvalidToken), second.message_id);
    assert_eq!(host.finished(), [(call, Err(Failure::Refused(Refusal::InvalidToken)))]);
    assert!(host.sent().is_empty());
}

#[test]
fn a_refused_renewal_ends_what_waited_and_drops_the_tokens() {
    let mut host = Host::linked(1);
    let call = host.client.call(hash("a"), host.now).unwrap();
    let first = host.one_sent();
    host.hear(error(Refusal::InvalidToken), first.message_id);
    let renewal = host.one_sent();
    host.hear(error(Refusal::InvalidToken), renewal.message_id);
    assert_eq!(host.finished(), [(call, Err(Failure::Refused(Refusal::InvalidToken)))]);
    assert_eq!(host.client.tokens(), None);
    assert_eq!(host.client.call(hash("b"), host.now), Err(Unable::NotLinked));
}

#[test]
fn a_renewal_that_is_not_answered_holds_nobody_longer_than_30_s() {
    let mut host = Host::linked(1);
    let call = host.client.call(hash("a"), host.now).unwrap();
    let first = host.one_sent();
    host.hear(error(Refusal::InvalidToken), first.message_id);
    assert_eq!(host.client.poll_timeout(), Some(Moment::from_millis(30_000)));
    host.wait_until(30_000);
    assert_eq!(host.finished(), [(call, Err(Failure::TimedOut))]);
    assert_eq!(host.client.tokens(), Some(&pair(1)), "they may still be good");
}

#[test]
fn renewals_asked_for_at_the_same_time_are_one() {
    let mut host = Host::linked(1);
    let first = host.client.renew_token(host.now).unwrap();
    let second = host.client.renew_token(host.now).unwrap();
    let renewal = host.one_sent();
    // Cancelled or not: the tokens that come are needed.
    assert!(host.client.cancel(first, host.now));
    assert!(!host.client.cancel(first, host.now));
    host.hear(Reply::TokenRenewed(pair(2)), renewal.message_id);
    assert_eq!(host.finished(), [(second, Ok(Reply::TokenRenewed(pair(2))))]);
    assert_eq!(host.client.tokens(), Some(&pair(2)));
}

#[test]
fn a_link_made_during_a_renewal_keeps_its_tokens() {
    let mut host = Host::linked(1);
    host.client.call(hash("a"), host.now).unwrap();
    let first = host.one_sent();
    host.hear(error(Refusal::InvalidToken), first.message_id);
    let renewal = host.one_sent();
    host.client.link(host.now).unwrap();
    let link = host.one_sent();
    host.hear(Reply::LinkAccepted(pair(5)), link.message_id);
    host.hear(error(Refusal::InvalidToken), renewal.message_id);
    assert_eq!(host.client.tokens(), Some(&pair(5)));
    let Request::Call(call) = host.one_sent().body else { panic!("a call") };
    assert_eq!(call.access_token, pair(5).access_token);
}

#[test]
fn i1_i2_only_one_origin_in_one_window_is_heard() {
    let mut host = Host::new(config());
    host.client.link(host.now).unwrap();
    let listening = br#"{"type":"LISTENING"}"#;
    for origin in [
        "null",
        "https://wallet.example.org.evil",
        "http://wallet.example.org",
        "https://wallet.example.org:444",
    ] {
        host.client.handle(Sender { origin, window: FRAME }, &listening[..], host.now);
    }
    host.client.handle(Sender { origin: WALLET, window: WindowId(8) }, &listening[..], host.now);
    assert_eq!((host.sent(), host.events(), host.client.counters().strangers), (vec![], vec![], 5));
    // The positive control.
    host.client.handle(Sender { origin: WALLET, window: FRAME }, &listening[..], host.now);
    assert_eq!(host.sent().len(), 1);
}
