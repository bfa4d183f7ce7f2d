//! The stream of events on a real socket: it flows, and whoever hangs up gives back his place.

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;

use crate::sockets::{Listening, listen};
use crate::support::{Bench, online, status};

async fn follow(bench: &Bench, listening: &Listening) -> Lines<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect(listening.address).await.unwrap();
    let head = format!(
        "GET /v1/ipwatch/events HTTP/1.1\r\nHost: example.org\r\nAuthorization: Bearer {}\r\n\r\n",
        bench.read
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "HTTP/1.1 200 OK");
    assert!(next(&mut lines, "event: ").await.ends_with("snapshot"));
    lines
}

/// The next line that begins so.
async fn next(lines: &mut Lines<BufReader<TcpStream>>, prefix: &str) -> String {
    loop {
        let line = lines.next_line().await.unwrap().expect("a line");
        if line.starts_with(prefix) {
            return line;
        }
    }
}

#[tokio::test]
async fn events_flow_to_each_follower_and_a_place_is_given_back() {
    let bench = Bench::new().await;
    bench.device("192.0.2.7", &[]).await;
    let listening = listen(bench.server.clone()).await;
    let mut followers = Vec::new();
    for _ in 0..10 {
        followers.push(follow(&bench, &listening).await);
    }
    assert_eq!(bench.server.counts().followers, 10);
    bench.heard("192.0.2.7", online());
    for follower in &mut followers {
        assert_eq!(next(follower, "event: ").await, "event: device");
        assert!(next(follower, "data: ").await.contains(r#""availability":"online""#));
    }
    followers.truncate(3);
    while bench.server.counts().followers > 3 {
        tokio::task::yield_now().await;
    }
    drop(followers);
    while bench.server.counts().followers > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_follower_that_does_not_read_holds_nobody_up() {
    let bench = Bench::new().await;
    bench.device("192.0.2.7", &[]).await;
    let listening = listen(bench.server.clone()).await;
    let stuck = follow(&bench, &listening).await;
    let mut quick = follow(&bench, &listening).await;
    // Far more than the kernel and the row of events hold together.
    for round in 0..40_000_u32 {
        bench.heard("192.0.2.7", status("192.0.2.7", f64::from(round % 100)));
        if round % 1000 == 0 {
            next(&mut quick, "event: ").await;
        }
    }
    while !next(&mut quick, "data: ").await.contains(r#""cpu_percent":99.0"#) {}
    // It has lost its place in the row, and is shown all machines when it reads again.
    let mut stream = stuck.into_inner().into_inner();
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains("event: snapshot") {
        text.clear();
        let mut piece = vec![0; 1 << 20];
        let length = stream.read(&mut piece).await.unwrap();
        assert!(length > 0, "the stream goes on");
        text.extend_from_slice(&piece[..length]);
    }
}
