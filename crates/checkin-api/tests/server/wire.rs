//! Bytes on a socket: after any error the connection is drained or closed, and an unread body is never the next request
//! (threat C5).

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::sockets::{Listening, listen};
use crate::support::{Bench, EXAMPLE, SECRET, settings};

async fn bench() -> (Bench, Listening) {
    let bench = Bench::new();
    let mut quick = settings();
    quick.body_deadline = Duration::from_millis(300);
    bench.server.configure(quick);
    let listening = listen(bench.server.clone()).await;
    (bench, listening)
}

/// Sends pieces one after the other, and reads until the server closes or has answered so often.
async fn exchange(listening: &Listening, pieces: &[&[u8]], answers: usize) -> Vec<(u16, bool)> {
    let mut stream = TcpStream::connect(listening.address).await.expect("connected");
    stream.set_nodelay(true).expect("no delay");
    for piece in pieces {
        // A server that closes early may refuse the rest.
        let _ = stream.write_all(piece).await;
        let _ = stream.flush().await;
    }
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    while parse(&received).len() < answers {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(read) => received.extend_from_slice(&buffer[..read]),
        }
    }
    parse(&received)
}

/// The status of each complete answer, and whether it announces the end of the connection.
fn parse(mut bytes: &[u8]) -> Vec<(u16, bool)> {
    let mut answers = Vec::new();
    while let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        if status == 100 {
            bytes = &bytes[end + 4..];
            continue;
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
        let Some(rest) = bytes.get(end + 4 + length..) else { break };
        answers.push((status, head.contains("connection: close")));
        bytes = rest;
    }
    answers
}

fn request(key: &str, headers: &str, body: &str) -> String {
    format!(
        "POST /checkins HTTP/1.1\r\nhost: checkin.example.org\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\n{headers}\r\n{body}"
    )
}

fn valid(hash: &str) -> String {
    let body = EXAMPLE.replace("A1B2C3D4E5F67890", hash);
    request(SECRET, &format!("content-length: {}\r\n", body.len()), &body)
}

fn stored(bench: &Bench) -> Vec<Vec<String>> {
    bench.rows("SELECT packet_hash FROM check_ins ORDER BY packet_hash")
}

/// Each refused request carries a valid one in its body. It must never be served, and what follows on the same connection must be,
/// or the connection be closed.
#[tokio::test]
async fn c5_an_unread_body_is_never_the_next_request() {
    let (bench, listening) = bench().await;
    let smuggled = valid("SMUGGLED");
    let length = smuggled.len();
    let with_length = format!("content-length: {length}\r\n");
    let chunk = format!("{length:x}\r\n{smuggled}\r\n0\r\n\r\n");
    let path = |path: &str| {
        request(SECRET, &with_length, &smuggled).replacen("/checkins HTTP", &format!("{path} HTTP"), 1)
    };
    let padding = "x".repeat(8000);
    let large = format!("{padding}{smuggled}");
    let refused: Vec<(u16, String)> = vec![
        (401, request("wrong", &with_length, &smuggled)),
        (401, request("wrong", "transfer-encoding: chunked\r\n", &chunk)),
        (401, request("wrong", &format!("{with_length}expect: 100-continue\r\n"), &smuggled)),
        (404, path("/nowhere")),
        (405, path("/checkins").replacen("POST", "PUT", 1)),
        (405, path("/healthz")),
        (415, path("/checkins").replacen("application/json", "text/plain", 1)),
        (413, request(SECRET, &format!("content-length: {}\r\n", large.len()), &large)),
        (
            413,
            request(
                SECRET,
                "transfer-encoding: chunked\r\n",
                &format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len()),
            ),
        ),
        (400, request(SECRET, &with_length, &smuggled)),
    ];
    for (number, (status, head)) in refused.iter().enumerate() {
        let next = valid(&format!("NEXT{number}"));
        // In one piece, and with the body behind the head.
        let whole = format!("{head}{next}");
        let cut = head.len() - smuggled.len().min(head.len() / 2);
        for pieces in [vec![whole.as_bytes()], vec![&whole.as_bytes()[..cut], &whole.as_bytes()[cut..]]] {
            let answers = exchange(&listening, &pieces, 2).await;
            assert_eq!(answers.first().map(|answer| answer.0), Some(*status), "{number}: {answers:?}");
            match answers.as_slice() {
                [(_, close)] => assert!(*close, "{number}: closed without a word"),
                [(_, close), (second, _)] => {
                    assert!(!close && [200, 201].contains(second), "{number}: {answers:?}")
                }
                other => panic!("{number}: {other:?}"),
            }
        }
    }
    let found = stored(&bench).concat();
    assert!(!found.contains(&"SMUGGLED".to_owned()), "{found:?}");
    // Small refused bodies are drained, and their connections go on.
    for number in [0, 1, 3, 4, 5, 6, 9] {
        assert!(found.contains(&format!("NEXT{number}")), "{number} was not drained: {found:?}");
    }
    for number in [2, 7, 8] {
        assert!(!found.contains(&format!("NEXT{number}")), "{number}: {found:?}");
    }
}

