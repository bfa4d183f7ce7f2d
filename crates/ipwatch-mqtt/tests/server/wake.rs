//! Waking machines, and the check that they came up.

use std::net::SocketAddr;
use std::time::Duration;

use ipwatch_mqtt::server::Settings;
use serde_json::{Value, json};
use tokio::net::UdpSocket;

use crate::support::{Bench, new_device, offline, online, refused, status};

const DEVICE: &str = "192.0.2.7";

/// A server that wakes into this socket.
async fn bench() -> (Bench, UdpSocket) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut settings = Settings::default();
    settings.wake_destinations = vec![socket.local_addr().unwrap()];
    let bench = Bench::with(settings).await;
    let mut device = new_device(DEVICE, &["lab"]);
    device.mac = Some("00:00:5e:00:53:07".parse().unwrap());
    bench.register(device).await;
    bench.heard(DEVICE, offline());
    (bench, socket)
}

async fn wake(bench: &Bench) -> Value {
    bench.get(&format!("/v1/ipwatch/devices/{DEVICE}")).await.json()["wake"].clone()
}

fn packet(mac: [u8; 6]) -> Vec<u8> {
    let mut packet = vec![0xff; 6];
    for _ in 0..16 {
        packet.extend(mac);
    }
    packet
}

#[tokio::test]
async fn the_magic_packet_is_sent_and_the_machine_that_comes_up_is_noticed() {
    let (bench, socket) = bench().await;
    let reply = bench.post("/api/tracking/wol/192.0.2.7").await;
    let expected = json!({
        "ip": DEVICE, "command": "wol", "success": true, "message": "the magic packet is sent", "code": null,
        "timestamp": null, "took_ms": reply.json()["took_ms"],
    });
    assert_eq!((reply.status.as_u16(), reply.json()), (200, expected));
    let mut received = [0; 256];
    for _ in 0..3 {
        let length = socket.recv(&mut received).await.unwrap();
        assert_eq!(received[..length], packet([0x00, 0x00, 0x5e, 0x00, 0x53, 0x07]));
    }
    assert_eq!(wake(&bench).await, json!({ "at": "2026-01-31T12:00:00Z", "result": "waiting" }));
    bench.tick().await;
    assert_eq!(bench.log().await[0]["outcome"], "sent");
    bench.heard(DEVICE, online());
    assert_eq!(wake(&bench).await["result"], "up");
    bench.tick().await;
    let log = bench.log().await;
    assert_eq!(
        (&log[0]["outcome"], &log[0]["message"], log.len()),
        (&json!("up"), &json!("the machine came up"), 1)
    );
    assert!(log[0]["took_ms"].is_u64());
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_gives_no_sign_is_given_up_after_the_set_time() {
    let (bench, _socket) = bench().await;
    assert_eq!(bench.post("/api/tracking/wol/192.0.2.7").await.status, 200);
    // The status of a machine that is still offline is no sign; neither is offline again.
    bench.heard(DEVICE, status(DEVICE, 1.0));
    bench.heard(DEVICE, offline());
    tokio::time::advance(Duration::from_secs(179)).await;
    bench.tick().await;
    assert_eq!(wake(&bench).await["result"], "waiting");
    tokio::time::advance(Duration::from_secs(1)).await;
    bench.tick().await;
    assert_eq!(wake(&bench).await["result"], "no_sign");
    let log = bench.log().await;
    assert_eq!((&log[0]["outcome"], &log[0]["took_ms"]), (&json!("no_sign"), &json!(180_000)));
    // What comes after that changes nothing of it.
    bench.heard(DEVICE, online());
    bench.tick().await;
    assert_eq!((wake(&bench).await["result"].clone(), bench.log().await), (json!("no_sign"), log));
}

#[tokio::test]
async fn a_machine_without_a_mac_cannot_be_woken() {
    let (bench, _socket) = bench().await;
    bench.device("192.0.2.8", &["lab"]).await;
    let reply = bench.post("/api/tracking/wol/192.0.2.8").await;
    assert_eq!(reply.code(), refused(409, "no_mac"));
    let log = bench.log().await;
    assert_eq!((&log[0]["outcome"], &log[0]["code"]), (&json!("unsent"), &json!("no_mac")));
    let group = bench.post("/v1/ipwatch/groups/lab/wol").await.json();
    let outcomes: Vec<_> =
        group["answers"].as_array().unwrap().iter().map(|answer| &answer["outcome"]).collect();
    assert_eq!(
        (outcomes, &group["done"], &group["failed"]),
        (vec![&json!("sent"), &json!("unsent")], &json!(1), &json!(1))
    );
}

#[tokio::test]
async fn packets_that_cannot_be_sent_are_said_to_be() {
    let (bench, _socket) = bench().await;
    let mut settings = Settings::default();
    // A documentation address has no route from loopback alone, and the port 0 has none anywhere.
    settings.wake_destinations = vec![SocketAddr::from(([127, 0, 0, 1], 0))];
    bench.server.configure(settings);
    let reply = bench.post("/api/tracking/wol/192.0.2.7").await;
    assert_eq!(reply.code(), refused(503, "not_sent"));
    assert_eq!(wake(&bench).await, json!(null));
    bench.tick().await;
    assert_eq!(bench.log().await[0]["outcome"], "unsent");
    let mut settings = Settings::default();
    settings.wake_destinations = Vec::new();
    bench.server.configure(settings);
    assert_eq!(bench.post("/api/tracking/wol/192.0.2.7").await.code(), refused(503, "not_sent"));
}

#[tokio::test]
async fn a_schedule_wakes_too() {
    let (bench, socket) = bench().await;
    let schedule = json!({
        "name": "Morning", "cron": "0 7 * * *", "zone": "UTC", "command": "wol", "target": { "group": "lab" },
    });
    let made =
        bench.send("POST", "/v1/ipwatch/schedules", &bench.administer, Some(&schedule.to_string())).await;
    assert_eq!(made.status, 201);
    bench.clock.advance(19 * 3600);
    bench.tick().await;
    let mut received = [0; 256];
    assert_eq!(socket.recv(&mut received).await.unwrap(), 102);
    assert_eq!(wake(&bench).await, json!({ "at": "2026-02-01T07:00:00Z", "result": "waiting" }));
    let view = bench.get("/v1/ipwatch/schedules").await.json();
    assert_eq!(view["schedules"][0]["last"]["done"], 1);
}
