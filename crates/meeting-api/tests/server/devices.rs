//! A device's day: entered, reporting, reachable, gone.

use meeting_api::server::Settings;

use crate::support::{Bench, DEVICE};

#[tokio::test]
async fn the_documents_heartbeat_is_answered_as_the_document_has_it() {
    let bench = Bench::new(Settings::default()).await;
    bench.add_device(DEVICE).await;
    let body = r#"{"ip_lan":"192.168.1.100","ip_public":"203.0.113.10","mac":"AA:BB:CC:DD:EE:FF"}"#;
    let answer = bench.call("POST", &format!("/api/devices/{DEVICE}/online"), body, None).await;
    assert_eq!(answer.text, r#"{"ok":true,"ip_address":"198.51.100.7","last_seen":"2026-02-02 12:34:56"}"#);
    assert_eq!(answer.status, 200);
    let unknown = bench.call("POST", "/api/devices/ffff/online", body, None).await;
    assert_eq!((unknown.status.as_u16(), unknown.text.as_str()), (404, r#"{"error":"Device not found"}"#));
}

#[tokio::test]
async fn a_port_is_reserved_once_listed_and_given_back() {
    let bench = Bench::new(Settings::default()).await;
    bench.add_reporting_device(DEVICE).await;
    let path = format!("/api/devices/{DEVICE}/service");
    let first = bench.call("POST", &path, r#"{"service":"ssh"}"#, None).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let again = bench.call("POST", &path, r#"{"service":"ssh"}"#, None).await;
    assert_eq!(first.text, again.text);
    let port = first.json()["port"].as_u64().expect("a port");
    assert!((9050..=9130).contains(&port), "{port}");
    let tunnels = bench.call("GET", "/api/tunnels", "", None).await.json();
    assert_eq!(tunnels["tunnels"][0]["port"], port);
    assert_eq!(tunnels["tunnels"][0]["local_port"], 22);
    let released = bench.operate("DELETE", &format!("{path}?service=ssh"), "").await;
    assert_eq!(released.text, r#"{"success":true}"#);
    assert_eq!(bench.call("GET", "/api/tunnels", "", None).await.text, r#"{"tunnels":[]}"#);
}