/// Requests whose length can be read in two ways end before they reach the server, or in its refusal; nothing is stored.
#[tokio::test]
async fn c5_two_lengths_store_nothing() {
    let (bench, listening) = bench().await;
    let body = EXAMPLE;
    let length = body.len();
    for headers in [
        format!("content-length: {length}\r\ncontent-length: {}\r\n", length + 1),
        format!("content-length: {length}, {}\r\n", length + 1),
        format!("content-length: +{length}\r\n"),
        format!("content-length: {length}x\r\n"),
        "content-length: -1\r\n".to_owned(),
        "transfer-encoding: chunked, identity\r\n".to_owned(),
        "transfer-encoding: xchunked\r\n".to_owned(),
        format!("content-length : {length}\r\n"),
    ] {
        let request = request(SECRET, &headers, body);
        let answers = exchange(&listening, &[request.as_bytes()], 1).await;
        assert!(answers.iter().all(|(status, _)| *status == 400), "{headers:?}: {answers:?}");
        assert!(stored(&bench).is_empty(), "{headers:?}: {answers:?}");
    }
}

#[tokio::test]
async fn a_body_that_stalls_is_408_and_others_are_answered_meanwhile() {
    let (bench, listening) = bench().await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(listening.address).await.expect("connected");
        stream.write_all(b"POST /checkins HTTP/1.1\r\nhost: x\r\n").await.expect("sent");
        idle.push(stream);
    }
    let (stalled, live) = (request(SECRET, "content-length: 500\r\n", "{\"packet"), valid("LIVE"));
    let (stalled, live) = ([stalled.as_bytes()], [live.as_bytes()]);
    let (stalled, live) = tokio::join!(exchange(&listening, &stalled, 2), exchange(&listening, &live, 1));
    assert_eq!(stalled, [(408, true)]);
    assert_eq!(live, [(201, false)]);
    assert_eq!(stored(&bench), [["LIVE"]]);
}

/// curl and others send such a head first and wait for a word.
#[tokio::test]
async fn expect_100_continue_is_answered_before_the_body_is_sent() {
    let (_bench, listening) = bench().await;
    let mut stream = TcpStream::connect(listening.address).await.expect("connected");
    let head = request(SECRET, &format!("content-length: {}\r\nexpect: 100-continue\r\n", EXAMPLE.len()), "");
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut buffer = [0; 1024];
    let read = stream.read(&mut buffer).await.expect("a word");
    assert_eq!(&buffer[..read], b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(EXAMPLE.as_bytes()).await.expect("sent");
    let read = stream.read(&mut buffer).await.expect("an answer");
    assert!(
        buffer[..read].starts_with(b"HTTP/1.1 201 Created\r\n"),
        "{}",
        String::from_utf8_lossy(&buffer[..read])
    );
}

/// A body that ends early is no check-in, even where what came is one.
#[tokio::test]
async fn a_body_that_breaks_off_stores_nothing() {
    let (bench, listening) = bench().await;
    let longer = request(SECRET, &format!("content-length: {}\r\n", EXAMPLE.len() + 1), EXAMPLE);
    let mut stream = TcpStream::connect(listening.address).await.expect("connected");
    stream.write_all(longer.as_bytes()).await.expect("sent");
    stream.shutdown().await.expect("no more");
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(!rest.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&rest));
    assert!(stored(&bench).is_empty());
}
