//! What an agent must prove, and what guessing brings (row T3).

use std::net::{IpAddr, Ipv4Addr};

use proxy::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::Stage;

#[tokio::test]
async fn each_missing_proof_has_its_reason() {
    let stage = Stage::new().await;
    assert_eq!(stage.refusal("d", "c0ffee").await, Reason::DeviceNotFound);
    stage.meeting.device("d", "c0ffee");
    stage.meeting.change("d", |device| (device.authorized, device.heartbeat) = (false, false));
    // A stranger learns nothing but that the device exists.
    assert_eq!(stage.refusal("d", "decade").await, Reason::InvalidToken);
    assert_eq!(stage.refusal("d", "c0ffee").await, Reason::NotAuthorized);
    stage.meeting.change("d", |device| device.authorized = true);
    assert_eq!(stage.refusal("d", "c0ffee").await, Reason::NoRecentHeartbeat);
    stage.meeting.change("d", |device| device.heartbeat = true);
    let agent = stage.agent("d", "c0ffee", &[]).await.unwrap();
    agent.leave().await;
    stage.meeting.set_mute(true);
    assert_eq!(stage.refusal("d", "c0ffee").await, Reason::TokenCheckUnavailable);
}

#[tokio::test]
async fn a_token_that_is_not_told_is_accepted_only_on_request() {
    let stage = Stage::with(|config| {
        config.meeting.accept_without_token_check = true;
        config.meeting.secret = None;
    })
    .await;
    stage.meeting.device("d", "c0ffee");
    stage.agent("d", "anything", &[]).await.unwrap();
    assert_eq!(stage.refusal("e", "anything").await, Reason::DeviceNotFound);
}

#[tokio::test]
async fn the_documents_lines_byte_for_byte_and_the_close_after_an_error() {
    let stage = Stage::new().await;
    stage.meeting.device("0123456789abcdef0123456789abcdef", "c0ffee");
    for (line, answer) in [
        (
            "{\"token\":\"c0ffee\",\"name\":\"0123456789abcdef0123456789abcdef\"}\n",
            "{\"status\":\"authenticated\",\"device_key\":\"0123456789abcdef0123456789abcdef\"}\n",
        ),
        (
            "{\"token\":\"decade\",\"name\":\"0123456789abcdef0123456789abcdef\"}\n",
            "{\"error\":\"auth_failed\",\"reason\":\"invalid_token\"}\n",
        ),
        ("GET / HTTP/1.1\r\n\r\n", "{\"error\":\"auth_failed\",\"reason\":\"malformed_hello\"}\n"),
    ] {
        let mut stream = TcpStream::connect(stage.control).await.unwrap();
        stream.write_all(line.as_bytes()).await.unwrap();
        let mut got = vec![0; answer.len()];
        stream.read_exact(&mut got).await.unwrap();
        assert_eq!(String::from_utf8(got).unwrap(), answer);
        if answer.contains("error") {
            assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0, "open after the error line");
        }
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let mut stage = Stage::with(|config| {
        config.control.handshake_timeout =
            daemon::config::Period::from(std::time::Duration::from_millis(200));
    })
    .await;
    for sent in [&b""[..], b"{", b"{\"token\":\"c0ffee\","] {
        let mut stream = TcpStream::connect(stage.control).await.unwrap();
        stream.write_all(sent).await.unwrap();
        let mut rest = Vec::new();
        // A reset instead of an end is as good: nobody is there to be told.
        let _ = stream.read_to_end(&mut rest).await;
        assert_eq!(rest, b"");
        let refused = stage.expect(|event| matches!(event, proxy::Event::DeviceRefused { .. })).await;
        assert!(matches!(refused, proxy::Event::DeviceRefused { reason: Reason::HandshakeTimeout, .. }));
    }
}

fn source(n: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 1, n))
}

/// T3: wrong tokens lock a source out, and the right one from there is not looked at either; the device at its usual address gets in.
#[tokio::test]
async fn t3_guessing_locks_the_guesser_out_and_not_the_device() {
    let stage = Stage::new().await;
    stage.meeting.device("d", "c0ffee");
    stage.meeting.device("e", "facade");
    stage.agent("d", "c0ffee", &[]).await.unwrap().leave().await;
    for _ in 0..5 {
        assert_eq!(stage.refusal_from(source(1), "d", "decade").await, Reason::InvalidToken);
    }
    assert_eq!(stage.refusal_from(source(1), "d", "decade").await, Reason::LockedOut);
    assert_eq!(stage.refusal_from(source(1), "d", "c0ffee").await, Reason::LockedOut);
    // More sources use up what all strangers together have.
    let mut looked_at = 0;
    for n in 2..20 {
        looked_at += u32::from(stage.refusal_from(source(n), "d", "decade").await == Reason::InvalidToken);
    }
    assert_eq!(looked_at, 4, "9 failures of strangers a minute");
    assert_eq!(stage.refusal_from(source(30), "d", "c0ffee").await, Reason::LockedOut);
    // The device itself, and another device from the guesser's address, are not concerned.
    stage.agent("d", "c0ffee", &[]).await.unwrap().leave().await;
    stage.agent_from(source(1), "e", "facade", &[]).await.unwrap().leave().await;
}

/// T3: parallel attempts do not outrun the count.
#[tokio::test]
async fn t3_parallel_guesses_are_counted_too() {
    let stage = Stage::new().await;
    stage.meeting.device("d", "c0ffee");
    let guesses = (0..60).map(|n| stage.refusal_from(source(1 + n % 6), "d", "decade"));
    let mut looked_at = 0;
    for reason in join_all(guesses).await {
        looked_at += u32::from(reason == Reason::InvalidToken);
    }
    assert_eq!(looked_at, 9);
}

/// T3: known addresses outlive the proxy when there is a state file.
#[tokio::test]
async fn t3_known_addresses_are_written_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known");
    let stage = Stage::with(|config| config.lockout.state_file = Some(path.clone())).await;
    stage.meeting.device("d", "c0ffee");
    stage.agent("d", "c0ffee", &[]).await.unwrap().leave().await;
    stage.finish().await.unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "d 127.0.0.1\n");
}

/// T2: half-open connections of one source are bounded; others get in meanwhile.
#[tokio::test]
async fn t2_half_open_connections_do_not_keep_others_out() {
    let stage = Stage::with(|config| {
        config.control.half_open_per_source = "4:100:4".parse().unwrap();
    })
    .await;
    stage.meeting.device("d", "c0ffee");
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut stream = crate::stage::connect_from(source(1), stage.control).await.unwrap();
        stream.write_all(b"{").await.unwrap();
        held.push(stream);
    }
    let mut fifth = crate::stage::connect_from(source(1), stage.control).await.unwrap();
    let _ = fifth.write_all(b"{").await;
    assert!(matches!(fifth.read(&mut [0; 1]).await, Ok(0) | Err(_)));
    stage.agent("d", "c0ffee", &[]).await.unwrap();
}

async fn join_all<T>(futures: impl IntoIterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut pending: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        let mut waiting = false;
        for (future, result) in &mut pending {
            if result.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(value) => *result = Some(value),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    pending.into_iter().filter_map(|(_, result)| result).collect()
}
