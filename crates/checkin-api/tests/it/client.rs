//! The client against a receiver with a script: what it sends, when it sends it again, and what it makes of the answer.

use std::io::ErrorKind;
use std::time::Duration;

use checkin_api::client::{Accepted, CheckInClient, ClientError, MAX_REPLY_BYTES};
use checkin_api::{ApiKey, CheckIn, Refusal};
use tokio::net::TcpListener;

use crate::check_in::EXAMPLE;
use crate::receiver::{Answer, Receiver, check_in};

fn key() -> ApiKey {
    ApiKey::new("s3cret").unwrap()
}

fn client(receiver: &Receiver) -> CheckInClient {
    CheckInClient::builder(&receiver.url()).unwrap().api_key(key()).build().unwrap()
}

fn created() -> Answer {
    Answer::new(201, "{}")
}

#[tokio::test]
async fn what_is_sent_is_the_documents_request() {
    let receiver = Receiver::start([created()]).await;
    let example = CheckIn::decode(EXAMPLE.as_bytes()).unwrap();
    assert_eq!(client(&receiver).submit(&example).await.unwrap(), Accepted::Created);
    let asked = receiver.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].line, "POST /checkins");
    assert_eq!(asked[0].header("authorization"), "Bearer s3cret");
    assert_eq!(asked[0].header("content-type"), "application/json");
    assert_eq!(asked[0].header("host"), receiver.address.to_string());
    assert_eq!(asked[0].body, EXAMPLE.as_bytes());
}

#[tokio::test]
async fn successes_are_told_apart() {
    for (status, accepted) in [
        (201, Accepted::Created),
        (200, Accepted::AlreadyHeld),
        (202, Accepted::AlreadyHeld),
        (204, Accepted::AlreadyHeld),
    ] {
        let receiver = Receiver::start([Answer::new(status, "")]).await;
        assert_eq!(client(&receiver).submit(&check_in("A1")).await.unwrap(), accepted, "{status}");
    }
}

