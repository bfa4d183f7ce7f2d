//! Which machines and groups there are.

use ipwatch_mqtt::server::Settings;
use serde_json::json;

use crate::support::{Bench, online, refused, status};

#[tokio::test]
async fn a_machine_is_registered_changed_and_retired() {
    let bench = Bench::new().await;
    let path = "/v1/ipwatch/devices/192.0.2.7";
    let body = json!({ "name": "Press 7", "mac": "00:00:5E:00:53:07", "groups": ["lab", "hall"], "user": "press-7" });
    let made = bench.put(path, body).await;
    assert_eq!(made.status, 201);
    let expected = json!({
        "ip": "192.0.2.7", "name": "Press 7", "mac": "00:00:5e:00:53:07", "groups": ["hall", "lab"],
        "user": "press-7", "availability": "unknown", "since": null, "last_seen": null, "status": null,
        "status_at": null, "wake": null,
    });
    assert_eq!(made.json(), expected);
    assert_eq!(bench.get(path).await.json(), expected);
    bench.heard("192.0.2.7", online());
    // What is left out is taken away; what was heard of it stays.
    let changed = bench.put(path, json!({ "name": "Press seven", "colour": "red" })).await;
    assert_eq!(changed.status, 200);
    let view = changed.json();
    assert_eq!(
        (&view["name"], &view["mac"], &view["groups"]),
        (&json!("Press seven"), &json!(null), &json!([]))
    );
    assert_eq!((&view["availability"], &view["since"]), (&json!("online"), &json!("2026-01-31T12:00:00Z")));

    let gone = bench.send("DELETE", path, &bench.administer, None).await;
    assert_eq!((gone.status.as_u16(), gone.text.as_str()), (204, ""));
    assert_eq!(bench.get(path).await.code(), refused(404, "unknown_device"));
    assert_eq!(
        bench.send("DELETE", path, &bench.administer, None).await.code(),
        refused(404, "unknown_device")
    );
    assert_eq!(bench.machines.retired(), ["192.0.2.7"], "the way to the machines is told once");
    // Registered again it is new, and nothing is known of it.
    let again = bench.put(path, json!({ "name": "Press 7" })).await;
    assert_eq!((again.status.as_u16(), &again.json()["availability"]), (201, &json!("unknown")));
}

#[tokio::test]
async fn what_is_no_machine_is_refused_and_nothing_is_kept() {
    let bench = Bench::new().await;
    for (address, body) in [
        ("192.0.2.7", json!({ "name": "" })),
        ("192.0.2.7", json!({ "name": " a" })),
        ("192.0.2.7", json!({ "name": "a\nb" })),
        ("192.0.2.7", json!({ "name": "n".repeat(101) })),
        ("192.0.2.7", json!({ "name": "a", "mac": "00:00:5e:00:53" })),
        ("192.0.2.7", json!({ "name": "a", "groups": ["a/b"] })),
        ("192.0.2.7", json!({ "name": "a", "groups": ["+"] })),
        ("192.0.2.7", json!({ "name": "a", "groups": vec!["g"; 65] })),
        ("192.0.2.7", json!({ "name": "a", "user": "" })),
        ("192.0.2.7", json!({ "name": "a", "user": "x".repeat(257) })),
        ("192.0.2.7", json!({ "mac": null })),
        ("192.0.2.7", json!([])),
        ("0.0.0.0", json!({ "name": "a" })),
        ("239.1.2.3", json!({ "name": "a" })),
        ("press-7", json!({ "name": "a" })),
    ] {
        let reply = bench.put(&format!("/v1/ipwatch/devices/{address}"), body.clone()).await;
        assert_eq!(reply.code(), refused(400, "invalid"), "{address} {body}");
    }
    assert_eq!(bench.get("/v1/ipwatch/devices").await.json(), json!({ "devices": [], "strangers": [] }));
    assert_eq!(bench.get("/v1/ipwatch/groups").await.json(), json!({ "groups": [] }));
}

#[tokio::test]
async fn no_more_machines_than_may_be() {
    let mut settings = Settings::default();
    settings.max_devices = 2;
    let bench = Bench::with(settings).await;
    let put = |address: &'static str| bench.put(address, json!({ "name": "a" }));
    assert_eq!(put("/v1/ipwatch/devices/192.0.2.1").await.status, 201);
    assert_eq!(put("/v1/ipwatch/devices/192.0.2.2").await.status, 201);
    assert_eq!(put("/v1/ipwatch/devices/192.0.2.3").await.code(), refused(409, "too_many_devices"));
    assert_eq!(put("/v1/ipwatch/devices/192.0.2.2").await.status, 200);
}

