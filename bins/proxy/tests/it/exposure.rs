//! Row T8: a public port is open exactly while its device's agent is here and authorised.

use std::io::ErrorKind;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use proxy::{Ended, Event};
use tokio::net::TcpStream;

use crate::stage::{Stage, echo, visit};

async fn refused(stage: &Stage, port: u16) {
    let error = TcpStream::connect(stage.ports.address(port)).await.expect_err("the port is open");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn t8_a_port_is_refused_before_the_agent_and_within_a_second_after_it() {
    let mut stage = Stage::new().await;
    stage.meeting.device("d", "c0ffee");
    stage.meeting.tunnel("d", 9050, echo().await, None);
    stage.meeting.listed_again().await;
    refused(&stage, 9050).await;
    // An agent that does not prove itself opens nothing.
    stage.refusal("d", "decade").await;
    stage.meeting.listed_again().await;
    refused(&stage, 9050).await;

    let agent = stage.agent("d", "c0ffee", &[]).await.unwrap();
    stage.tunnel_up(9050).await;
    TcpStream::connect(stage.ports.address(9050)).await.unwrap();

    let left = Instant::now();
    agent.leave().await;
    assert_eq!(stage.tunnel_down(9050).await, "device_gone");
    refused(&stage, 9050).await;
    let took = left.elapsed();
    assert!(took < Duration::from_secs(1), "the port closed after {took:?}");
    assert_eq!(stage.disconnected().await, Ended::ByAgent);
}

/// T8: the agent's connection breaks without a word (its process is killed).
#[tokio::test]
async fn t8_a_lost_agent_closes_the_port_within_a_second() {
    let mut stage = Stage::new().await;
    stage.meeting.device("d", "c0ffee");
    stage.meeting.tunnel("d", 9050, 22, None);
    let stream = TcpStream::connect(stage.control).await.unwrap();
    let socket = socket2::SockRef::from(&stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    let hello = crate::stage::hello("d", "c0ffee");
    let agent = tunnel_frame::client::connect(stream, &hello, Default::default()).await.unwrap();
    stage.tunnel_up(9050).await;
    let lost = Instant::now();
    drop(agent);
    stage.tunnel_down(9050).await;
    refused(&stage, 9050).await;
    let took = lost.elapsed();
    assert!(took < Duration::from_secs(1), "the port closed after {took:?}");
    assert_eq!(stage.disconnected().await, Ended::Lost);
}

#[tokio::test]
async fn t8_revoked_changed_and_deleted_devices_lose_session_and_port_at_the_next_look() {
    for (change, expected) in
        [("revoke", Ended::Revoked), ("token", Ended::TokenChanged), ("delete", Ended::DeviceDeleted)]
    {
        let mut stage = Stage::new().await;
        stage.meeting.device("d", "c0ffee");
        stage.meeting.tunnel("d", 9050, 22, None);
        let agent = stage.agent("d", "c0ffee", &[]).await.unwrap();
        stage.tunnel_up(9050).await;
        match change {
            "revoke" => stage.meeting.change("d", |device| device.authorized = false),
            "token" => stage.meeting.change("d", |device| device.token = "decade".into()),
            _ => stage.meeting.delete("d"),
        }
        assert_eq!(stage.disconnected().await, expected);
        stage.tunnel_down(9050).await;
        refused(&stage, 9050).await;
        agent.ended().await;
    }
}

#[tokio::test]
async fn ports_come_and_go_with_the_listing_and_others_are_not_touched() {
    let mut stage = Stage::new().await;
    let service = echo().await;
    stage.meeting.device("d", "c0ffee");
    stage.meeting.tunnel("d", 9050, service, None);
    let _agent = stage.agent("d", "c0ffee", &[service]).await.unwrap();
    let first = stage.tunnel_up(9050).await;
    let standing = TcpStream::connect(first).await.unwrap();
    stage.expect(|event| matches!(event, Event::VisitorOpened { .. })).await;
    stage.meeting.tunnel("d", 9051, service, None);
    let second = stage.tunnel_up(9051).await;
    assert_eq!(visit(second, b"hello").await.unwrap(), b"hello");
    stage.meeting.withdraw(9051);
    assert_eq!(stage.tunnel_down(9051).await, "withdrawn");
    refused(&stage, 9051).await;
    assert_eq!(visit(first, b"hello").await.unwrap(), b"hello");
    let about_the_first = |event: &Event| matches!(event, Event::TunnelUp { route, .. } | Event::TunnelDown { route, .. } if route.port == 9050);
    assert!(!stage.untaken().iter().any(about_the_first));
    drop(standing);
}

#[tokio::test]
async fn a_tunnel_ends_at_its_time() {
    let mut stage = Stage::new().await;
    stage.meeting.device("d", "c0ffee");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    stage.meeting.tunnel("d", 9050, 22, Some(i64::try_from(now).unwrap() + 2));
    let _agent = stage.agent("d", "c0ffee", &[]).await.unwrap();
    stage.tunnel_up(9050).await;
    assert_eq!(stage.tunnel_down(9050).await, "expired");
    let end = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!((now + 2..=now + 3).contains(&end), "closed {} s after it was opened", end - now);
}

#[tokio::test]
async fn a_reload_changes_the_range_and_keeps_sessions() {
    let mut stage = Stage::new().await;
    stage.meeting.device("d", "c0ffee");
    stage.meeting.tunnel("d", 9050, 22, None);
    stage.meeting.tunnel("d", 9070, 22, None);
    let _agent = stage.agent("d", "c0ffee", &[]).await.unwrap();
    stage.tunnel_up(9050).await;
    stage.tunnel_up(9070).await;
    let mut config = stage.config.clone();
    config.tunnels.ports = "9060-9080".to_owned().try_into().unwrap();
    stage.reloads.send(config).await.unwrap();
    stage.expect(|event| *event == Event::Reloaded).await;
    assert_eq!(stage.tunnel_down(9050).await, "forbidden");
    let gone = |event: &Event| matches!(event, Event::TunnelDown { .. } | Event::DeviceDisconnected { .. });
    assert!(!stage.untaken().iter().any(gone));
}
