//! Threat C1: does the time of a refusal tell how much of a key was right? The test of Reparaz, Balasch and Verbauwhede ("Dude, is my
//! code constant time?"): two classes of keys, measured in random order, compared by Welch's t.

use std::hint::black_box;
use std::time::Instant;

use checkin_api::ApiKey;
use checkin_api::server::{CheckInServer, Settings, SharedSecret, SqlStore, SqliteOptions};
use http::Request;
use http_body_util::Empty;
use tower_service::Service;

const SECRET: &str = "a-secret-of-which-an-attacker-knows-all-but-the-very-last-character-0";
const SAMPLES: usize = 1_000_000;
/// Beyond this the two classes differ.
const SUSPICIOUS: f64 = 4.5;

/// A difference that is there is there each time.
const ROUNDS: usize = 4;

/// Welch's t of two classes of times, without the slowest tenth, which are interruptions.
fn t(mut classes: [Vec<f64>; 2]) -> f64 {
    let mut all: Vec<f64> = classes.concat();
    all.sort_by(f64::total_cmp);
    let cut = all[all.len() * 9 / 10];
    let [a, b] = classes.each_mut().map(|times| {
        times.retain(|time| *time <= cut);
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    });
    (a.0 - b.0) / (a.1 + b.1).sqrt()
}

/// Measures in an order that a small generator of random numbers gives.
fn measure(samples: usize, mut work: impl FnMut(usize)) -> f64 {
    let mut classes = [Vec::new(), Vec::new()];
    let mut random: u64 = 0x9E37_79B9_7F4A_7C15;
    for _ in 0..samples {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let class = usize::from(random & 1 == 1);
        let begun = Instant::now();
        work(class);
        classes[class].push(begun.elapsed().as_nanos() as f64);
    }
    t(classes)
}

#[test]
#[ignore = "measures times; run by .ci/run"]
fn c1_the_time_of_a_refusal_tells_nothing_of_the_key() {
    let nearly = format!("{}1", &SECRET[..SECRET.len() - 1]);
    let wrong = "z".repeat(SECRET.len());
    // The test sees a comparison that stops where the keys differ.
    let naive =
        |presented: &str| SECRET.bytes().zip(presented.bytes()).all(|(a, b)| black_box(a) == black_box(b));
    let keys = [nearly.as_str(), wrong.as_str()];
    let seen = measure(SAMPLES / 10, |class| {
        black_box(naive(black_box(keys[class])));
    });
    assert!(seen.abs() > SUSPICIOUS, "the test is blind: t = {seen:.1}");

    let folder = tempfile::tempdir().expect("a folder");
    let store =
        SqlStore::open_sqlite(SqliteOptions::new(folder.path().join("checkins.db"))).expect("a store");
    let mut settings = Settings::default();
    settings.secret = Some(SharedSecret::new(&ApiKey::new(SECRET).expect("a key")));
    let mut server = CheckInServer::new(store, settings);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let headers = keys.map(|key| format!("Bearer {key}"));
    // What the time tells, it tells each time; what else runs on the machine does not come back the same.
    let mut found = Vec::new();
    for _ in 0..ROUNDS {
        found.push(measure(SAMPLES, |class| {
            let request = Request::post("/checkins").header("authorization", &headers[class]);
            let request = request.body(Empty::<bytes::Bytes>::new()).expect("a request");
            let Ok(answer) = runtime.block_on(server.call(request));
            assert_eq!(answer.status(), 401);
        }));
        eprintln!("t = {found:.2?} over {SAMPLES} refusals; {seen:.0} for a comparison that stops early");
        if found.iter().any(|t| t.abs() < SUSPICIOUS) {
            return;
        }
    }
    panic!("t = {found:.2?}");
}