/// Source: checkin §5.
#[tokio::test(start_paused = true)]
async fn after_429_and_5xx_it_is_sent_once_more_about_five_seconds_later() {
    for status in [429, 500, 502, 503, 504, 408] {
        let receiver = Receiver::start([Answer::new(status, ""), created()]).await;
        assert_eq!(client(&receiver).submit(&check_in("A1")).await.unwrap(), Accepted::Created);
        let asked = receiver.asked();
        assert_eq!(asked.len(), 2);
        assert_eq!(asked[0].body, asked[1].body);
        let wait = asked[1].at - asked[0].at;
        assert!((Duration::from_secs(4)..=Duration::from_secs(7)).contains(&wait), "{wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn two_tries_and_no_third() {
    let receiver = Receiver::start([Answer::new(503, r#"{"error":"busy"}"#)]).await;
    let error = client(&receiver).submit(&check_in("A1")).await.unwrap_err();
    assert_eq!(error.refusal(), Some(&Refusal::new(503, "busy")));
    assert!(error.is_retryable() && !error.is_poison() && !error.is_unauthorized());
    assert_eq!(receiver.asked().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_connection_lost_before_the_answer_is_tried_again() {
    let receiver = Receiver::start([Answer::HangUp, Answer::new(200, "")]).await;
    assert_eq!(client(&receiver).submit(&check_in("A1")).await.unwrap(), Accepted::AlreadyHeld);
    assert_eq!(receiver.hashes(), ["A1", "A1"]);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed_up_to_a_minute() {
    for (text, least, most) in [("17", 17, 20), ("60", 60, 63), ("0", 4, 7)] {
        let busy = Answer::new(429, "").header("retry-after", text);
        let receiver = Receiver::start([busy, created()]).await;
        assert_eq!(client(&receiver).submit(&check_in("A1")).await.unwrap(), Accepted::Created);
        let asked = receiver.asked();
        let wait = (asked[1].at - asked[0].at).as_secs();
        assert!((least..=most).contains(&wait), "{text}: {wait}");
    }
    let receiver = Receiver::start([Answer::new(503, "").header("retry-after", "61")]).await;
    let error = client(&receiver).submit(&check_in("A1")).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(61)));
    assert_eq!(receiver.asked().len(), 1);
}

#[tokio::test]
async fn what_will_not_pass_is_not_repeated() {
    for status in [301, 400, 401, 403, 404, 405, 413, 415, 422] {
        let receiver = Receiver::start([Answer::new(status, r#"{"error":"no","fields":["channel"]}"#)]).await;
        let error = client(&receiver).submit(&check_in("A1")).await.unwrap_err();
        assert_eq!(receiver.asked().len(), 1, "{status}");
        assert!(!error.is_retryable(), "{status}");
        assert_eq!(error.is_poison(), [400, 413, 422].contains(&status), "{status}");
        assert_eq!(error.is_unauthorized(), status == 401);
        assert_eq!(error.refusal().unwrap().fields, ["channel"]);
    }
}

#[tokio::test]
async fn c8_redirects_are_not_followed_with_the_key() {
    let target = Receiver::start([created()]).await;
    let receiver = Receiver::start([Answer::new(307, "").header("location", target.url())]).await;
    let error = client(&receiver).submit(&check_in("A1")).await.unwrap_err();
    let words = format!("redirected to {}, which is not followed", target.url());
    assert_eq!(error.refusal(), Some(&Refusal::new(307, words)));
    assert_eq!(target.asked().len(), 0);
}

#[tokio::test]
async fn what_is_no_check_in_is_not_sent() {
    let receiver = Receiver::start([created()]).await;
    let empty = CheckIn { username: String::new(), ..check_in("A1") };
    let error = client(&receiver).submit(&empty).await.unwrap_err();
    assert_eq!(error.to_string(), "not a check-in: username empty");
    assert!(error.is_poison());
    assert_eq!(receiver.asked().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_is_an_io_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let client = CheckInClient::builder(&url).unwrap().build().unwrap();
    let error = client.submit(&check_in("A1")).await.unwrap_err();
    assert!(matches!(&error, ClientError::Io(io) if io.kind() == ErrorKind::ConnectionRefused), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_receiver_costs_ten_seconds_a_try() {
    let receiver = Receiver::start([created()]).await;
    receiver.close();
    let start = tokio::time::Instant::now();
    let error = client(&receiver).submit_once(&check_in("A1")).await.unwrap_err();
    assert!(matches!(&error, ClientError::Io(io) if io.kind() == ErrorKind::TimedOut), "{error:?}");
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn no_more_than_four_requests_are_under_way() {
    let receiver = Receiver::start([created()]).await;
    receiver.close();
    let client = client(&receiver);
    let hashes: Vec<_> = (10..50).map(|number| number.to_string()).collect();
    let all: Vec<_> = hashes.iter().map(|hash| check_in(hash)).collect();
    let submitting = tokio::spawn(async move { client.submit_all(all).await });
    receiver.until_asked(4).await;
    // Give every other task its turn: if one could send, it would.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(receiver.asked().len(), 4);
    receiver.open();
    let results = submitting.await.unwrap();
    assert_eq!(results.len(), 40);
    assert!(results.iter().all(|result| matches!(result, Ok(Accepted::Created))));
    let mut arrived = receiver.hashes();
    arrived.sort();
    assert_eq!(arrived, hashes);
}

#[tokio::test]
async fn results_of_many_are_in_their_order() {
    let receiver = Receiver::start([created(), Answer::new(400, "{}"), Answer::new(200, "")]).await;
    let one = CheckInClient::builder(&receiver.url()).unwrap().max_concurrent(1).build().unwrap();
    let results = one.submit_all([check_in("A1"), check_in("A2"), check_in("A3")]).await;
    assert!(matches!(results[0], Ok(Accepted::Created)));
    assert_eq!(results[1].as_ref().unwrap_err().refusal().unwrap().status, 400);
    assert!(matches!(results[2], Ok(Accepted::AlreadyHeld)));
}

#[tokio::test]
async fn a_batch_is_one_request_with_a_result_for_each() {
    // In any order, and with lines of the answer that say more.
    let answer = concat!(
        r#"{"line":2,"status":400,"error":"channel missing","fields":["channel"]}"#,
        "\n",
        r#"{"line":1,"status":201,"id":7}"#,
        "\n\n",
        r#"{"line":3,"status":200}"#,
        "\n"
    );
    let receiver = Receiver::start([Answer::new(200, answer)]).await;
    let empty = CheckIn { channel: String::new(), ..check_in("A0") };
    let batch = [check_in("A1"), empty, check_in("A2"), check_in("A3")];
    let results = client(&receiver).submit_batch(&batch).await.unwrap();
    assert!(matches!(results[0], Ok(Accepted::Created)));
    assert!(matches!(results[1], Err(ClientError::Invalid(_))));
    let refused = Refusal::new(400, "channel missing").with_fields(["channel"]);
    assert_eq!(results[2].as_ref().unwrap_err().refusal(), Some(&refused));
    assert!(matches!(results[3], Ok(Accepted::AlreadyHeld)));
    let asked = receiver.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].line, "POST /v1/checkins/batch");
    assert_eq!(asked[0].header("content-type"), "application/x-ndjson");
    let lines: Vec<_> = asked[0].body.split_inclusive(|byte| *byte == b'\n').collect();
    let sent: Vec<_> =
        lines.iter().map(|line| CheckIn::decode(line).unwrap().packet_hash.to_string()).collect();
    assert_eq!(sent, ["A1", "A2", "A3"]);
}

#[tokio::test]
async fn a_batch_without_a_result_for_each_has_failed() {
    for answer in ["", "{\"line\":1,\"status\":201}\n", "{\"line\":3,\"status\":201}\n", "OK\n"] {
        let receiver = Receiver::start([Answer::new(200, answer)]).await;
        let error = client(&receiver).submit_batch(&[check_in("A1"), check_in("A2")]).await.unwrap_err();
        assert!(error.is_retryable(), "{answer:?}: {error}");
    }
    let receiver = Receiver::start([created()]).await;
    let many = vec![check_in("A1"); 251];
    assert!(matches!(client(&receiver).submit_batch(&many).await, Err(ClientError::Usage(_))));
    assert_eq!(client(&receiver).submit_batch(&[]).await.unwrap().len(), 0);
    assert_eq!(receiver.asked().len(), 0);
}

#[tokio::test]
async fn the_state_is_asked_for_without_a_body() {
    let receiver = Receiver::start([Answer::new(200, r#"{"status":"ok"}"#)]).await;
    let client = CheckInClient::builder(&receiver.url()).unwrap().build().unwrap();
    assert_eq!(client.status().await.unwrap(), "ok");
    let asked = receiver.asked();
    assert_eq!((asked[0].line.as_str(), asked[0].header("authorization")), ("GET /checkins", ""));
    let other = Receiver::start([Answer::new(200, "<html>")]).await;
    let client = CheckInClient::builder(&other.url()).unwrap().build().unwrap();
    assert!(matches!(client.status().await, Err(ClientError::Malformed(_))));
}

#[tokio::test]
async fn replies_are_bounded() {
    let receiver = Receiver::start([Answer::new(201, "x".repeat(MAX_REPLY_BYTES + 1))]).await;
    let error = client(&receiver).submit_once(&check_in("A1")).await.unwrap_err();
    assert!(matches!(error, ClientError::Protocol("the reply is longer than allowed")));
}

/// Source: checkin §1.
#[test]
fn c8_a_key_needs_https_or_loopback() {
    let build = |url: &str, insecure| {
        CheckInClient::builder(url).unwrap().api_key(key()).allow_insecure(insecure).build()
    };
    assert!(matches!(build("http://example.org/checkins", false), Err(ClientError::Usage(_))));
    assert!(build("http://example.org/checkins", true).is_ok());
    assert_eq!(build("http://[::1]:9999/", false).unwrap().host(), "::1");
    assert!(CheckInClient::builder("http://example.org/").unwrap().build().is_ok());
}

#[cfg(not(feature = "tls"))]
#[test]
fn https_needs_the_feature() {
    let builder = CheckInClient::builder("https://example.org/checkins").unwrap();
    assert!(matches!(builder.build(), Err(ClientError::Usage(_))));
}

#[test]
fn c8_the_key_does_not_show_in_debug() {
    let builder =
        CheckInClient::builder("http://127.0.0.1:1").unwrap().api_key(ApiKey::new("canary-1").unwrap());
    assert!(!format!("{builder:?}").contains("canary"));
    assert!(!format!("{:?}", builder.build().unwrap()).contains("canary"));
}
