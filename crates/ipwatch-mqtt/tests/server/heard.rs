//! What is taken of what is heard (threats M3, M5).

use ipwatch_mqtt::server::Heed;
use serde_json::json;

use crate::support::{Bench, new_device, offline, online, refused, status};

#[tokio::test]
async fn an_address_that_is_not_registered_is_shown_and_not_heeded() {
    let bench = Bench::new().await;
    bench.device("192.0.2.7", &[]).await;
    for news in [online(), status("192.0.2.66", 99.0), offline()] {
        assert_eq!(bench.heard_from("192.0.2.66", Some("agent"), news), Heed::Unregistered);
        bench.clock.advance(10);
    }
    let list = bench.get("/v1/ipwatch/devices").await.json();
    assert_eq!(list["devices"].as_array().unwrap().len(), 1);
    let stranger = json!([{
        "ip": "192.0.2.66", "reason": "unregistered", "user": "agent", "first_seen": "2026-01-31T12:00:00Z",
        "last_seen": "2026-01-31T12:00:20Z", "messages": 3,
    }]);
    assert_eq!(list["strangers"], stranger, "that it spoke, and nothing of what it said");
    assert_eq!(bench.get("/v1/ipwatch/devices/192.0.2.66").await.code(), refused(404, "unknown_device"));
    assert_eq!(bench.post("/api/tracking/shutdown/192.0.2.66").await.code(), refused(404, "unknown_device"));
    assert_eq!(bench.machines.told(), []);
    let counts = bench.server.counts();
    assert_eq!((counts.unregistered, counts.taken, counts.strangers, counts.unknown), (3, 0, 1, 1));

    // Registered, it is a stranger no more.
    bench.put("/v1/ipwatch/devices/192.0.2.66", json!({ "name": "new" })).await;
    assert_eq!(bench.heard("192.0.2.66", online()), Heed::Taken);
    assert_eq!(bench.get("/v1/ipwatch/devices").await.json()["strangers"], json!([]));
}

#[tokio::test]
async fn another_user_does_not_speak_for_a_machine() {
    let bench = Bench::new().await;
    let mut device = new_device("192.0.2.7", &[]);
    device.user = Some("press-7".to_owned());
    bench.register(device).await;
    assert_eq!(bench.heard_from("192.0.2.7", Some("press-7"), online()), Heed::Taken);
    for news in [offline(), status("192.0.2.7", 1.0)] {
        assert_eq!(bench.heard_from("192.0.2.7", Some("press-8"), news), Heed::WrongUser);
    }
    let list = bench.get("/v1/ipwatch/devices").await.json();
    assert_eq!(
        (&list["devices"][0]["availability"], &list["devices"][0]["status"]),
        (&json!("online"), &json!(null))
    );
    let stranger = &list["strangers"][0];
    assert_eq!(
        (&stranger["reason"], &stranger["user"], &stranger["messages"]),
        (&json!("wrong_user"), &json!("press-8"), &json!(2))
    );
    // A broker that does not tell who speaks has its own rules about it.
    assert_eq!(bench.heard_from("192.0.2.7", None, offline()), Heed::Taken);
    assert_eq!(bench.server.counts().wrong_user, 2);
}

#[tokio::test]
async fn a_flood_of_addresses_is_bounded() {
    let bench = Bench::new().await;
    for number in 0..3000_u32 {
        let address = std::net::Ipv4Addr::from_bits(0x0A00_0000 + number).to_string();
        assert_eq!(bench.heard(&address, online()), Heed::Unregistered);
    }
    let counts = bench.server.counts();
    assert_eq!((counts.strangers, counts.unregistered), (1024, 3000));
}

#[tokio::test]
async fn what_a_machine_says_moves_its_state() {
    let bench = Bench::new().await;
    bench.device("192.0.2.7", &[]).await;
    let states = [
        (status("192.0.2.7", 1.0), "online", 0),
        (online(), "online", 0),
        (offline(), "offline", 20),
        // A status that was on its way when it went does not bring it back.
        (status("192.0.2.7", 1.0), "offline", 20),
        (offline(), "offline", 20),
        (online(), "online", 50),
    ];
    for (news, availability, since) in states {
        bench.heard("192.0.2.7", news);
        let view = bench.get("/v1/ipwatch/devices/192.0.2.7").await.json();
        let since = crate::support::time(crate::support::START + since).to_string();
        assert_eq!((&view["availability"], &view["since"]), (&json!(availability), &json!(since)));
        bench.clock.advance(10);
    }
}
