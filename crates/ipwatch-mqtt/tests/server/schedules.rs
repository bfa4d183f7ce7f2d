//! Schedules through the routes and over time.

use ipwatch_mqtt::CommandName;
use serde_json::{Value, json};

use crate::support::{Bench, refused, says, tick};

const PATH: &str = "/v1/ipwatch/schedules";

fn lights_out() -> Value {
    json!({
        "name": "Lights out", "cron": "0 22 * * *", "zone": "Europe/Paris", "command": "shutdown",
        "target": { "group": "lab" },
    })
}

async fn room() -> Bench {
    let bench = Bench::new().await;
    bench.device("192.0.2.7", &["lab"]).await;
    bench.device("192.0.2.8", &["lab"]).await;
    bench.device("192.0.2.9", &[]).await;
    bench.machines.answer("192.0.2.7", says(true, "ok", None));
    bench.machines.answer("192.0.2.8", says(false, "no", Some("not_allowed")));
    bench.machines.answer("192.0.2.9", says(true, "ok", None));
    bench
}

async fn make(bench: &Bench, schedule: &Value) -> Value {
    let made = bench.send("POST", PATH, &bench.administer, Some(&schedule.to_string())).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()
}

#[tokio::test]
async fn one_is_made_shown_changed_and_forgotten() {
    let bench = room().await;
    let made = make(&bench, &lights_out()).await;
    let id = made["id"].as_str().unwrap().to_owned();
    let expected = json!({
        "id": id, "name": "Lights out", "cron": "0 22 * * *", "zone": "Europe/Paris", "command": "shutdown",
        "target": { "group": "lab" }, "enabled": true, "author": "administer-key",
        "created_at": "2026-01-31T12:00:00Z", "next": "2026-01-31T21:00:00Z", "last": null,
    });
    assert_eq!(made, expected);
    let path = format!("{PATH}/{id}");
    assert_eq!(bench.get(&path).await.json(), expected);
    assert_eq!(bench.get(PATH).await.json(), json!({ "schedules": [expected] }));
    let mut changed = lights_out();
    (changed["enabled"], changed["target"], changed["command"]) = (json!(false), json!("all"), json!("wol"));
    let view = bench.put(&path, changed).await.json();
    assert_eq!(
        (&view["enabled"], &view["next"], &view["target"], &view["command"]),
        (&json!(false), &json!(null), &json!("all"), &json!("wol"))
    );
    assert_eq!(bench.send("DELETE", &path, &bench.administer, None).await.status, 204);
    for method in ["GET", "DELETE"] {
        let gone = bench.send(method, &path, &bench.administer, None).await;
        assert_eq!(gone.code(), refused(404, "unknown_schedule"));
    }
    assert_eq!(bench.put(&path, lights_out()).await.code(), refused(404, "unknown_schedule"));
    assert_eq!(bench.get(&format!("{PATH}/..")).await.code(), refused(404, "unknown_schedule"));
}

#[tokio::test]
async fn an_expression_shows_when_it_comes_up() {
    let bench = room().await;
    let ask = async |body: Value| {
        bench.send("POST", &format!("{PATH}/preview"), &bench.read, Some(&body.to_string())).await
    };
    let next = ask(json!({ "cron": "0 22 * * mon-fri", "zone": "Europe/Paris" })).await;
    let days = ["02", "03", "04", "05", "06"].map(|day| format!("2026-02-{day}T21:00:00Z"));
    assert_eq!((next.status.as_u16(), next.json()), (200, json!({ "next": days })));
    let refusal = ask(json!({ "cron": "0 22 * *", "zone": "Europe/Paris" })).await;
    assert_eq!(refusal.code(), refused(400, "invalid"));
    assert_eq!(bench.get(PATH).await.json(), json!({ "schedules": [] }), "and nothing is made");
}

#[tokio::test]
async fn what_is_no_schedule_is_refused_with_a_reason() {
    let bench = room().await;
    for (field, value, words) in [
        ("cron", json!("0 25 * * *"), "hour: \"25\" is not in 0-23"),
        ("cron", json!("0 0 30 2 *"), "there is no such day"),
        ("zone", json!("Mars/Olympus"), "no such time zone"),
        ("command", json!("format"), "unknown variant"),
        ("target", json!({ "device": "nobody" }), "invalid IP address"),
        ("target", json!({ "group": "a/b" }), ""),
        ("target", json!("none"), "unknown variant"),
        ("name", json!(""), "a name has"),
        ("enabled", json!("yes"), "invalid type"),
    ] {
        let mut schedule = lights_out();
        schedule[field] = value;
        let reply = bench.send("POST", PATH, &bench.administer, Some(&schedule.to_string())).await;
        assert_eq!(reply.code(), refused(400, "invalid"), "{schedule}");
        let error = reply.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(words), "{schedule}: {error}");
    }
    assert_eq!(bench.get(PATH).await.json(), json!({ "schedules": [] }));
}

