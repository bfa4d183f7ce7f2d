//! Figures, kept for a set time.

use ipwatch_mqtt::server::Settings;
use serde_json::{Value, json};

use crate::support::{Bench, START, refused, status, time};

async fn points(bench: &Bench, query: &str) -> Vec<Value> {
    let reply = bench.get(&format!("/v1/ipwatch/devices/192.0.2.7/history{query}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["points"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_status_is_kept_and_read_in_steps() {
    let bench = Bench::new().await;
    bench.device("192.0.2.7", &[]).await;
    for round in 0..8 {
        bench.heard("192.0.2.7", status("192.0.2.7", 10.0 + f64::from(round)));
        bench.clock.advance(30);
    }
    assert_eq!(points(&bench, "").await, [] as [Value; 0], "nothing is kept before the commit of the second");
    bench.tick().await;
    let all = bench.get("/v1/ipwatch/devices/192.0.2.7/history?step=15").await.json();
    let to = START + 241;
    assert_eq!(
        (&all["from"], &all["to"], &all["step"]),
        (&json!(time(to - 3600).to_string()), &json!(time(to).to_string()), &json!(15))
    );
    assert_eq!(all["points"].as_array().unwrap().len(), 8);
    let minutes = points(&bench, "?from=2026-01-31T12:00:00Z&to=2026-01-31T12:04:00Z&step=60").await;
    let expected = |at: &str, mean: f64, most: f64| {
        json!({ "at": at, "samples": 2, "cpu_percent": mean, "cpu_percent_most": most, "memory_percent": 62.5,
                "disk_percent": 78.3, "uptime": 86400 })
    };
    assert_eq!(
        minutes,
        [
            expected("2026-01-31T12:00:00Z", 10.5, 11.0),
            expected("2026-01-31T12:01:00Z", 12.5, 13.0),
            expected("2026-01-31T12:02:00Z", 14.5, 15.0),
            expected("2026-01-31T12:03:00Z", 16.5, 17.0),
        ]
    );
    let whole = points(&bench, "?from=2026-01-31T12:00:00Z&to=2026-01-31T13:00:00%2B00:00&step=3600").await;
    assert_eq!((whole.len(), &whole[0]["samples"], &whole[0]["cpu_percent"]), (1, &json!(8), &json!(13.5)));
}

#[tokio::test]
async fn a_question_that_cannot_be_answered_is_refused() {
    let bench = Bench::new().await;
    bench.device("192.0.2.7", &[]).await;
    for query in [
        "from=yesterday",
        "to=1769860800",
        "from=2026-01-31T12:00:00Z&to=2026-01-31T12:00:00Z",
        "from=2026-01-31T12:00:00Z&to=2026-01-31T11:00:00Z",
        "step=0",
        "step=-5",
        "step=1.5",
        "step=1",
        "from=2000-01-01T00:00:00Z&step=60",
        "step=60&step=60",
    ] {
        let reply = bench.get(&format!("/v1/ipwatch/devices/192.0.2.7/history?{query}")).await;
        assert_eq!(reply.code(), refused(400, "invalid"), "{query}");
    }
    // Without a step any time fits.
    assert_eq!(points(&bench, "?from=2000-01-01T00:00:00Z").await, [] as [Value; 0]);
    let reply = bench.get("/v1/ipwatch/devices/192.0.2.8/history").await;
    assert_eq!(reply.code(), refused(404, "unknown_device"));
}

#[tokio::test]
async fn what_is_older_than_the_set_time_is_forgotten_little_by_little() {
    let mut settings = Settings::default();
    settings.keep_history = std::time::Duration::from_secs(3600);
    let bench = Bench::with(settings).await;
    bench.device("192.0.2.7", &[]).await;
    for _ in 0..3000 {
        bench.heard("192.0.2.7", status("192.0.2.7", 10.0));
        bench.clock.advance(1);
    }
    bench.heard("192.0.2.7", status("192.0.2.7", 20.0));
    bench.tick().await;
    let count = async || {
        let points = points(&bench, "?from=2026-01-31T00:00:00Z&to=2026-02-01T00:00:00Z&step=86400").await;
        points.first().map_or(0, |point| point["samples"].as_u64().unwrap())
    };
    assert_eq!(count().await, 3001);
    bench.clock.advance(3600);
    bench.tick().await;
    assert_eq!(count().await, 1001, "at most 2,000 rows at a time");
    bench.tick().await;
    assert_eq!(count().await, 1, "and the last is an hour old, no more");
}

#[tokio::test]
async fn a_retired_machine_keeps_its_figures_until_they_age_out() {
    let bench = Bench::new().await;
    bench.device("192.0.2.7", &[]).await;
    bench.heard("192.0.2.7", status("192.0.2.7", 10.0));
    bench.tick().await;
    bench.send("DELETE", "/v1/ipwatch/devices/192.0.2.7", &bench.administer, None).await;
    bench.device("192.0.2.7", &[]).await;
    assert_eq!(points(&bench, "").await.len(), 1);
}
