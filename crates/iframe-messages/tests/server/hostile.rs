//! What a page of an allowed origin may try, and what it gets.

use crate::support::{Frame, HOST, OTHER, PARENT, call, error, origin};
use iframe_messages::reply::ProcessesRetrieved;
use iframe_messages::server::{Decision, ServerConfig};
use iframe_messages::{Moment, Record, Refusal, Reply, Sender};
use serde_json::json;

fn retrieved() -> Result<Reply, Refusal> {
    Ok(Reply::ProcessesRetrieved(ProcessesRetrieved { processes: Record::default() }))
}

#[test]
fn i4_an_id_has_one_answer() {
    let mut frame = Frame::new();
    let token = frame.link(HOST, 1).access_token.expose().to_owned();
    frame.hear(&call(&token, "x"));
    frame.hear(&call(&token, "x"));
    let job = frame.jobs().remove(0);
    assert_eq!((frame.jobs(), frame.outputs()), (vec![], vec![]), "the second is not done and not answered");
    assert!(frame.server.complete(job.ticket, retrieved()));
    assert!(!frame.server.complete(job.ticket, retrieved()), "once");
    assert_eq!(frame.outputs().len(), 1);
    // A replay after the answer is told so, and not done.
    let used = error("Failed to accept request: its messageId was used before", "x");
    assert_eq!(frame.ask(&call(&token, "x")), used);
    assert_eq!((frame.jobs(), frame.server.counters().repeated), (vec![], 2));
    // The ids of another origin are its own.
    let other = frame.link(OTHER, 2).access_token.expose().to_owned();
    frame.hear_from(Sender { origin: OTHER, window: PARENT }, &call(&other, "x"));
    assert_eq!(frame.jobs().len(), 1);
}

/// A page that navigates while a request is in flight: the answer is for the origin that asked, and the browser gives it to no other.
#[test]
fn an_answer_is_for_the_origin_that_asked_whoever_is_there_now() {
    let mut frame = Frame::new();
    let token = frame.link(HOST, 1).access_token.expose().to_owned();
    frame.hear(&call(&token, "1"));
    let job = frame.jobs().remove(0);
    frame.hear_from(
        Sender { origin: OTHER, window: PARENT },
        &json!({"type": "REQUEST_LINK", "messageId": "2"}),
    );
    assert!(frame.server.complete(job.ticket, retrieved()));
    let outputs = frame.outputs();
    assert_eq!((outputs.len(), outputs[0].target_origin.as_str()), (1, HOST));
}

#[test]
fn a_user_is_asked_one_question_at_a_time() {
    let mut frame = Frame::new();
    frame.hear(&json!({"type": "REQUEST_LINK", "messageId": "1"}));
    let second = frame.ask(&json!({"type": "REQUEST_LINK", "messageId": "2"}));
    assert_eq!(second, error("Failed to link: the user is being asked", "2"));
    let consent = frame.server.poll_consent().unwrap();
    assert_eq!(frame.server.poll_consent(), None);
    assert!(frame.server.decide(consent.ticket, Decision::Denied, [0; 32], frame.now));
    assert!(!frame.server.decide(consent.ticket, Decision::Granted, [0; 32], frame.now), "decided once");
    let output = frame.outputs().remove(0);
    assert_eq!(output.message.body, Reply::from(Refusal::Failed("link: the user refused".into())));
}

#[test]
fn a_user_who_does_not_answer_is_not_taken_to_agree() {
    let mut frame = Frame::new();
    frame.hear(&json!({"type": "REQUEST_LINK", "messageId": "1"}));
    let consent = frame.server.poll_consent().unwrap();
    let due = frame.server.poll_timeout().unwrap();
    assert_eq!(due, Moment::from_millis(1_060_000));
    frame.server.handle_timeout(due);
    let output = frame.outputs().remove(0);
    assert_eq!(output.message.body, Reply::from(Refusal::Failed("answer: it took too long".into())));
    assert!(!frame.server.decide(consent.ticket, Decision::Granted, [0; 32], due));
    assert!(frame.outputs().is_empty());
}

/// Tickets of one kind are no tickets of the other: a consent cannot be given by completing a job.
#[test]
fn a_job_is_no_consent() {
    let mut frame = Frame::new();
    let token = frame.link(HOST, 1).access_token.expose().to_owned();
    frame.hear(&json!({"type": "REQUEST_LINK", "messageId": "1"}));
    let consent = frame.server.poll_consent().unwrap();
    assert!(!frame.server.complete(consent.ticket, retrieved()));
    frame.hear(&call(&token, "2"));
    let job = frame.jobs().remove(0);
    assert!(!frame.server.decide(job.ticket, Decision::Granted, [0; 32], frame.now));
    assert!(!frame.server.complete(job.ticket, Ok(Reply::UpdateNotified)), "an answer of another kind");
    assert!(frame.outputs().is_empty());
    assert!(frame.server.complete(job.ticket, retrieved()), "it still waits");
}

#[test]
fn a_flood_is_bounded() {
    let mut frame = Frame::with(ServerConfig::new(PARENT, [origin(HOST)]).with_max_pending(3));
    let token = frame.link(HOST, 1).access_token.expose().to_owned();
    for id in 0..5 {
        frame.hear(&call(&token, &id.to_string()));
    }
    assert_eq!((frame.outputs().len(), frame.server.counters().too_many), (2, 2));
    assert_eq!(frame.jobs().len(), 3);
}

#[test]
fn used_ids_take_bounded_room_and_the_latest_are_known() {
    let mut frame = Frame::new();
    for id in 0..5000 {
        frame.hear(&call("bad", &id.to_string()));
    }
    frame.outputs();
    let used = "Failed to accept request: its messageId was used before";
    assert_eq!(frame.ask(&call("bad", "4999")), error(used, "4999"));
    assert_eq!(frame.ask(&call("bad", "904")), error(used, "904"));
    assert_eq!(frame.ask(&call("bad", "0")), error("Invalid or expired session token", "0"));
}

#[test]
fn what_is_malformed_is_answered_and_changes_nothing() {
    let mut frame = Frame::new();
    let token = frame.link(HOST, 1).access_token.expose().to_owned();
    let long = "x".repeat(1 << 20);
    let deep: serde_json::Value = (0..70).fold(json!(1), |value, _| json!([value]));
    for (count, data) in (1..).zip([
        json!({"__proto__": {"polluted": 1}}),
        json!({"a": {"constructor": 1}}),
        json!({ "a": deep }),
        json!({ "a": long }),
    ]) {
        let id = count.to_string();
        let answer = frame.ask(&json!({
            "type": "CREATE_PROCESS", "processData": data, "privateFields": [], "roles": {}, "accessToken": token,
            "messageId": id,
        }));
        assert_eq!((&answer["type"], &answer["messageId"]), (&json!("ERROR"), &json!(id)));
        assert_eq!(frame.server.counters().malformed, count);
    }
    assert!(frame.jobs().is_empty());
    // Replies, and what is no message, are ignored.
    for message in [json!({"type": "LISTENING"}), json!({"type": "x"}), json!([]), json!("REQUEST_LINK")] {
        frame.hear(&message);
    }
    assert_eq!((frame.outputs(), frame.server.counters().not_ours), (vec![], 4));
}
