//! Bodies and heads that mean no good.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body::Frame;
use ipwatch_mqtt::server::Settings;

use crate::support::{Bench, refused, request};

const PATH: &str = "/v1/ipwatch/devices/192.0.2.7";

#[tokio::test]
async fn what_is_no_json_object_is_refused() {
    let bench = Bench::new().await;
    let deep = "[".repeat(100_000);
    let twice = r#"{"name":"a","name":"b"}"#;
    for body in
        ["", "{", "null", "1", "\"name\"", "{\"name\":1}", "{\"name\":\"\\ud800\"}", "\u{0}", twice, &deep]
    {
        let reply = bench.send("PUT", PATH, &bench.administer, Some(body)).await;
        assert_eq!(reply.code(), refused(400, "invalid"), "{}", &body[..body.len().min(40)]);
    }
    let bearer = format!("Bearer {}", bench.administer);
    let not_utf8 = Request::builder().method("PUT").uri(PATH).header("authorization", &bearer);
    let not_utf8 = not_utf8.header("content-type", "application/json");
    let body = http_body_util::Full::new(Bytes::from_static(b"{\"name\":\"\xff\"}"));
    assert_eq!(bench.call(not_utf8.body(body).unwrap()).await.code(), refused(400, "invalid"));
}

#[tokio::test]
async fn other_kinds_than_json_are_refused() {
    let bench = Bench::new().await;
    let bearer = format!("Bearer {}", bench.administer);
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
        "application/jsonp",
    ] {
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        let reply = bench.call(request("PUT", PATH, &headers, r#"{"name":"a"}"#)).await;
        assert_eq!(reply.code(), refused(415, "media_type"), "{kind}");
    }
    let headers = [("authorization", bearer.as_str()), ("content-type", "Application/JSON; charset=utf-8")];
    assert_eq!(bench.call(request("PUT", PATH, &headers, r#"{"name":"a"}"#)).await.status, 201);
}

#[tokio::test]
async fn a_body_is_bounded_in_size() {
    let mut settings = Settings::default();
    settings.max_body_bytes = 64;
    let bench = Bench::with(settings).await;
    let fitting = format!(r#"{{"name":"a"{}}}"#, " ".repeat(64 - 12));
    assert_eq!(bench.send("PUT", PATH, &bench.administer, Some(&fitting)).await.status, 201);
    let reply = bench.send("PUT", PATH, &bench.administer, Some(&format!("{fitting} "))).await;
    assert_eq!((reply.code(), reply.header("connection")), (refused(413, "too_long"), "close"));
    // A body is bounded on routes that want none, too.
    let reply =
        bench.send("POST", "/api/tracking/status/192.0.2.7", &bench.control, Some(&"x".repeat(65))).await;
    assert_eq!(reply.code(), refused(413, "too_long"));
    assert_eq!(bench.machines.told(), []);
}

#[tokio::test(start_paused = true)]
async fn a_body_is_bounded_in_time() {
    let bench = Bench::new().await;
    let body = Pieces { left: 1, piece: Bytes::from_static(b"{"), ends: false };
    let request = Request::builder().method("PUT").uri(PATH);
    let request = request.header("authorization", format!("Bearer {}", bench.administer));
    let begun = tokio::time::Instant::now();
    let reply = bench.call(request.body(body).unwrap()).await;
    assert_eq!((reply.code(), begun.elapsed()), (refused(408, "too_late"), Duration::from_secs(10)));
}

#[tokio::test]
async fn a_body_of_somebody_without_a_key_is_not_kept() {
    let bench = Bench::new().await;
    let piece = Bytes::from(vec![b'x'; 64 * 1024]);
    let body = Pieces { left: 32, piece, ends: true };
    let request = Request::builder().method("PUT").uri(PATH).body(body).unwrap();
    let reply = bench.call(request).await;
    assert_eq!((reply.code(), reply.header("connection")), (refused(401, "key_missing"), "close"));
}

#[tokio::test]
async fn two_lengths_for_one_body_are_refused() {
    let bench = Bench::new().await;
    let bearer = format!("Bearer {}", bench.administer);
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("content-length", "12"),
        ("transfer-encoding", "chunked"),
    ];
    let reply = bench.call(request("PUT", PATH, &headers, r#"{"name":"a"}"#)).await;
    assert_eq!((reply.code(), reply.header("connection")), (refused(400, "invalid"), "close"));
}

/// So many pieces, and then the end, or nothing for ever.
struct Pieces {
    left: usize,
    piece: Bytes,
    ends: bool,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if self.left == 0 {
            return if self.ends { Poll::Ready(None) } else { Poll::Pending };
        }
        self.left -= 1;
        Poll::Ready(Some(Ok(Frame::data(self.piece.clone()))))
    }
}
