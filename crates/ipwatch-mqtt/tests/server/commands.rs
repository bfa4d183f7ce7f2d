//! The document's routes, and those of many.

use std::time::Duration;

use ipwatch_mqtt::CommandName;
use ipwatch_mqtt::server::Answer;
use serde_json::{Value, json};
use tower_service::Service;

use crate::support::{Bench, refused, request, says};

const DEVICE: &str = "192.0.2.7";

#[tokio::test]
async fn a_machine_that_does_it_is_quoted_and_the_log_has_it() {
    let bench = Bench::new().await;
    bench.device(DEVICE, &[]).await;
    bench.machines.answer(DEVICE, says(true, "Shutdown en cours...", None));
    let reply = bench.post("/api/tracking/shutdown/192.0.2.7").await;
    assert_eq!(reply.status, 200);
    let expected = json!({
        "ip": DEVICE, "command": "shutdown", "success": true, "message": "Shutdown en cours...", "code": null,
        "timestamp": "2026-01-31T12:00:05Z", "took_ms": reply.json()["took_ms"],
    });
    assert_eq!(reply.json(), expected);
    assert_eq!(bench.machines.told(), [(DEVICE.to_owned(), CommandName::Shutdown)]);
    let log = bench.log().await;
    assert_eq!(log.len(), 1);
    let took = log[0]["took_ms"].clone();
    assert!(took.is_u64(), "{log:?}");
    let expected = json!({
        "id": 1, "at": "2026-01-31T12:00:00Z", "who": "control-key", "schedule": null, "ip": DEVICE,
        "target": "device:192.0.2.7", "command": "shutdown", "outcome": "done",
        "message": "Shutdown en cours...", "code": null, "took_ms": took,
    });
    assert_eq!(log[0], expected);
}

