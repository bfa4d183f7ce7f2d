//! Does reading check-ins back take longer when the table is fifty times as long?
//!
//! Two SQLite stores in this process, filled with weeks of the same size: one with 10 of them, one with 520. Each question is asked of
//! both in turn, round by round; the ratio is that of the medians. What goes through all people of a channel grows with the
//! channel, and is stated in rows a second, with the memory that it took. `--test` makes a short round over small stores; a number
//! says how many weeks the long one has.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    reason = "a bench"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use benches::median;
use checkin_api::CheckIn;
use checkin_api::net::{Definition, Net, Regulars, Week};
use checkin_api::server::store::{
    Direction, Filter, MAX_WEEKS, PageRequest, Period, Position, Reading, Scope, Submission, Submissions,
};
use checkin_api::server::{SqlStore, SqliteOptions};
use tokio::runtime::{Builder, Runtime};

/// People who check in each week, out of ten times as many.
const A_WEEK: u64 = 2000;

fn net() -> Net {
    Net::new(Definition {
        name: "net".to_owned(),
        channel: "#net".to_owned(),
        weekday: "monday".to_owned(),
        opens: "00:00".parse().unwrap(),
        closes: "24:00".parse().unwrap(),
        zone: "America/Denver".to_owned(),
        phrase: None,
    })
    .unwrap()
}

/// The last week of every store, and with it what is asked about.
fn last() -> Week {
    "2025-03-03".parse().unwrap()
}

struct Filled {
    store: SqlStore,
    weeks: u64,
    _folder: tempfile::TempDir,
}

impl Filled {
    fn new(runtime: &Runtime, weeks: u64, people: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkins.db");
        let store = SqlStore::open_sqlite(SqliteOptions::new(&path)).unwrap();
        let begun = Instant::now();
        let mut week = last();
        for number in 0..weeks {
            runtime.block_on(store.submit(copies(week, number, people))).unwrap();
            week = week.before().unwrap();
        }
        let rows = weeks * people;
        println!("{rows} check-ins in {weeks} weeks: {:.0?} to fill, {} MiB", begun.elapsed(), size(&path));
        Self { store, weeks, _folder: folder }
    }
}

fn size(path: &Path) -> u64 {
    path.metadata().unwrap().len() / 1024 / 1024
}

fn copies(week: Week, number: u64, people: u64) -> Vec<Submission> {
    let span = net().span(week).unwrap();
    let one = |place: u64| {
        let at = span.opens + Duration::from_secs(place * 40);
        let person = (place * 7919 + number * 104_729) % (people * 10);
        Submission {
            check_in: CheckIn {
                packet_hash: format!("{number:08X}{place:08X}").parse().unwrap(),
                username: format!("station {person}"),
                message: "checking in from the hill, all is well".to_owned(),
                channel: "#net".to_owned(),
                timestamp: at.to_string().into(),
                source_bot: Some("bot".to_owned()),
            },
            received_at: at,
            key: "bench".to_owned(),
        }
    };
    (0..people).map(one).collect()
}

fn scope() -> Scope {
    Scope { channel: "#net".to_owned(), phrase: None, schedule: Arc::new(net()), last: last(), open: false }
}

/// Asks a store.
type Ask = Box<dyn Fn(&Runtime, &Filled)>;

/// What a page or a week costs: the time of one answer.
type Question = (&'static str, Ask);

fn page(limit: u32) -> PageRequest {
    PageRequest { direction: Direction::NewestFirst, after: None, newest: None, limit }
}

fn short_questions() -> Vec<Question> {
    let span = net().span(last()).unwrap();
    let a_week =
        Filter { channel: Some("#net".to_owned()), period: Period::from(&span), ..Filter::default() };
    let ask = |filter: Filter, page: PageRequest, wanted: usize| -> Ask {
        Box::new(move |runtime, filled| {
            let records = runtime.block_on(filled.store.records(filter.clone(), page)).unwrap();
            assert_eq!(records.len(), wanted);
        })
    };
    let middle = Position { at: span.opens.as_second() + 40_000, id: 0 };
    let on_channel = Filter { channel: Some("#net".to_owned()), ..Filter::default() };
    vec![
        ("a whole week", ask(a_week, page(2000), 2000)),
        ("a page of 50", ask(on_channel.clone(), page(50), 50)),
        ("a later page", ask(on_channel, PageRequest { after: Some(middle), ..page(50) }, 50)),
        ("a bot's page", ask(Filter { bot: Some("bot".to_owned()), ..Filter::default() }, page(50), 50)),
    ]
}

fn time(runtime: &Runtime, question: &Question, filled: &Filled) -> f64 {
    let begun = Instant::now();
    (question.1)(runtime, filled);
    begun.elapsed().as_secs_f64() * 1000.0
}

/// The most memory that this process ever held, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).map_or(0, |kib: u64| kib / 1024)
}

fn survey(runtime: &Runtime, filled: &Filled, people: u64) {
    let rows = (filled.weeks * people) as f64;
    let before = peak();
    let measure = |name: &str, ask: &dyn Fn()| {
        let begun = Instant::now();
        ask();
        let took = begun.elapsed();
        println!("{name:>14}: {took:>8.0?}, {:.2} million rows a second", rows / took.as_secs_f64() / 1e6);
    };
    let store = &filled.store;
    measure("leaderboard", &|| {
        assert_eq!(runtime.block_on(store.leaders(scope(), None, 50)).unwrap().len(), 50);
    });
    measure("all weeks", &|| {
        let weeks = runtime.block_on(store.weeks(scope())).unwrap();
        assert_eq!(weeks.len() as u64, filled.weeks.min(MAX_WEEKS.into()));
    });
    measure("the missing", &|| {
        drop(runtime.block_on(store.missing(scope(), Regulars::default(), 500)).unwrap())
    });
    measure("a board", &|| {
        assert_eq!(runtime.block_on(store.sheet(scope())).unwrap().people.len() as u64, people)
    });
    measure("a person", &|| {
        assert!(runtime.block_on(store.person(scope(), "station 0".to_owned())).unwrap().is_some());
    });
    println!("peak memory {before} MiB before and {} MiB after, board of {people} people included", peak());
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--test");
    let asked = std::env::args().filter_map(|argument| argument.parse().ok()).next();
    let (short, long, people, rounds) =
        if quick { (2, 4, 2000, 1) } else { (10, asked.unwrap_or(520), A_WEEK, 15) };
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (short, long) = (Filled::new(&runtime, short, people), Filled::new(&runtime, long, people));
    for question in short_questions() {
        let (mut few, mut many) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            few.push(time(&runtime, &question, &short));
            many.push(time(&runtime, &question, &long));
        }
        let (few, many) = (median(&few), median(&many));
        println!("{:>14}: {few:>7.2} ms of few, {many:>7.2} ms of many, ratio {:.2}", question.0, many / few);
    }
    survey(&runtime, &long, people);
}
