//! Rows T4 and T5: one owner for each device, and an old session gives way only to one that proved itself.

use proxy::{Ended, Event, Reason};
use tunnel_frame::client::ConnectError;

use crate::stage::{Stage, echo, reason_of, visit};

#[tokio::test]
async fn t4_a_second_agent_takes_over_only_with_the_right_token() {
    let mut stage = Stage::new().await;
    let (old_service, new_service) = (echo().await, echo().await);
    stage.meeting.device("d", "c0ffee");
    stage.meeting.tunnel("d", 9050, old_service, None);
    stage.meeting.tunnel("d", 9051, new_service, None);
    let old = stage.agent("d", "c0ffee", &[old_service]).await.unwrap();
    let address = stage.tunnel_up(9050).await;
    let second = stage.tunnel_up(9051).await;
    assert_eq!(stage.refusal("d", "decade").await, Reason::InvalidToken);
    assert_eq!(visit(address, b"still here").await.unwrap(), b"still here");

    let _new = stage.agent("d", "c0ffee", &[new_service]).await.unwrap();
    assert_eq!(stage.disconnected().await, Ended::Replaced);
    old.ended().await;
    // Visitors reach the new agent alone: it has the new service, not the old one.
    assert_eq!(visit(second, b"new").await.unwrap(), b"new");
    assert_eq!(visit(address, b"old").await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
    // The listeners stayed open all the while.
    assert!(!stage.untaken().iter().any(|event| matches!(event, Event::TunnelDown { .. })));
}

#[tokio::test]
async fn t4_more_than_three_swaps_a_minute_are_refused() {
    let mut stage = Stage::new().await;
    stage.meeting.device("d", "c0ffee");
    let mut agents = vec![stage.agent("d", "c0ffee", &[]).await.unwrap()];
    for _ in 0..3 {
        agents.push(stage.agent("d", "c0ffee", &[]).await.unwrap());
    }
    assert_eq!(stage.refusal("d", "c0ffee").await, Reason::TooManyTakeovers);
    // The fourth, last accepted, is still served.
    stage.meeting.tunnel("d", 9050, 22, None);
    stage.tunnel_up(9050).await;
    for _ in 0..3 {
        assert_eq!(stage.disconnected().await, Ended::Replaced);
    }
}

/// T5: 64 agents of one device at once. The first and three who replace one another are accepted, the rest is refused, and one of
/// them is left: visitors reach exactly that one.
#[tokio::test]
async fn t5_of_64_parallel_handshakes_exactly_one_is_left() {
    let mut stage = Stage::with(|config| {
        config.control.half_open_per_source = "1000:0:1000".parse().unwrap();
    })
    .await;
    stage.meeting.device("d", "c0ffee");
    stage.meeting.tunnel("d", 9050, 22, None);
    let mut services = Vec::new();
    for _ in 0..64 {
        services.push(echo().await);
    }
    let mut handshakes = tokio::task::JoinSet::new();
    for port in services {
        let control = stage.control;
        handshakes.spawn(async move {
            let stream = tokio::net::TcpStream::connect(control).await.unwrap();
            crate::stage::agent_over(stream, "d", "c0ffee", &[port]).await
        });
    }
    let mut accepted = Vec::new();
    while let Some(result) = handshakes.join_next().await {
        match result.unwrap() {
            Ok(agent) => accepted.push(agent),
            Err(ConnectError::Refused(refusal)) => assert_eq!(reason_of(&refusal), Reason::TooManyTakeovers),
            // Replaced before its answer had left.
            Err(error) => assert!(matches!(error, ConnectError::Closed | ConnectError::Io(_)), "{error}"),
        }
    }
    for _ in 0..3 {
        assert_eq!(stage.disconnected().await, Ended::Replaced);
    }
    let connected = |event: &Event| matches!(event, Event::DeviceConnected { .. });
    assert_eq!(stage.untaken().iter().filter(|event| connected(event)).count(), 4);
    stage.tunnel_up(9050).await;
    drop(accepted);
}

/// One bad device never ends the others.
#[tokio::test]
async fn a_device_that_breaks_the_rules_is_alone_in_its_misery() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let mut stage = Stage::new().await;
    let service = echo().await;
    for key in ["good", "bad"] {
        stage.meeting.device(key, "c0ffee");
    }
    stage.meeting.tunnel("good", 9050, service, None);
    let _good = stage.agent("good", "c0ffee", &[service]).await.unwrap();
    let address = stage.tunnel_up(9050).await;
    let mut bad = tokio::net::TcpStream::connect(stage.control).await.unwrap();
    bad.write_all(b"{\"token\":\"c0ffee\",\"name\":\"bad\"}\n").await.unwrap();
    stage.expect(|event| matches!(event, Event::DeviceConnected { device, .. } if &**device == "bad")).await;
    // An unknown frame of almost 4 GiB.
    bad.write_all(b"Z\0\0\0\x01\xff\xff\xff\xff").await.unwrap();
    let mut rest = Vec::new();
    let _ = bad.read_to_end(&mut rest).await;
    assert_eq!(stage.disconnected().await, Ended::Protocol);
    assert_eq!(visit(address, b"fine").await.unwrap(), b"fine");
}
