//! Properties of schedules and of what is asked of the backend.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use ipwatch_mqtt::CommandName;
use ipwatch_mqtt::schedule::{CronExpression, Plan, Target, Zone};
use ipwatch_mqtt::server::store::{Devices, NewDevice, Role};
use ipwatch_mqtt::server::{
    Answer, Fleet, IpWatchServer, PowerRate, Settings, SharedSecret, SqlStore, SqliteOptions,
};
use jiff::Timestamp;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tower_service::Service;

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Paris",
    "America/St_Johns",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Santiago",
];

/// A first byte of 0 to 127 makes a schedule of the rest, a greater one asks a backend.
pub fn schedule(data: &[u8]) {
    match data.split_first() {
        Some((first, rest)) if first < &128 => slots(*first, rest),
        Some((_, rest)) => question(rest),
        None => {}
    }
}

/// Five bytes of time, and an expression. What is read is written as it is kept, and read again the same. Slots rise, each is a whole
/// minute of the place's clock or where it leaps, none is left out in the hours after, and a plan runs none twice.
fn slots(zone: u8, data: &[u8]) {
    let Some((head, text)) = data.split_at_checked(4) else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    if let Ok(zone) = text.parse::<Zone>() {
        assert_eq!(zone.as_str().parse::<Zone>().map(|again| again.to_string()), Ok(zone.to_string()));
    }
    if let Ok(target) = text.parse::<Target>() {
        assert_eq!(target.to_string().parse::<Target>(), Ok(target));
    }
    let Ok(expression) = text.parse::<CronExpression>() else { return };
    assert_eq!(expression.as_str().parse::<CronExpression>().as_ref(), Ok(&expression));
    let zone: Zone = ZONES[usize::from(zone) % ZONES.len()].parse().expect("a zone");
    // From 1970 to 2106.
    let start = i64::from(u32::from_be_bytes([head[0], head[1], head[2], head[3]]));
    let start = Timestamp::from_second(start).expect("a time");
    let mut at = start;
    let mut found = BTreeSet::new();
    for _ in 0..8 {
        let Some(next) = expression.next_after(zone.rules(), at) else { break };
        assert!(next > at, "slots rise");
        assert_eq!(next.as_second() % 60, 0, "whole minutes, in every zone since 1970");
        // Asked anywhere before it, the same slot is next.
        let middle = at.as_second().midpoint(next.as_second());
        let middle = Timestamp::from_second(middle).expect("a time").max(at);
        if middle < next {
            assert_eq!(expression.next_after(zone.rules(), middle), Some(next));
        }
        found.insert(next);
        at = next;
    }
    let mut plan = Plan::new(expression, zone, Duration::from_secs(300), start);
    let mut run = BTreeSet::new();
    for slot in found {
        for now in [slot, slot + Duration::from_secs(1), slot] {
            if let Some(due) = plan.due(now) {
                assert!(due.settles <= now);
                assert!(due.run.is_none_or(|slot| run.insert(slot)), "no slot twice");
                plan.settle(due.settles);
            }
            assert_eq!(plan.due(now), None);
        }
        assert!(run.contains(&slot), "each slot that somebody is there for is run");
    }
}

/// Machines that note who was told to do something.
#[derive(Debug)]
struct Told;

impl Fleet for Told {
    async fn command(&self, device: IpAddr, _: CommandName, _: Duration) -> Answer {
        assert!(
            REGISTERED.iter().any(|registered| registered.parse() == Ok(device)),
            "{device} is a stranger"
        );
        Answer::NoAnswer
    }

    async fn broadcast(&self, devices: Vec<IpAddr>, command: CommandName, within: Duration) -> Vec<Answer> {
        let mut answers = Vec::new();
        for device in devices {
            answers.push(self.command(device, command, within).await);
        }
        answers
    }
}

/// The machines of the backend; the last one may be retired, and a route may register others, which are not asked to do anything.
const REGISTERED: [&str; 2] = ["192.0.2.7", "2001:db8::7"];

struct Backend {
    server: IpWatchServer<SqlStore, Told>,
    runtime: Runtime,
    _folder: tempfile::TempDir,
}

fn backend() -> &'static Mutex<Backend> {
    static BACKEND: OnceLock<Mutex<Backend>> = OnceLock::new();
    BACKEND.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let store =
            SqlStore::open_sqlite(SqliteOptions::new(folder.path().join("ipwatch.db"))).expect("a store");
        let mut settings = Settings::default();
        settings.secret = Some(SharedSecret::new("k", "fuzz", Role::Administer));
        // Nothing leaves this machine.
        settings.wake_destinations = Vec::new();
        settings.stream_for = Duration::ZERO;
        settings.power_rate = PowerRate { burst: u32::MAX, per_minute: u32::MAX };
        let server = runtime.block_on(async {
            for address in REGISTERED {
                let address = address.parse().expect("an address");
                let device =
                    NewDevice { address, name: "a".to_owned(), mac: None, groups: vec![], user: None };
                store.put_device(device, Timestamp::UNIX_EPOCH).await.expect("stored");
            }
            IpWatchServer::open(store, Told, settings).await.expect("opened")
        });
        Mutex::new(Backend { server, runtime, _folder: folder })
    })
}

/// A line with method and path, and a body. Whatever is asked is answered with a status of its own and JSON, and never with 5xx but
/// where a machine or the network does not answer.
fn question(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (line, body) = data.split_at(end);
    let Ok(line) = std::str::from_utf8(line) else { return };
    let Some((method, path)) = line.split_once(' ') else { return };
    // Machines that come and go would make one input depend on another.
    if method == "DELETE" && path.contains("/devices/") || method == "PUT" && path.contains("/devices/") {
        return;
    }
    let request = Request::builder().method(method).uri(path).header("authorization", "Bearer k");
    let request = request.header("content-type", "application/json");
    let body = Full::new(Bytes::copy_from_slice(body.strip_prefix(b"\n").unwrap_or_default()));
    let Ok(request) = request.body(body) else { return };
    let backend = backend().lock().expect("no property broke before");
    let mut server = backend.server.clone();
    backend.runtime.block_on(async {
        let Ok(response) = server.call(request).await;
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type").cloned();
        let body = response.into_body().collect().await.expect("a whole body").to_bytes();
        assert!(matches!(status, 200..=204 | 400..=415 | 503 | 504), "{status}");
        if kind.is_some_and(|kind| kind == "application/json") && !body.is_empty() {
            let value: Value = serde_json::from_slice(&body).expect("JSON");
            if status >= 400 {
                assert!(value["error"].is_string() && value["code"].is_string(), "{value}");
            }
        }
    });
}
