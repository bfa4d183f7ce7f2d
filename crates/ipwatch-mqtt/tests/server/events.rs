//! Live updates: what a follower is given, and what it costs when it is slow.

use http::Response;
use http_body_util::BodyExt;
use ipwatch_mqtt::server::{ReplyBody, Settings};
use serde_json::{Value, json};

use crate::support::{Bench, offline, online, refused, request, says, status};

/// A follower, and what it has read.
struct Follower {
    body: ReplyBody,
    text: String,
}

/// An event as a page sees it.
#[derive(Debug, Clone, PartialEq)]
struct Event {
    id: String,
    kind: String,
    data: Value,
}

impl Follower {
    async fn of(bench: &Bench, last: Option<&str>) -> Self {
        let response = follow(bench, last).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self { body: response.into_body(), text: String::new() }
    }

    /// The next event or comment; nothing when the stream is at its end.
    async fn block(&mut self) -> Option<String> {
        while !self.text.contains("\n\n") {
            let frame = self.body.frame().await?.unwrap();
            self.text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
        }
        let (block, rest) = self.text.split_once("\n\n").unwrap();
        let block = block.to_owned();
        self.text = rest.to_owned();
        Some(block)
    }

    async fn event(&mut self) -> Event {
        let block = self.block().await.expect("an event");
        let lines: Vec<&str> = block.split('\n').collect();
        let [id, kind, data] = lines.as_slice() else { panic!("three lines: {block:?}") };
        Event {
            id: id.strip_prefix("id: ").unwrap().to_owned(),
            kind: kind.strip_prefix("event: ").unwrap().to_owned(),
            data: serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap(),
        }
    }

    /// Whether there is nothing to read now.
    fn is_silent(&mut self) -> bool {
        let frame = std::pin::pin!(self.body.frame());
        let polled = frame.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
        self.text.is_empty() && polled.is_pending()
    }
}

async fn follow(bench: &Bench, last: Option<&str>) -> Response<ReplyBody> {
    let bearer = format!("Bearer {}", bench.read);
    let mut headers = vec![("authorization", bearer.as_str())];
    headers.extend(last.map(|last| ("last-event-id", last)));
    bench.response(request("GET", "/v1/ipwatch/events", &headers, "")).await
}

#[tokio::test]
async fn a_follower_sees_all_machines_and_then_each_change() {
    let bench = Bench::new().await;
    bench.device("192.0.2.7", &["lab"]).await;
    bench.heard("192.0.2.7", online());
    let mut follower = Follower::of(&bench, None).await;
    let first = follower.event().await;
    assert_eq!(
        (first.kind.as_str(), &first.data),
        ("snapshot", &bench.get("/v1/ipwatch/devices").await.json())
    );
    assert!(follower.is_silent());

    bench.heard("192.0.2.7", status("192.0.2.7", 45.2));
    let event = follower.event().await;
    assert_eq!(
        (event.kind.as_str(), &event.data),
        ("device", &bench.get("/v1/ipwatch/devices/192.0.2.7").await.json())
    );
    assert_eq!(event.data["status"]["cpu_percent"], 45.2);
    bench.heard("192.0.2.66", online());
    let event = follower.event().await;
    assert_eq!(
        (event.kind.as_str(), &event.data["ip"], &event.data["reason"]),
        ("stranger", &json!("192.0.2.66"), &json!("unregistered"))
    );
    bench.heard("192.0.2.66", online());
    assert!(follower.is_silent(), "a stranger is news once");

    bench.machines.answer("192.0.2.7", says(true, "ok", None));
    bench.post("/api/tracking/reboot/192.0.2.7").await;
    let outcomes = [follower.event().await, follower.event().await]
        .map(|event| (event.kind, event.data["outcome"].clone()));
    assert_eq!(outcomes, [("log".to_owned(), json!("sent")), ("log".to_owned(), json!("done"))]);
    bench.send("DELETE", "/v1/ipwatch/devices/192.0.2.7", &bench.administer, None).await;
    let event = follower.event().await;
    assert_eq!((event.kind.as_str(), event.data), ("removed", json!({ "ip": "192.0.2.7" })));
}