#[tokio::test]
async fn groups_hold_registered_machines() {
    let bench = Bench::new().await;
    bench.device("192.0.2.7", &["lab"]).await;
    bench.device("192.0.2.8", &[]).await;
    let path = "/v1/ipwatch/groups/hall";
    let made = bench.put(path, json!({ "devices": ["192.0.2.8", "192.0.2.7", "192.0.2.8"] })).await;
    let expected = json!({ "name": "hall", "devices": ["192.0.2.7", "192.0.2.8"] });
    assert_eq!((made.status.as_u16(), made.json()), (200, expected.clone()));
    assert_eq!(bench.get(path).await.json(), expected);
    let stranger = bench.put(path, json!({ "devices": ["192.0.2.7", "192.0.2.99"] })).await;
    assert_eq!(stranger.code(), refused(409, "unknown_device"));
    assert_eq!(stranger.json()["error"], "192.0.2.99 is no registered machine");
    assert_eq!(bench.get(path).await.json(), expected, "and nothing has changed");
    assert_eq!(bench.get("/v1/ipwatch/devices/192.0.2.7").await.json()["groups"], json!(["hall", "lab"]));

    bench.send("DELETE", "/v1/ipwatch/devices/192.0.2.7", &bench.administer, None).await;
    let groups = json!({ "groups": [
        { "name": "hall", "devices": ["192.0.2.8"] }, { "name": "lab", "devices": [] },
    ] });
    assert_eq!(bench.get("/v1/ipwatch/groups").await.json(), groups);
    assert_eq!(bench.send("DELETE", path, &bench.administer, None).await.status, 204);
    assert_eq!(
        bench.send("DELETE", path, &bench.administer, None).await.code(),
        refused(404, "unknown_group")
    );
    assert_eq!(bench.get(path).await.code(), refused(404, "unknown_group"));
    assert_eq!(bench.get("/v1/ipwatch/devices/192.0.2.8").await.json()["groups"], json!([]));
    assert_eq!(
        bench.put("/v1/ipwatch/groups/a%2Fb", json!({ "devices": [] })).await.code(),
        refused(400, "invalid")
    );
}

#[tokio::test]
async fn what_another_process_changes_is_seen_after_ten_seconds() {
    let bench = Bench::new().await;
    let other = bench.again().await;
    bench.device("192.0.2.7", &[]).await;
    assert_eq!(other.devices().devices.len(), 0);
    for _ in 0..10 {
        crate::support::tick(&other).await;
    }
    assert_eq!(other.devices().devices.len(), 1);
}

#[tokio::test]
async fn a_status_is_shown_with_the_documents_fields() {
    let bench = Bench::new().await;
    bench.device("192.0.2.7", &[]).await;
    bench.heard("192.0.2.7", online());
    bench.clock.advance(30);
    bench.heard("192.0.2.7", status("192.0.2.7", 45.2));
    let view = bench.get("/v1/ipwatch/devices/192.0.2.7").await.json();
    assert_eq!((&view["availability"], &view["since"]), (&json!("online"), &json!("2026-01-31T12:00:00Z")));
    assert_eq!(
        (&view["status_at"], &view["last_seen"]),
        (&json!("2026-01-31T12:00:30Z"), &json!("2026-01-31T12:00:30Z"))
    );
    for (field, value) in [
        ("hostname", json!("server-01")),
        ("uptime", json!(86400)),
        ("cpu_percent", json!(45.2)),
        ("memory_percent", json!(62.5)),
        ("disk_percent", json!(78.3)),
    ] {
        assert_eq!(view["status"][field], value, "{field}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_registered_meanwhile_is_never_lost_by_a_reading_that_began_before() {
    let bench = std::sync::Arc::new(Bench::new().await);
    let reading = {
        let bench = std::sync::Arc::clone(&bench);
        tokio::spawn(async move {
            loop {
                bench.server.reload().await.unwrap();
            }
        })
    };
    for number in 1..=150 {
        let path = format!("/v1/ipwatch/devices/192.0.2.{number}");
        assert_eq!(bench.put(&path, json!({ "name": "a" })).await.status, 201);
        assert_eq!(bench.get(&path).await.status, 200, "{number}");
    }
    reading.abort();
    assert_eq!(bench.server.devices().devices.len(), 150);
}
