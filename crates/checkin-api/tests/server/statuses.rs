//! Every way in which the server says no, without sockets; threats C1 and C5.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use checkin_api::server::store::{Keys, Role};
use checkin_api::server::{RateLimit, Settings};
use http_body::{Body, Frame, SizeHint};
use serde_json::json;

use crate::support::{Answer, Bench, EXAMPLE, SECRET, START, minted, post, request, settings, time};

fn assert_refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.json()["error"], error);
}

fn stored(bench: &Bench) -> String {
    bench.rows("SELECT COUNT(*) FROM check_ins")[0][0].clone()
}

#[tokio::test]
async fn every_missing_or_wrong_field_is_named() {
    let bench = Bench::new();
    let all = ["packet_hash", "username", "message", "channel", "timestamp"];
    for (body, error, fields) in [
        (
            "{}",
            "packet_hash missing, username missing, message missing, channel missing, timestamp missing",
            &all[..],
        ),
        (
            r#"{"packet_hash":"","username":7,"message":null,"channel":"","timestamp":[]}"#,
            "packet_hash empty, username not a text, message missing, channel empty, timestamp not a text",
            &all[..],
        ),
        (
            r#"{"packet_hash":"A","username":"H","message":"","channel":"c","timestamp":"t","source_bot":1}"#,
            "source_bot not a text",
            &["source_bot"],
        ),
    ] {
        let answer = bench.post(body, SECRET).await;
        assert_refused(&answer, 400, error);
        assert_eq!(answer.json()["fields"], json!(fields));
    }
    for (body, error) in [
        ("", "the JSON ends early, line 1, column 0"),
        ("[]", "a JSON object is expected, line 1, column 0"),
        ("{\"a\":", "the JSON ends early, line 1, column 5"),
    ] {
        let answer = bench.post(body, SECRET).await;
        assert_refused(&answer, 400, error);
        assert_eq!(answer.json().get("fields"), None);
    }
    let long = "x".repeat(1025);
    let body = format!(
        r#"{{"packet_hash":"A","username":"{long}","message":"","channel":"{long}","timestamp":"t","source_bot":"b"}}"#
    );
    let answer = bench.post(&body, SECRET).await;
    assert_refused(&answer, 400, "longer than 1024 bytes: username, channel");
    assert_eq!(answer.json()["fields"], json!(["username", "channel"]));
    assert_eq!(stored(&bench), "0");
    // Refusals are written down with the next upkeep.
    bench.server.upkeep().await.expect("written");
    assert_eq!(bench.rows("SELECT bot, accepted, rejected FROM bots"), [["environment", "0", "7"]]);
}

