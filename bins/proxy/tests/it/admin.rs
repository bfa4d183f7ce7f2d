//! Health, readiness and metrics.

use std::net::{Ipv4Addr, SocketAddr};

use daemon::config::Period;
use proxy::Event;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::{Stage, echo, visit};

pub(crate) async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
    let body = reply.split_once("\r\n\r\n").unwrap().1.to_owned();
    (status, body)
}

pub(crate) async fn admin(stage: &mut Stage) -> SocketAddr {
    let event = stage.expect(|event| matches!(event, Event::AdminListening { .. })).await;
    let Event::AdminListening { address } = event else { unreachable!() };
    address
}

#[tokio::test]
async fn metrics_count_what_happens() {
    let mut stage =
        Stage::with(|config| config.admin.listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()))
            .await;
    let address = admin(&mut stage).await;
    assert_eq!(get(address, "/healthz").await, (200, "ok\n".to_owned()));
    let service = echo().await;
    stage.meeting.device("d", "c0ffee");
    stage.meeting.tunnel("d", 9050, service, None);
    stage.refusal("d", "decade").await;
    let _first = stage.agent("d", "c0ffee", &[service]).await.unwrap();
    let _second = stage.agent("d", "c0ffee", &[service]).await.unwrap();
    assert_eq!(stage.disconnected().await, proxy::Ended::Replaced);
    let public = stage.tunnel_up(9050).await;
    assert_eq!(visit(public, b"twelve bytes").await.unwrap(), b"twelve bytes");
    stage.expect(|event| matches!(event, Event::VisitorClosed { .. })).await;
    let (status, metrics) = get(address, "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "proxy_devices_connected 1",
        "proxy_agents_accepted_total 2",
        "proxy_agents_refused_total{reason=\"invalid_token\"} 1",
        "proxy_takeovers_total 1",
        "proxy_sessions_ended_total{reason=\"replaced\"} 1",
        "proxy_public_ports_open 1",
        "proxy_visits_total 1",
        "proxy_visitors_connected 0",
        "proxy_visitor_bytes_total{direction=\"to_device\"} 12",
        "proxy_visitor_bytes_total{direction=\"to_visitor\"} 12",
        "proxy_half_open_connections 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in\n{metrics}");
    }
    assert!(metrics.contains("proxy_meeting_requests_total{request=\"device\",outcome=\"ok\"}"), "{metrics}");
    assert!(metrics.contains("proxy_meeting_request_seconds_bucket"), "{metrics}");
}

#[tokio::test]
async fn not_ready_while_meeting_is_silent() {
    let mut stage = Stage::with(|config| {
        config.admin.listen = Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into());
        config.meeting.unready_after = Period::from_secs(1);
    })
    .await;
    let address = admin(&mut stage).await;
    ready(address, 200).await;
    stage.meeting.set_down(true);
    ready(address, 503).await;
    assert!(get(address, "/readyz").await.1.starts_with("meeting: no answer for "));
    assert_eq!(get(address, "/healthz").await.0, 200);
    stage.meeting.set_down(false);
    ready(address, 200).await;
}

/// Asks until the answer is `status`.
async fn ready(address: SocketAddr, status: u16) {
    let asked = async {
        while get(address, "/readyz").await.0 != status {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), asked).await.expect("readiness does not change");
}