#[tokio::test]
async fn a_slot_is_run_once_and_written_down() {
    let bench = room().await;
    let id = make(&bench, &lights_out()).await["id"].as_str().unwrap().to_owned();
    bench.clock.advance(9 * 3600 - 1);
    bench.tick().await;
    assert_eq!(bench.machines.told(), []);
    bench.clock.advance(1);
    bench.tick().await;
    let both =
        [("192.0.2.7".to_owned(), CommandName::Shutdown), ("192.0.2.8".to_owned(), CommandName::Shutdown)];
    assert_eq!(bench.machines.told(), both);
    for _ in 0..20 {
        bench.clock.advance(1);
        bench.tick().await;
    }
    assert_eq!(bench.machines.told(), [], "once");
    let view = bench.get(&format!("{PATH}/{id}")).await.json();
    assert_eq!(
        view["last"],
        json!({ "slot": "2026-01-31T21:00:00Z", "outcome": "ran", "done": 1, "failed": 1 })
    );
    assert_eq!(view["next"], "2026-02-01T21:00:00Z");
    let log = bench.log().await;
    let log: Vec<_> = log
        .iter()
        .map(|entry| [&entry["who"], &entry["schedule"], &entry["ip"], &entry["outcome"]])
        .collect();
    let (who, schedule) = (json!("Lights out"), json!(id));
    assert_eq!(
        log,
        [
            [&who, &schedule, &json!("192.0.2.8"), &json!("refused")],
            [&who, &schedule, &json!("192.0.2.7"), &json!("done")],
        ]
    );
}

#[tokio::test]
async fn no_slot_is_run_twice_by_two_receivers_or_after_a_restart() {
    let bench = room().await;
    make(&bench, &lights_out()).await;
    let rival = bench.again().await;
    bench.clock.advance(9 * 3600);
    tokio::join!(bench.tick(), tick(&rival));
    assert_eq!(bench.machines.told().len(), 2, "one of them");
    let restarted = bench.again().await;
    for server in [&bench.server, &rival, &restarted] {
        tick(server).await;
    }
    assert_eq!(bench.machines.told(), []);
    bench.clock.advance(24 * 3600);
    tick(&restarted).await;
    tick(&rival).await;
    assert_eq!(bench.machines.told().len(), 2, "and the next day one again");
}

#[tokio::test]
async fn a_slot_that_nobody_ran_is_missed_and_said_to_be() {
    let bench = room().await;
    let id = make(&bench, &lights_out()).await["id"].as_str().unwrap().to_owned();
    // The receiver is away for three evenings, and comes back at noon.
    bench.clock.advance(3 * 24 * 3600);
    let restarted = bench.again().await;
    tick(&restarted).await;
    assert_eq!(bench.machines.told(), []);
    let log = bench.log().await;
    assert_eq!(log.len(), 1);
    let entry = &log[0];
    assert_eq!(
        [&entry["outcome"], &entry["target"], &entry["ip"], &entry["message"]],
        [
            &json!("missed"),
            &json!("group:lab"),
            &json!(null),
            &json!("3 runs were missed: nobody was there at the time")
        ],
    );
    restarted.reload().await.unwrap();
    bench.server.reload().await.unwrap();
    let view = bench.get(&format!("{PATH}/{id}")).await.json();
    assert_eq!((&view["last"]["outcome"], &view["next"]), (&json!("missed"), &json!("2026-02-03T21:00:00Z")));
    // Four minutes late is not too late.
    bench.clock.advance(9 * 3600 + 240);
    tick(&restarted).await;
    assert_eq!(bench.machines.told().len(), 2);
}

#[tokio::test]
async fn what_is_switched_off_or_changed_has_no_slots_of_the_past() {
    let bench = room().await;
    let id = make(&bench, &lights_out()).await["id"].as_str().unwrap().to_owned();
    let path = format!("{PATH}/{id}");
    let mut off = lights_out();
    off["enabled"] = json!(false);
    bench.put(&path, off).await;
    bench.clock.advance(9 * 3600 + 60);
    bench.tick().await;
    bench.put(&path, lights_out()).await;
    bench.tick().await;
    assert_eq!((bench.machines.told(), bench.log().await), (vec![], vec![]), "switched on after its slot");
    assert_eq!(bench.get(&path).await.json()["next"], "2026-02-01T21:00:00Z");
}

#[tokio::test]
async fn a_machine_that_is_gone_is_nobody() {
    let bench = room().await;
    let mut schedule = lights_out();
    schedule["target"] = json!({ "device": "192.0.2.9" });
    let id = make(&bench, &schedule).await["id"].as_str().unwrap().to_owned();
    bench.send("DELETE", "/v1/ipwatch/devices/192.0.2.9", &bench.administer, None).await;
    bench.clock.advance(9 * 3600);
    bench.tick().await;
    assert_eq!(bench.machines.told(), []);
    let last = bench.get(&format!("{PATH}/{id}")).await.json()["last"].clone();
    assert_eq!(last, json!({ "slot": "2026-01-31T21:00:00Z", "outcome": "ran", "done": 0, "failed": 0 }));
}