#[tokio::test]
async fn c5_a_key_that_is_missing_malformed_or_wrong_is_401_before_anything_else() {
    let bench = Bench::new();
    let right = bench.key(Role::Submit, "west").await;
    let (unknown, _) = minted(Role::Submit, "nobody", None);
    let other_secret = format!("{}{}", &right[..13], "0".repeat(64));
    let missing = "an API key is required: Authorization: Bearer <key>";
    let challenge = r#"Bearer realm="check-in""#;
    let answer = bench.send(request("POST", "/checkins", &[], EXAMPLE)).await;
    assert_refused(&answer, 401, missing);
    assert_eq!(answer.header("www-authenticate"), challenge);
    let long = format!("Bearer {}", "x".repeat(1025));
    for wrong in [
        "Bearer",
        "Bearer ",
        "Basic dTpw",
        "Bearer wrong",
        SECRET,
        &long,
        &format!("Bearer {SECRET}x"),
        &format!("Bearer {unknown}"),
        &format!("Bearer {other_secret}"),
        &format!("Bearer {}", &right[..76]),
        &format!("Bearer {right}0"),
        &format!("Bearer {right}_"),
        "Bearer mci_é",
    ] {
        // The body is not even JSON, its type is wrong, and it is too large: the key comes first.
        let headers = [("authorization", wrong), ("content-type", "text/plain")];
        let answer = bench.send(request("POST", "/checkins", &headers, &"x".repeat(5000))).await;
        assert_refused(&answer, 401, "API key refused");
        assert_eq!(answer.header("www-authenticate"), format!("{challenge}, error=\"invalid_token\""));
    }
    let bearer = format!("Bearer {SECRET}");
    let twice = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
    assert_refused(&bench.send(request("POST", "/checkins", &twice, EXAMPLE)).await, 401, "API key refused");
    assert_eq!(stored(&bench), "0");
    // The scheme in any case, blanks around the key.
    for right in [format!("bearer  {SECRET} "), format!("BEARER {right}")] {
        let answer = bench.send(request("POST", "/checkins", &[("authorization", &right)], EXAMPLE)).await;
        assert!(answer.status.is_success(), "{}", answer.text);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_expired_or_was_revoked_is_401_and_a_reading_one_403() {
    let bench = Bench::new();
    let (expiring, key) = minted(Role::Submit, "expiring", Some(time(START + 60)));
    assert!(bench.store().add_key(key).await.expect("stored"));
    let revoked = bench.key(Role::Submit, "revoked").await;
    let reader = bench.key(Role::Read, "reader").await;
    let operator = bench.key(Role::Operator, "operator").await;
    assert_refused(&bench.post(EXAMPLE, &reader).await, 403, "this key is not for that");
    assert_eq!(stored(&bench), "0");
    for key in [&expiring, &revoked, &operator] {
        assert!(bench.post(EXAMPLE, key).await.status.is_success());
    }
    assert_eq!(bench.store().revoke_key("revoked", time(START)).await, Ok(true));
    bench.clock.advance(60);
    assert_refused(&bench.post(EXAMPLE, &expiring).await, 401, "API key expired");
    // A second later at the latest another process's word counts here too.
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_refused(&bench.post(EXAMPLE, &revoked).await, 401, "API key revoked");
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_are_404_and_405() {
    let bench = Bench::new();
    for path in ["/checkin", "/checkins/", "//", "/v1", "/v1/checkins/batch/x"] {
        assert_refused(&bench.send(post(path, EXAMPLE, SECRET)).await, 404, "not found");
    }
    for (method, path, allow) in [
        ("PUT", "/", "GET, HEAD, POST, OPTIONS"),
        ("DELETE", "/checkins", "GET, HEAD, POST, OPTIONS"),
        ("PATCH", "/v1/checkins", "GET, HEAD, POST, OPTIONS"),
        ("GET", "/v1/checkins/batch", "POST, OPTIONS"),
        ("POST", "/healthz", "GET, HEAD, OPTIONS"),
    ] {
        let answer = bench.send(request(method, path, &[], EXAMPLE)).await;
        assert_refused(&answer, 405, "method not allowed");
        assert_eq!(answer.header("allow"), allow);
        let answer = bench.send(request("OPTIONS", path, &[], "")).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow"), answer.text.as_str()), (204, allow, ""));
    }
}

#[tokio::test]
async fn configured_paths_take_the_place_of_the_others_while_the_server_runs() {
    let bench = Bench::new();
    let mut changed = settings();
    changed.submission_paths = vec!["/net/in".to_owned()];
    bench.server.configure(changed);
    assert_eq!(bench.send(post("/net/in", EXAMPLE, SECRET)).await.status, 201);
    assert_eq!(bench.send(post("/checkins", EXAMPLE, SECRET)).await.status, 404);
    bench.server.configure(Settings::default());
    assert_refused(&bench.post(EXAMPLE, SECRET).await, 401, "API key refused");
}

#[tokio::test]
async fn a_content_type_that_is_there_must_be_json() {
    let bench = Bench::new();
    let bearer = format!("Bearer {SECRET}");
    for (kind, status) in [
        ("application/json", 201),
        ("Application/JSON; charset=utf-8", 200),
        ("application/vnd.checkin+json", 200),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/jsonx", 415),
        ("", 415),
    ] {
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        let answer = bench.send(request("POST", "/", &headers, EXAMPLE)).await;
        assert_eq!(answer.status, status, "{kind}: {}", answer.text);
    }
    let answer = bench.send(request("POST", "/", &[("authorization", &bearer)], EXAMPLE)).await;
    assert_eq!(answer.status, 200, "absent is JSON");
}

/// A body in pieces, which may never end.
struct Pieces {
    left: usize,
    size: usize,
    ends: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return if self.ends { Poll::Ready(None) } else { Poll::Pending };
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b' '; self.size])))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

