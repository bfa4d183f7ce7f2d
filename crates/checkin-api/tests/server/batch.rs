//! Many check-ins at once.

use checkin_api::server::RateLimit;
use checkin_api::server::store::Role;
use serde_json::{Value, json};

use crate::support::{Answer, Bench, SECRET, check_in, request, settings};

const PATH: &str = "/v1/checkins/batch";

async fn send(bench: &Bench, body: &str) -> Answer {
    let bearer = format!("Bearer {SECRET}");
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson")];
    bench.send(request("POST", PATH, &headers, body)).await
}

fn line(hash: &str) -> String {
    String::from_utf8(check_in(hash, "HOWL", Some("east")).encode()).expect("text")
}

fn results(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    answer.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn each_line_has_its_own_result() {
    let bench = Bench::new();
    let long = line("long").replace("check in", &"x".repeat(4096));
    let body = format!(
        "{}\r\n\n{}\n{{\"packet_hash\":\"C\"}}\nnonsense\n{long}\n{}",
        line("A"),
        line("A"),
        line("B")
    );
    let answer = send(&bench, &body).await;
    let expected = [
        json!({"line": 1, "status": 201}),
        json!({"line": 3, "status": 200}),
        json!({"line": 4, "status": 400, "error": "username missing, message missing, channel missing, timestamp missing",
               "fields": ["username", "message", "channel", "timestamp"]}),
        json!({"line": 5, "status": 400, "error": "not JSON, line 1, column 2"}),
        json!({"line": 6, "status": 413, "error": "the line is larger than 4096 bytes"}),
        json!({"line": 7, "status": 201}),
    ];
    assert_eq!(results(&answer), expected);
    assert_eq!(bench.rows("SELECT packet_hash FROM check_ins ORDER BY 1"), [["A"], ["B"]]);
    bench.server.upkeep().await.expect("written");
    let bots = bench.rows("SELECT bot, accepted, duplicates, rejected FROM bots ORDER BY bot");
    assert_eq!(bots, [["east", "2", "1", "0"], ["environment", "0", "0", "3"]]);
    // Sent again, as after a lost answer.
    let statuses: Vec<_> =
        results(&send(&bench, &body).await).iter().map(|line| line["status"].clone()).collect();
    assert_eq!(statuses, [200, 200, 400, 400, 413, 200].map(Value::from));
    assert!(results(&send(&bench, "\n \n").await).is_empty());
}

#[tokio::test]
async fn a_batch_is_bounded_in_lines_bytes_and_rate() {
    let bench = Bench::new();
    let mut changed = settings();
    changed.rate = RateLimit { burst: 2500, per_second: 1 };
    bench.server.configure(changed);
    let lines = |count: usize| (0..count).map(|n| line(&format!("{n}")) + "\n").collect::<String>();
    let answer = send(&bench, &lines(2001)).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["error"].clone()),
        (413, json!("more than 2000 lines"))
    );
    assert_eq!(results(&send(&bench, &lines(2000)).await).len(), 2000);
    let answer = send(&bench, &lines(600)).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "101"));
    let answer = send(&bench, &"x".repeat(1024 * 1024 + 1)).await;
    assert_eq!(answer.json()["error"], "the body is larger than 1048576 bytes");
    assert_eq!(bench.rows("SELECT COUNT(*) FROM check_ins"), [["2000"]]);
}

#[tokio::test]
async fn it_asks_for_a_key_and_for_json_lines() {
    let bench = Bench::new();
    let reader = bench.key(Role::Read, "reader").await;
    let send = async |key: &str, kind: &str| {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
        bench.send(request("POST", PATH, &headers, &line("A"))).await.status.as_u16()
    };
    assert_eq!(send("wrong", "application/x-ndjson").await, 401);
    assert_eq!(send(&reader, "application/x-ndjson").await, 403);
    assert_eq!(send(SECRET, "application/json").await, 415);
    assert_eq!(send(SECRET, "application/jsonl; charset=utf-8").await, 200);
}
