//! Properties of reading check-ins back.

use std::sync::{Mutex, OnceLock};

use checkin_api::CheckIn;
use checkin_api::net::{Definition, IsoWeeks, LocalTime, Moment, Net, Schedule, Week};
use checkin_api::server::store::{Submission, Submissions};
use checkin_api::server::{CheckInServer, Settings, SqlStore, SqliteOptions};
use http::Request;
use http_body_util::{BodyExt, Empty};
use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};
use tower_service::Service;

const ZONES: [&str; 12] = [
    "UTC",
    "America/Denver",
    "America/Havana",
    "America/Santiago",
    "America/St_Johns",
    "Europe/Dublin",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Kiritimati",
];
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// An even first byte asks a receiver, an odd one reckons with weeks.
pub fn reading(data: &[u8]) {
    match data.split_first() {
        Some((first, rest)) if first % 2 == 0 => question(rest),
        Some((_, rest)) => weeks(rest),
        None => {}
    }
}

/// A week that a moment counts for holds it and no other week does, whatever the zone, the window and the century; and what is read
/// from text is written as that text.
fn weeks(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        if let Ok(week) = text.parse::<Week>() {
            assert_eq!(week.to_string(), text);
        }
        if let Ok(week) = IsoWeeks::parse(text) {
            assert_eq!(IsoWeeks::name(week), text);
        }
        if let Ok(time) = text.parse::<LocalTime>() {
            assert_eq!(time.to_string().parse(), Ok(time));
        }
    }
    let Some((head, rest)) = data.split_at_checked(6) else { return };
    let Some(second) = rest.first_chunk::<8>() else { return };
    let minutes = |high: u8, low: u8| u32::from(u16::from_be_bytes([high, low])) % 1441;
    let time = |minutes: u32| LocalTime::from_seconds(minutes * 60).expect("a time");
    let definition = Definition {
        name: "fuzz".to_owned(),
        channel: "#fuzz".to_owned(),
        weekday: DAYS[usize::from(head[1]) % DAYS.len()].to_owned(),
        opens: time(minutes(head[2], head[3])),
        closes: time(minutes(head[4], head[5])),
        zone: ZONES[usize::from(head[0]) % ZONES.len()].to_owned(),
        phrase: None,
    };
    let Ok(net) = Net::new(definition) else { return };
    let Ok(at) = Timestamp::from_second(i64::from_be_bytes(*second)) else { return };
    holds(&net, at);
    holds(&IsoWeeks::new(net.zone().clone()), at);
}

fn holds(schedule: &dyn Schedule, at: Timestamp) {
    for moment in [Moment::Instant(at), Moment::Local(schedule.zone().to_datetime(at))] {
        let Some(week) = schedule.week_of(moment) else { continue };
        let of = |week: Option<Week>| {
            week.and_then(|week| schedule.span(week)).is_some_and(|span| span.holds(moment))
        };
        assert!(of(Some(week)));
        assert!(!of(week.before()) && !of(week.after()));
    }
    if let Some(week) = schedule.current(at) {
        assert!(schedule.span(week).expect("it has begun").opens <= at);
        let next = week.after().and_then(|week| schedule.span(week));
        assert!(next.is_none_or(|next| at < next.opens));
    }
}

struct Receiver {
    server: CheckInServer<SqlStore>,
    runtime: Runtime,
    _folder: tempfile::TempDir,
}

fn receiver() -> &'static Mutex<Receiver> {
    static RECEIVER: OnceLock<Mutex<Receiver>> = OnceLock::new();
    RECEIVER.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let options = SqliteOptions::new(folder.path().join("checkins.db"));
        let store = SqlStore::open_sqlite(options).expect("a store");
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(store.submit(copies())).expect("stored");
        let mut settings = Settings::default();
        settings.public_reading = true;
        settings.nets = vec![
            Net::new(Definition {
                name: "n".to_owned(),
                channel: "#c".to_owned(),
                weekday: "mon".to_owned(),
                opens: LocalTime::START_OF_DAY,
                closes: LocalTime::END_OF_DAY,
                zone: "America/Denver".to_owned(),
                phrase: None,
            })
            .expect("a net"),
        ];
        Mutex::new(Receiver { server: CheckInServer::new(store, settings), runtime, _folder: folder })
    })
}

fn copies() -> Vec<Submission> {
    let times = ["2025-03-03T14:30:00-07:00", "2025-03-03T14:30:00", "soon", "2025-03-10T23:59:59-06:00"];
    let one = |(number, time): (usize, &&str)| Submission {
        check_in: CheckIn {
            packet_hash: format!("{number}").parse().expect("a hash"),
            username: format!("u{}", number % 2),
            message: "m".to_owned(),
            channel: "#c".to_owned(),
            timestamp: (*time).into(),
            source_bot: None,
        },
        received_at: Timestamp::UNIX_EPOCH,
        key: "k".to_owned(),
    };
    times.iter().enumerate().map(one).collect()
}

/// Whatever is asked below `/v1/checkins/`: it is answered, refused with the reason, or not found, and a cursor that was given out is
/// taken back.
fn question(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let path = format!("/v1/checkins/{text}");
    let Some((status, body)) = ask(&path) else { return };
    assert!(matches!(status, 200 | 400 | 404), "{status} for {path}");
    if status != 200 {
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        assert!(body["error"].is_string());
        return;
    }
    if text.starts_with("export.csv") || text.starts_with("export.jsonl") {
        assert!(body.is_empty() || body.ends_with(b"\n"));
        return;
    }
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    if let Some(next) = body["next"].as_str().filter(|_| text.starts_with("list")) {
        let (status, _) = ask(&format!("/v1/checkins/list?cursor={next}")).expect("a path");
        assert_eq!(status, 200);
    }
}

fn ask(path: &str) -> Option<(u16, bytes::Bytes)> {
    let request = Request::get(path).body(Empty::<bytes::Bytes>::new()).ok()?;
    let mut receiver = receiver().lock().expect("no property broke before");
    let answer = receiver.server.call(request);
    Some(receiver.runtime.block_on(async {
        let (head, body) = answer.await.expect("an answer").into_parts();
        (head.status.as_u16(), body.collect().await.expect("a body").to_bytes())
    }))
}