#[tokio::test(start_paused = true)]
async fn c5_large_and_slow_bodies_are_413_and_408_and_end_their_connection() {
    let bench = Bench::new();
    for (length, status) in [(4096, 201), (4097, 413), (1 << 20, 413)] {
        let blanks = " ".repeat(length - EXAMPLE.len());
        let answer = bench.post(&format!("{EXAMPLE}{blanks}"), SECRET).await;
        assert_eq!(answer.status, status, "{length} bytes: {}", answer.text);
        assert_eq!(answer.header("connection"), if status == 413 { "close" } else { "" });
    }
    let send = async |left, size, ends, key: &str| {
        let whole = post("/checkins", "", key).map(|_| Pieces { left, size, ends });
        let answer = bench.send(whole).await;
        (
            answer.status.as_u16(),
            answer.json()["error"].as_str().expect("text").to_owned(),
            answer.header("connection").to_owned(),
        )
    };
    let too_large = (413, "the body is larger than 4096 bytes".to_owned(), "close".to_owned());
    assert_eq!(send(2, 4096, true, SECRET).await, too_large);
    assert_eq!(send(usize::MAX, 4096, false, SECRET).await, too_large);
    let slow = (408, "the body did not come in time".to_owned(), "close".to_owned());
    assert_eq!(send(1, 100, false, SECRET).await, slow);
    assert_eq!(send(0, 0, false, SECRET).await, slow);
    // A stranger's body is not waited for as long, and its connection is closed where it does not end.
    let refused = |connection: &str| (401, "API key refused".to_owned(), connection.to_owned());
    assert_eq!(send(2, 4096, true, "wrong").await, refused(""));
    assert_eq!(send(1, 100, false, "wrong").await, refused("close"));
    assert_eq!(send(usize::MAX, 4096, false, "wrong").await, refused("close"));
    assert_eq!(stored(&bench), "1");
}

#[tokio::test(start_paused = true)]
async fn a_flush_of_two_thousand_passes_and_the_next_one_is_429_until_there_is_room() {
    let bench = Bench::new();
    let west = bench.key(Role::Submit, "west").await;
    for number in 0..2000 {
        // The same check-in again and again: what counts is that it was sent.
        assert!(bench.post(EXAMPLE, SECRET).await.status.is_success(), "check-in {number}");
    }
    let answer = bench.post(EXAMPLE, SECRET).await;
    assert_refused(&answer, 429, "too many check-ins with this key");
    assert_eq!(answer.header("retry-after"), "1");
    // Another key has its own.
    assert_eq!(bench.post(EXAMPLE, &west).await.status, 200);
    tokio::time::advance(Duration::from_secs(1)).await;
    for _ in 0..200 {
        assert_eq!(bench.post(EXAMPLE, SECRET).await.status, 200);
    }
    assert_eq!(bench.post(EXAMPLE, SECRET).await.status, 429);
    let mut changed = settings();
    changed.rate = RateLimit { burst: 5, per_second: 0 };
    bench.server.configure(changed);
    assert_eq!(bench.post(EXAMPLE, SECRET).await.header("retry-after"), "1");
}

#[tokio::test]
async fn two_lengths_are_400_and_the_end_of_the_connection() {
    let bench = Bench::new();
    let bearer = format!("Bearer {SECRET}");
    let headers =
        [("authorization", bearer.as_str()), ("content-length", "9"), ("transfer-encoding", "chunked")];
    let answer = bench.send(request("POST", "/", &headers, EXAMPLE)).await;
    assert_refused(&answer, 400, "Content-Length together with Transfer-Encoding");
    assert_eq!(answer.header("connection"), "close");
    assert_eq!(stored(&bench), "0");
}

#[tokio::test]
async fn health_and_readiness_are_public() {
    let bench = Bench::new();
    let health = bench.get("/healthz").await;
    assert_eq!((health.status.as_u16(), health.text.as_str()), (200, r#"{"status":"ok"}"#));
    let ready = bench.get("/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.text.as_str()), (200, r#"{"status":"ready"}"#));
}
