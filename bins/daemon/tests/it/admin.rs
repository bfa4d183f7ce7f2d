//! Health, readiness and metrics, as an operator's tools see them.

use crate::world::{exchange, serve_with};
use daemon::admin::{Admin, Readiness};
use daemon::http::{HttpLimits, Server};
use daemon::lifecycle::Liveness;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use std::net::SocketAddr;
use std::time::Duration;

async fn get(address: SocketAddr, path: &str) -> String {
    exchange(address, format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes()).await
}

#[tokio::test]
async fn the_three_paths() {
    let (liveness, readiness, mut registry) =
        (Liveness::default(), Readiness::default(), Registry::default());
    let heartbeats = Counter::<u64>::default();
    registry.register("heartbeats", "Heartbeats accepted", heartbeats.clone());
    let store = readiness.condition("store", "opening");
    let admin = Admin::new(liveness.clone(), readiness.clone(), registry);
    let server = serve_with(Server::new(HttpLimits::default()), admin).await;

    let answer = get(server.address, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("store: opening\n"), "{answer}");
    store.met();
    assert_eq!(readiness.unmet(), []);
    let answer = get(server.address, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok\n"), "{answer}");

    assert!(get(server.address, "/healthz").await.ends_with("ok\n"));
    let _pulse = liveness.pulse("poller", Duration::ZERO);
    let answer = get(server.address, "/healthz").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.ends_with("poller: stands still\n"), "{answer}");

    heartbeats.inc_by(3);
    let answer = get(server.address, "/metrics").await;
    assert!(answer.contains("content-type: application/openmetrics-text"), "{answer}");
    assert!(answer.contains("heartbeats_total 3\n") && answer.ends_with("# EOF\n"), "{answer}");

    assert!(get(server.address, "/metrics/x").await.starts_with("HTTP/1.1 404 "));
    let post =
        exchange(server.address, b"POST /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(post.starts_with("HTTP/1.1 405 ") && post.contains("allow: GET, HEAD"), "{post}");
}
