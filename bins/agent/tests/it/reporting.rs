//! Heartbeats: their interval, and what becomes of them when the server says no or is away.

use std::time::Duration;

use agent::Event;
use hyper::Method;

use crate::fake_meeting::Meeting;
use crate::harness::{FrozenClock, Running, accepted, config, heartbeat_failed, not_provisioned};

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_heartbeat_goes_out_each_minute_with_the_real_addresses() {
    let clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start().await;
    let mut agent = Running::start(config(&home, &meeting.url()));
    let first = agent.wait_for(|event| match event {
        Event::HeartbeatAccepted { first, ip_address, last_seen } => Some((*first, *ip_address, *last_seen)),
        _ => None,
    });
    let (first, ip_address, last_seen) = first.await;
    assert!(first);
    assert_eq!(ip_address, Some("127.0.0.1".parse().unwrap()));
    assert_eq!(last_seen.unwrap().to_string(), "2026-02-02 12:34:56");
    assert_eq!(
        meeting.last_heartbeat(),
        serde_json::json!({ "ip_lan": "192.0.2.10", "mac": "02:00:00:00:00:01" })
    );
    for count in 2..=5 {
        clock.advance(MINUTE - Duration::from_secs(1)).await;
        assert_eq!(meeting.heartbeats(), count - 1);
        clock.advance(Duration::from_secs(1)).await;
        agent.wait_for(accepted).await;
        assert_eq!(meeting.heartbeats(), count);
    }
    agent.stop().await.unwrap();
}

/// R7: no more than 12 requests in any hour while the device is not provisioned; and all is well once it is.
#[tokio::test(start_paused = true)]
async fn r7_a_404_storm_is_twelve_requests_an_hour() {
    let clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start().await;
    meeting.set(|state| state.provisioned = false);
    let mut agent = Running::start(config(&home, &meeting.url()));
    let mut times = Vec::new();
    let mut now = Duration::ZERO;
    while now < 24 * HOUR {
        let wait = agent.retry_in(not_provisioned).await;
        times.push(now);
        now += wait;
        clock.advance(wait).await;
    }
    let asked = meeting.asked();
    assert!(asked.iter().all(|asked| asked.path.ends_with("/online")), "only heartbeats ask");
    for from in &times {
        let within = times.iter().filter(|at| (*from..*from + HOUR).contains(*at)).count();
        assert!(within <= 12, "{within} requests in the hour from {from:?}");
    }

    let wait = agent.retry_in(not_provisioned).await;
    meeting.set(|state| state.provisioned = true);
    clock.advance(wait).await;
    agent.wait_for(accepted).await;
    agent.wait_for(|event| matches!(event, Event::KeyPublished { .. }).then_some(())).await;
    agent.stop().await.unwrap();
}

/// The receiver is away for ten minutes: asked every 1 to 30 s meanwhile, and back within 30 s of its return.
#[tokio::test(start_paused = true)]
async fn a_receiver_that_was_away_is_found_again_within_half_a_minute() {
    let clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let mut meeting = Meeting::start().await;
    let mut agent = Running::start(config(&home, &meeting.url()));
    agent.wait_for(accepted).await;
    agent.wait_for(|event| matches!(event, Event::KeyPublished { .. }).then_some(())).await;
    meeting.go_away().await;
    clock.advance(MINUTE).await;

    let mut away = Duration::ZERO;
    let mut tries = 0;
    let mut wait = agent.retry_in(heartbeat_failed).await;
    while away < 10 * MINUTE {
        let longest = Duration::from_secs(5 << tries.min(3)).min(Duration::from_secs(30));
        assert!((Duration::from_secs(1)..=longest).contains(&wait), "try {tries}: {wait:?}");
        clock.advance(wait).await;
        away += wait;
        tries += 1;
        wait = agent.retry_in(heartbeat_failed).await;
    }
    meeting.come_back().await;
    assert!(wait <= Duration::from_secs(30));
    clock.advance(wait).await;
    agent.wait_for(accepted).await;
    agent.stop().await.unwrap();
}