#[tokio::test]
async fn a_follower_that_comes_back_goes_on_where_it_was() {
    let bench = Bench::new().await;
    bench.device("192.0.2.7", &[]).await;
    let mut follower = Follower::of(&bench, None).await;
    let seen = follower.event().await.id;
    drop(follower);
    bench.heard("192.0.2.7", online());
    bench.heard("192.0.2.7", offline());
    let mut again = Follower::of(&bench, Some(&seen)).await;
    let events = [again.event().await, again.event().await];
    let states = events.clone().map(|event| (event.kind, event.data["availability"].clone()));
    assert_eq!(states, [("device".to_owned(), json!("online")), ("device".to_owned(), json!("offline"))]);
    assert!(again.is_silent());
    // Each event is a place to go on from.
    let mut between = Follower::of(&bench, Some(&events[0].id)).await;
    assert_eq!(between.event().await, events[1]);
    let mut up_to_date = Follower::of(&bench, Some(&events[1].id)).await;
    assert!(up_to_date.is_silent());
    // What is no event of this run shows all machines first.
    let restarted = bench.again().await;
    for last in ["", "1", "x-1", "00000000-1", &format!("{seen}9"), "0-18446744073709551616"] {
        let mut follower = Follower::of(&bench, Some(last)).await;
        assert_eq!(follower.event().await.kind, "snapshot", "{last:?}");
    }
    drop(restarted);
}

#[tokio::test]
async fn a_follower_that_falls_behind_is_shown_all_machines_again() {
    let bench = Bench::new().await;
    bench.device("192.0.2.7", &[]).await;
    let mut slow = Follower::of(&bench, None).await;
    let seen = slow.event().await.id;
    // More than are kept, by number and by size.
    for round in 0..6000_u32 {
        bench.heard("192.0.2.7", status("192.0.2.7", f64::from(round % 100)));
    }
    let event = slow.event().await;
    assert_eq!(
        (event.kind.as_str(), &event.data["devices"][0]["status"]["cpu_percent"]),
        ("snapshot", &json!(99.0))
    );
    assert!(slow.is_silent());
    let mut late = Follower::of(&bench, Some(&seen)).await;
    assert_eq!(late.event().await.kind, "snapshot");
    // The numbers go on, and no event is given twice.
    bench.heard("192.0.2.7", offline());
    let number = |id: &str| id.split_once('-').unwrap().1.parse::<u64>().unwrap();
    assert_eq!(number(&slow.event().await.id), number(&event.id) + 1);
}

#[tokio::test]
async fn a_burst_comes_in_pieces_and_whole() {
    let bench = Bench::new().await;
    bench.device("192.0.2.7", &[]).await;
    let mut follower = Follower::of(&bench, None).await;
    follower.event().await;
    for round in 0..500_u32 {
        bench.heard("192.0.2.7", status("192.0.2.7", f64::from(round % 100)));
    }
    for round in 0..500_u32 {
        assert_eq!(follower.event().await.data["status"]["cpu_percent"], json!(f64::from(round % 100)));
    }
    assert!(follower.is_silent());
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_and_a_stream_ends_after_an_hour() {
    let bench = Bench::new().await;
    let begun = tokio::time::Instant::now();
    let mut follower = Follower::of(&bench, None).await;
    follower.event().await;
    let mut comments = 0;
    while let Some(block) = follower.block().await {
        assert_eq!(block, ": still here");
        comments += 1;
        assert_eq!(begun.elapsed().as_secs(), 15 * comments);
    }
    assert_eq!((comments, begun.elapsed().as_secs()), (239, 3600));
}

#[tokio::test]
async fn no_more_followers_than_may_be() {
    let mut settings = Settings::default();
    settings.max_subscribers = 2;
    let bench = Bench::with(settings).await;
    let first = Follower::of(&bench, None).await;
    let _second = Follower::of(&bench, None).await;
    let refusal = bench.get("/v1/ipwatch/events").await;
    assert_eq!((refusal.code(), refusal.header("retry-after")), (refused(503, "too_many_followers"), "30"));
    assert_eq!(bench.server.counts().followers, 2);
    drop(first);
    let _third = Follower::of(&bench, None).await;
    assert_eq!(bench.server.counts().followers, 2);
    // Asking for the head alone takes no place.
    let head = bench.send("HEAD", "/v1/ipwatch/events", &bench.read, None).await;
    assert_eq!(head.status, 503);
}