#[tokio::test]
async fn each_no_has_its_status() {
    let bench = Bench::new().await;
    bench.device(DEVICE, &[]).await;
    for (answer, expected, outcome) in [
        (
            says(false, "reboot is not allowed here", Some("not_allowed")),
            refused(403, "not_allowed"),
            "refused",
        ),
        (says(false, "too old", Some("too_old")), refused(409, "too_old"), "refused"),
        (says(false, "it did not work", Some("failed")), refused(409, "failed"), "failed"),
        (says(false, "no\u{1b}[31m", None), refused(409, "failed"), "failed"),
        (Answer::Unsent("the broker is away".to_owned()), refused(503, "no_broker"), "unsent"),
    ] {
        bench.machines.answer(DEVICE, answer);
        let reply = bench.post("/api/tracking/reboot/192.0.2.7").await;
        assert_eq!(reply.code(), expected);
        assert!(!reply.json()["error"].as_str().unwrap().chars().any(char::is_control), "{}", reply.text);
        assert_eq!(bench.log().await[0]["outcome"], outcome);
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_machine_is_waited_for_five_seconds() {
    let bench = Bench::new().await;
    bench.device(DEVICE, &[]).await;
    let begun = tokio::time::Instant::now();
    let reply = bench.post("/api/tracking/status/192.0.2.7").await;
    assert_eq!((reply.code(), begun.elapsed()), (refused(504, "no_answer"), Duration::from_secs(5)));
    assert_eq!(bench.log().await, [] as [Value; 0], "asking how it is switches nothing");
}

#[tokio::test]
async fn nothing_is_sent_to_a_machine_that_is_not_registered() {
    let bench = Bench::new().await;
    bench.device("2001:db8::7", &[]).await;
    bench.machines.answer("2001:db8::7", says(true, "ok", None));
    for path in ["192.0.2.8", "nobody", "+", "%23", "192.0.2.7%00", "%ff", "%4", "192.0.2.7/../192.0.2.7"] {
        let reply = bench.post(&format!("/api/tracking/shutdown/{path}")).await;
        assert_eq!(reply.status, 404, "{path}");
    }
    assert_eq!(bench.machines.told(), []);
    // The other spellings of its address are the same machine.
    for path in ["2001:db8::7", "2001:0DB8:0:0::7", "2001%3Adb8%3a%3A7"] {
        assert_eq!(bench.post(&format!("/api/tracking/status/{path}")).await.status, 200, "{path}");
    }
    assert_eq!(bench.machines.told().len(), 3);
}

#[tokio::test]
async fn methods_that_a_path_has_not_are_named() {
    let bench = Bench::new().await;
    let reply = bench.get("/api/tracking/shutdown/192.0.2.7").await;
    assert_eq!((reply.code(), reply.header("allow")), (refused(405, "method_not_allowed"), "POST, OPTIONS"));
    let reply = bench.call(request("OPTIONS", "/v1/ipwatch/devices/192.0.2.7", &[], "")).await;
    assert_eq!((reply.status.as_u16(), reply.header("allow")), (204, "GET, PUT, DELETE, HEAD, OPTIONS"));
    assert_eq!(bench.get("/v1/ipwatch/nothing").await.code(), refused(404, "not_found"));
}

/// Three machines: one does it, one refuses, one is silent.
async fn room() -> Bench {
    let bench = Bench::new().await;
    for device in ["192.0.2.7", "192.0.2.8", "192.0.2.9"] {
        bench.device(device, &["lab"]).await;
    }
    bench.device("192.0.2.10", &[]).await;
    bench.machines.answer("192.0.2.7", says(true, "ok", None));
    bench.machines.answer("192.0.2.8", says(false, "not here", Some("not_allowed")));
    bench.machines.answer("192.0.2.10", says(true, "ok", None));
    bench
}

#[tokio::test(start_paused = true)]
async fn a_group_answers_machine_by_machine() {
    let bench = room().await;
    let begun = tokio::time::Instant::now();
    let reply = bench.post("/v1/ipwatch/groups/lab/shutdown").await;
    assert_eq!((reply.status.as_u16(), begun.elapsed()), (200, Duration::from_secs(5)));
    let answers = json!([
        { "ip": "192.0.2.7", "outcome": "done", "message": "ok", "code": null, "took_ms": 5000 },
        { "ip": "192.0.2.8", "outcome": "refused", "message": "not here", "code": "not_allowed", "took_ms": 5000 },
        { "ip": "192.0.2.9", "outcome": "no_answer", "message": "the machine did not answer in time",
          "code": "no_answer", "took_ms": 5000 },
    ]);
    let expected =
        json!({ "command": "shutdown", "target": "group:lab", "done": 1, "failed": 2, "answers": answers });
    assert_eq!(reply.json(), expected);
    let log: Vec<_> =
        bench.log().await.iter().map(|entry| (entry["ip"].clone(), entry["outcome"].clone())).collect();
    let expected = [("192.0.2.9", "no_answer"), ("192.0.2.8", "refused"), ("192.0.2.7", "done")];
    assert_eq!(log, expected.map(|(ip, outcome)| (json!(ip), json!(outcome))));
    assert_eq!(bench.machines.told().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn all_are_all_and_a_group_that_is_not_there_is_none() {
    let bench = room().await;
    let reply = bench.post("/v1/ipwatch/all/status").await.json();
    assert_eq!(
        (reply["target"].clone(), reply["done"].clone(), reply["failed"].clone()),
        (json!("all"), json!(2), json!(2))
    );
    assert_eq!(bench.machines.told().len(), 4);
    assert_eq!(bench.post("/v1/ipwatch/groups/nobody/shutdown").await.code(), refused(404, "unknown_group"));
    bench.put("/v1/ipwatch/groups/empty", json!({ "devices": [] })).await;
    let empty = bench.post("/v1/ipwatch/groups/empty/reboot").await;
    let expected =
        json!({ "command": "reboot", "target": "group:empty", "done": 0, "failed": 0, "answers": [] });
    assert_eq!((empty.status.as_u16(), empty.json()), (200, expected));
    assert_eq!(bench.machines.told(), []);
}

#[tokio::test]
async fn whoever_hangs_up_does_not_keep_it_from_being_written_down() {
    let bench = Bench::new().await;
    bench.device(DEVICE, &[]).await;
    bench.machines.answer(DEVICE, says(true, "ok", None));
    let gate = bench.machines.hold();
    let bearer = format!("Bearer {}", bench.control);
    let asking = request("POST", "/api/tracking/shutdown/192.0.2.7", &[("authorization", &bearer)], "");
    let asking = tokio::spawn(bench.server.clone().call(asking));
    while bench.machines.told().is_empty() {
        tokio::task::yield_now().await;
    }
    asking.abort();
    assert!(asking.await.is_err_and(|error| error.is_cancelled()));
    assert_eq!(bench.log().await[0]["outcome"], "sent");
    gate.notify_one();
    let mut log = bench.log().await;
    while log[0]["outcome"] == "sent" {
        log = bench.log().await;
    }
    assert_eq!((log.len(), log[0]["outcome"].clone()), (1, json!("done")));
}

#[tokio::test]
async fn the_log_is_read_page_by_page_and_machine_by_machine() {
    let bench = room().await;
    bench.device(DEVICE, &[]).await;
    for device in ["192.0.2.7", "192.0.2.8", "192.0.2.7", "192.0.2.10", "192.0.2.7"] {
        bench.post(&format!("/api/tracking/reboot/{device}")).await;
    }
    let ids = |page: &Value| -> Vec<i64> {
        page["entries"].as_array().unwrap().iter().map(|entry| entry["id"].as_i64().unwrap()).collect()
    };
    let first = bench.get("/v1/ipwatch/log?limit=2").await.json();
    assert_eq!((ids(&first), first["next"].clone()), (vec![5, 4], json!(4)));
    let second = bench.get("/v1/ipwatch/log?limit=3&before=4").await.json();
    assert_eq!((ids(&second), second["next"].clone()), (vec![3, 2, 1], Value::Null));
    let machine = bench.get("/v1/ipwatch/log?ip=192.0.2.7&limit=2").await.json();
    assert_eq!((ids(&machine), machine["next"].clone()), (vec![5, 3], json!(3)));
    for query in [
        "ip=nobody",
        "before=0",
        "limit=x",
        "limit=1001",
        "limit=99999999999",
        "limit=1&limit=2",
        "before=%ff",
    ] {
        assert_eq!(
            bench.get(&format!("/v1/ipwatch/log?{query}")).await.code(),
            refused(400, "invalid"),
            "{query}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_written_down_is_not_sent() {
    let bench = Bench::new().await;
    bench.device(DEVICE, &["lab"]).await;
    bench.machines.answer(DEVICE, says(true, "ok", None));
    let schedule = json!({
        "name": "n", "cron": "* * * * *", "zone": "UTC", "command": "shutdown", "target": "all",
    });
    bench.send("POST", "/v1/ipwatch/schedules", &bench.administer, Some(&schedule.to_string())).await;
    let file = rusqlite::Connection::open(bench.folder.path().join("ipwatch.db")).unwrap();
    file.execute_batch("ALTER TABLE command_log RENAME TO elsewhere").unwrap();
    for path in
        ["/api/tracking/shutdown/192.0.2.7", "/api/tracking/wol/192.0.2.7", "/v1/ipwatch/groups/lab/reboot"]
    {
        let reply = bench.post(path).await;
        assert_eq!((reply.code(), reply.header("retry-after")), (refused(503, "database"), "60"), "{path}");
    }
    bench.clock.advance(60);
    bench.tick().await;
    assert_eq!(bench.machines.told(), []);
    // Asking how it is needs no entry.
    assert_eq!(bench.post("/api/tracking/status/192.0.2.7").await.status, 200);
    // The slot is gone, and not made up for when the table is back.
    file.execute_batch("ALTER TABLE elsewhere RENAME TO command_log").unwrap();
    bench.machines.told();
    bench.tick().await;
    assert_eq!((bench.machines.told(), bench.log().await.len()), (vec![], 0));
    assert_eq!(bench.post("/api/tracking/shutdown/192.0.2.7").await.status, 200);
}