/// A server in trouble is asked again soon; one that refuses, rarely.
#[tokio::test(start_paused = true)]
async fn the_kind_of_refusal_decides_when_to_ask_again() {
    for (status, shortest, longest) in
        [(503, 1, 5), (429, 1, 5), (401, 301, 362), (403, 301, 362), (400, 301, 362)]
    {
        let _clock = FrozenClock::new();
        let home = tempfile::tempdir().unwrap();
        let meeting = Meeting::start().await;
        meeting.set(|state| state.heartbeat_status = Some(status));
        let mut agent = Running::start(config(&home, &meeting.url()));
        let wait = agent.retry_in(heartbeat_failed).await;
        let allowed = Duration::from_secs(shortest)..=Duration::from_secs(longest);
        assert!(allowed.contains(&wait), "{status}: {wait:?}");
        agent.stop().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn known_hosts_is_written_and_a_disk_that_fails_stops_nothing() {
    let clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start().await;
    let mut config = config(&home, &meeting.url());
    // A directory that is a file: nothing can be written below it.
    std::fs::write(home.path().join("full"), "").unwrap();
    config.known_hosts.file = home.path().join("full/known_hosts");
    let mut agent = Running::start(config.clone());
    let (reason, retry_in) = agent
        .wait_for(|event| match event {
            Event::ChoreFailed { chore: "host keys", reason, retry_in } => Some((reason.clone(), *retry_in)),
            _ => None,
        })
        .await;
    assert!(reason.contains("full/known_hosts"), "{reason}");
    assert!(retry_in <= Duration::from_secs(5), "{retry_in:?}");
    clock.advance(MINUTE).await;
    agent.wait_for(accepted).await;

    config.known_hosts.file = "known_hosts".into();
    agent.settings.send_replace(config.clone());
    let added = agent.wait_for(|event| match event {
        Event::KnownHostsUpdated { added, removed } => Some((*added, *removed)),
        _ => None,
    });
    assert_eq!(added.await, (1, 0));
    let text = std::fs::read_to_string(config.known_hosts_path()).unwrap();
    assert_eq!(text, crate::fake_meeting::HOST_KEY);
    agent.stop().await.unwrap();
}

/// R4: a server that shows entirely new keys is not believed, and the agent goes on.
#[tokio::test(start_paused = true)]
async fn r4_a_full_change_of_host_keys_is_refused_until_it_is_allowed() {
    let clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start().await;
    let mut config = config(&home, &meeting.url());
    let mut agent = Running::start(config.clone());
    let updated = |event: &Event| matches!(event, Event::KnownHostsUpdated { .. }).then_some(());
    agent.wait_for(updated).await;
    let other =
        "127.0.0.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgEA\n";
    meeting.set(|state| state.host_keys = other.to_owned());
    clock.advance(HOUR).await;
    let reason = agent
        .wait_for(|event| match event {
            Event::ChoreFailed { chore: "host keys", reason, .. } => Some(reason.clone()),
            _ => None,
        })
        .await;
    assert!(reason.contains("every known key would be replaced"), "{reason}");
    let path = config.known_hosts_path();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), crate::fake_meeting::HOST_KEY);

    config.known_hosts.accept_new_keys = true;
    agent.settings.send_replace(config);
    agent.wait_for(updated).await;
    assert_eq!(std::fs::read_to_string(&path).unwrap(), other);
    agent.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_unprovisioned_device_gets_no_tunnel_either_and_is_asked_once_more_after_a_reload() {
    let _clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start().await;
    meeting.set(|state| state.provisioned = false);
    let config = config(&home, &meeting.url());
    let mut agent = Running::start(config.clone());
    agent.retry_in(not_provisioned).await;
    meeting.set(|state| state.provisioned = true);
    agent.settings.send_replace(config);
    agent.wait_for(accepted).await;
    assert_eq!(meeting.count(&Method::POST, "/online"), 2);
    agent.stop().await.unwrap();
}

/// A wall clock that jumps moves nothing, because no loop reads it.
#[test]
fn no_loop_reads_the_wall_clock() {
    for (name, source) in [
        ("schedule", include_str!("../../src/schedule.rs")),
        ("reporter", include_str!("../../src/reporter.rs")),
        ("tunnel", include_str!("../../src/tunnel.rs")),
        ("backoff", include_str!("../../src/tunnel/backoff.rs")),
        ("run", include_str!("../../src/run.rs")),
    ] {
        assert!(!source.contains("SystemTime"), "{name}");
    }
}
