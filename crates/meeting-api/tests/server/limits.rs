//! R3: bodies that are too large, too slow, or told two lengths; methods and paths that are not there.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use meeting_api::endpoint::Method;
use meeting_api::server::{RULES, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::sockets::listen;
use crate::support::{Bench, DEVICE, request};

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
        let piece = Bytes::from(vec![b' '; self.size]);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

fn online() -> String {
    format!("/api/devices/{DEVICE}/online")
}

async fn bench() -> Bench {
    let bench = Bench::new(Settings::default()).await;
    bench.add_device(DEVICE).await;
    bench
}

async fn send_pieces(bench: &Bench, left: usize, size: usize, ends: bool) -> (u16, String) {
    let whole = request("POST", &online(), "").map(|_| Pieces { left, size, ends });
    let answer = bench.send(whole).await;
    (answer.status.as_u16(), answer.header("connection").to_owned())
}

#[tokio::test]
async fn r3_a_body_of_64_kib_passes_and_one_byte_more_does_not() {
    let bench = bench().await;
    for (length, status) in [(0, 200), (1, 200), (65_535, 200), (65_536, 200), (65_537, 413), (1 << 20, 413)]
    {
        let answer = bench.call("POST", &online(), &" ".repeat(length), None).await;
        assert_eq!(answer.status, status, "{length} bytes: {}", answer.text);
    }
    assert_eq!(send_pieces(&bench, 16, 4096, true).await, (200, String::new()));
    assert_eq!(send_pieces(&bench, 17, 4096, true).await, (413, "close".to_owned()));
    // More than is worth reading to the end: the answer does not wait for it.
    assert_eq!(send_pieces(&bench, usize::MAX, 1 << 20, false).await, (413, "close".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn r3_a_slow_body_is_given_up_after_ten_seconds() {
    let bench = Bench::new(Settings::default()).await;
    let before = tokio::time::Instant::now();
    assert_eq!(send_pieces(&bench, 3, 10, false).await, (408, "close".to_owned()));
    assert_eq!(before.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn r3_two_lengths_for_one_body_are_refused() {
    let bench = bench().await;
    let mut twofold = request("POST", &online(), "{}");
    twofold.headers_mut().insert("content-length", "2".parse().expect("a header"));
    twofold.headers_mut().insert("transfer-encoding", "chunked".parse().expect("a header"));
    let answer = bench.send(twofold).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"], "Content-Length together with Transfer-Encoding");
}

#[tokio::test]
async fn malformed_bodies_are_refused_by_name() {
    let bench = bench().await;
    let table = [
        ("{", "Invalid JSON: the JSON ends early, line 1, column 1", None),
        ("hello", "Invalid JSON: not JSON, line 1, column 1", None),
        ("[1]", "Invalid JSON: a JSON object is expected, line 0, column 0", None),
        (r#"{"ip_address":"999.1.1.1"}"#, "Invalid ip_address", Some("ip_address")),
        (r#"{"ip_lan":"192.168.1.100 "}"#, "Invalid ip_lan", Some("ip_lan")),
        (r#"{"ip_public":7}"#, "Invalid ip_public", Some("ip_public")),
        (r#"{"mac":"AA-BB-CC-DD-EE-FF"}"#, "Invalid mac", Some("mac")),
        (r#"{"note":"\u0000"}"#, "Invalid note", Some("note")),
    ];
    for (body, error, field) in table {
        let answer = bench.call("POST", &online(), body, None).await;
        assert_eq!(answer.status, 400, "{body}");
        assert_eq!(answer.json()["error"], error, "{body}");
        assert_eq!(answer.json()["field"].as_str(), field, "{body}");
    }
    for body in ["", "{}", "[]", " ", r#"{"ip_address":null,"mac":"","services":["ssh"],"uptime":5}"#] {
        assert_eq!(bench.call("POST", &online(), body, None).await.status, 200, "{body}");
    }
}

#[tokio::test]
async fn every_path_names_its_methods() {
    let bench = bench().await;
    for rule in RULES {
        let path = rule.route.template.replace("{device_key}", "absent").replace("{id}", "00000000");
        for method in ["PATCH", "TRACE", "BREW"] {
            let answer = bench.call(method, &path, "", None).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(answer.header("allow").contains(rule.route.method.as_str()), "{path}");
        }
        let options = bench.call("OPTIONS", &path, "", None).await;
        assert_eq!((options.status.as_u16(), options.text.as_str()), (204, ""), "{path}");
        if rule.route.method == Method::Get {
            let get = bench.operate("GET", &path, "").await;
            let head = bench.operate("HEAD", &path, "").await;
            assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
            if rule.operation != meeting_api::server::Operation::GenerateKey {
                assert_eq!(head.header("content-length"), get.text.len().to_string(), "{path}");
            }
        }
    }
    for path in ["/", "/api/", "/api/devices/", "/api/devices//online", "/api/device", "/API", "*"] {
        assert_eq!(bench.call("GET", path, "", None).await.status, 404, "{path}");
    }
    // R1: what is no device key names no device, however it is written.
    for key in ["%2e%2e", "a%2fb", "a%00b", "a.b", "%0d%0a", &"a".repeat(65)] {
        let answer = bench.call("POST", &format!("/api/devices/{key}/online"), "", None).await;
        assert_eq!(answer.text, r#"{"error":"Device not found"}"#, "{key}");
        assert_eq!(answer.status, 404, "{key}");
    }
}

/// Sends bytes, and reads whatever comes back until the end.
async fn talk(address: std::net::SocketAddr, head: &str, body: &[u8]) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("connected");
    stream.write_all(head.as_bytes()).await.expect("sent");
    // A server that has answered may stop reading.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documents_curl_lines_over_a_socket() {
    let bench = bench().await;
    let listening = listen(bench.server.clone()).await;
    let body = r#"{"ip_lan":"192.168.1.100","ip_public":"203.0.113.10","mac":"AA:BB:CC:DD:EE:FF"}"#;
    let length = body.len();
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: meeting.example.org\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n",
        online()
    );
    let answer = talk(listening.address, &head, body.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.ends_with(r#"{"ok":true,"ip_address":"127.0.0.1","last_seen":"2026-02-02 12:34:56"}"#),
        "{answer}"
    );
    let head =
        format!("GET /api/tunnels HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", listening.address);
    let answer = talk(listening.address, &head, b"").await;
    assert!(answer.ends_with("\r\n\r\n{\"tunnels\":[]}"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r3_a_client_that_sends_too_much_hears_why() {
    let bench = bench().await;
    let listening = listen(bench.server.clone()).await;
    let body = vec![b' '; 4 << 20];
    let head = format!("POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", online(), body.len());
    let answer = talk(listening.address, &head, &body).await;
    assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answer}");
    assert!(answer.ends_with(r#"{"error":"Body larger than 65536 bytes"}"#), "{answer}");
    // A client that asks first is told before it sends.
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Length: 4194304\r\nExpect: 100-continue\r\n\r\n",
        online()
    );
    let answer = talk(listening.address, &head, b"").await;
    assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answer}");
}
