//! What an open port must refuse (R3), over real sockets.

use crate::world::{exchange, plain, read_to_end, read_until, serve};
use daemon::config::{ByteSize, Period};
use daemon::http::{HttpLimits, Server};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::Instant;

#[tokio::test]
async fn r3_two_lengths_are_400_and_the_end_of_the_connection() {
    let server = plain().await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let table = [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "Transfer-Encoding: chunked\r\nContent-Length: 0",
        "content-length: 4\r\nX-Other: y\r\nTRANSFER-ENCODING: gzip, chunked",
    ];
    for lengths in table {
        let request = format!("POST / HTTP/1.1\r\nHost: x\r\n{lengths}\r\n\r\n0\r\n\r\n{smuggled}");
        let answer = exchange(server.address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{lengths}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{lengths}: {answer}");
        assert!(!answer.contains("smuggled"), "{lengths}: {answer}");
    }
}

#[tokio::test]
async fn r3_a_good_request_before_the_bad_one_is_still_answered() {
    let server = plain().await;
    let request = b"POST /good HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi\
        POST /bad HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n";
    let answer = exchange(server.address, request).await;
    assert!(answer.contains("/good hi"), "{answer}");
    assert!(answer.contains("HTTP/1.1 400 "), "{answer}");
    assert!(!answer.contains("/bad"), "{answer}");
}

#[tokio::test]
async fn r3_other_ambiguities_are_400() {
    let server = plain().await;
    let table = [
        "Content-Length: 4\r\nContent-Length: 5",
        "Content-Length: +4",
        "Content-Length: 4, 4",
        "Content-Length : 4",
        "Transfer-Encoding: identity",
        "X: y\r\n Transfer-Encoding: chunked",
    ];
    for header in table {
        let answer = exchange(
            server.address,
            format!("POST / HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\nabcd").as_bytes(),
        )
        .await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{header}: {answer}");
        assert_eq!(answer.matches("200 OK").count(), 0, "{header}: {answer}");
    }
}

#[tokio::test]
async fn r3_a_header_of_more_than_16_kib_is_431() {
    let server = plain().await;
    for (filler, status) in [(16_000, "200"), (16_400, "431"), (500_000, "431")] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request =
            format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: {}\r\n\r\n", "x".repeat(filler));
        // The server may close before it has read all of it.
        let _ = stream.write_all(request.as_bytes()).await;
        let answer = read_to_end(&mut stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{filler}: {answer}");
    }
}

#[tokio::test]
async fn the_limit_of_the_header_is_a_setting() {
    let limits = HttpLimits { max_header: ByteSize::from_bytes(2048), ..HttpLimits::default() };
    let server = serve(Server::new(limits)).await;
    let request =
        format!("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: {}\r\n\r\n", "x".repeat(2048));
    assert!(exchange(server.address, request.as_bytes()).await.starts_with("HTTP/1.1 431 "));
}

fn quick() -> HttpLimits {
    HttpLimits {
        header_timeout: Period::from(Duration::from_millis(200)),
        idle_timeout: Period::from(Duration::from_millis(600)),
        ..HttpLimits::default()
    }
}

#[tokio::test]
async fn r3_a_slow_header_is_408_however_steadily_it_drips() {
    let server = serve(Server::new(quick())).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let start = Instant::now();
    let (mut reading, mut writing) = stream.split();
    let drip = async {
        let mut tick = tokio::time::interval(Duration::from_millis(20));
        writing.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
        loop {
            tick.tick().await;
            if writing.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let answer = tokio::select! {
        answer = read_to_end(&mut reading) => answer,
        () = drip => unreachable!(),
    };
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let taken = start.elapsed();
    assert!(taken >= Duration::from_millis(190) && taken < Duration::from_secs(5), "{taken:?}");
}

#[tokio::test]
async fn a_silent_connection_and_an_idle_one_are_closed_at_their_own_times() {
    let server = serve(Server::new(quick())).await;
    let start = Instant::now();
    assert_eq!(exchange(server.address, b"").await, "");
    let silent = start.elapsed();
    assert!(silent >= Duration::from_millis(190) && silent < Duration::from_millis(590), "{silent:?}");

    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    read_until(&mut stream, "names=").await;
    let start = Instant::now();
    assert_eq!(read_to_end(&mut stream).await, "");
    let idle = start.elapsed();
    assert!(idle >= Duration::from_millis(550) && idle < Duration::from_secs(5), "{idle:?}");
}

#[tokio::test]
async fn other_protocols_get_no_answer_from_the_service() {
    let server = plain().await;
    for bytes in [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        b"\x16\x03\x01\x00\xa5\x01\r\n\r\n",
        b"{\"token\":\"x\"}\n\n\n",
    ] {
        let answer = exchange(server.address, bytes).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
}
