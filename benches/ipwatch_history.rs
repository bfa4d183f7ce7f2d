//! What does the history of 5,000 machines with a status each 30 s cost, beside SQLite itself on the same disk in the same run?
//!
//! A second's samples go into one commit of the store; its peer is a bare connection that inserts as many rows into the same table of its
//! own, write-ahead log and `synchronous = FULL`. The two take turns. Then: taking a status, reading a day, forgetting what is old. `--test`
//! makes one short round.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a bench")]

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use ipwatch_mqtt::server::store::{Devices, History, NewDevice, Sample, Span};
use ipwatch_mqtt::server::{Answer, Fleet, Heard, IpWatchServer, News, Settings, SqlStore, SqliteOptions};
use ipwatch_mqtt::{CommandName, Status};
use jiff::Timestamp;
use rusqlite::Connection;
use tokio::runtime::Builder;

/// 5,000 machines in 30 seconds.
const A_SECOND: i64 = 167;
const START: i64 = 1_769_860_800;

#[derive(Debug)]
struct Nobody;

impl Fleet for Nobody {
    async fn command(&self, _: IpAddr, _: CommandName, _: Duration) -> Answer {
        Answer::NoAnswer
    }

    async fn broadcast(&self, devices: Vec<IpAddr>, _: CommandName, _: Duration) -> Vec<Answer> {
        vec![Answer::NoAnswer; devices.len()]
    }
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(START + seconds).unwrap()
}

fn sample(device: i64, at: i64) -> Sample {
    Sample {
        device,
        at: time(at),
        cpu: Some(4520),
        memory: Some(6250),
        disk: Some(7830),
        uptime: Some(86400),
    }
}

fn bare(path: &std::path::Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4096; \
             CREATE TABLE history (device BIGINT NOT NULL, at BIGINT NOT NULL, cpu BIGINT, memory BIGINT, \
             disk BIGINT, uptime BIGINT, PRIMARY KEY (device, at)) WITHOUT ROWID;",
        )
        .unwrap();
    connection
}

fn insert(connection: &mut Connection, samples: &[Sample]) {
    let transaction = connection.transaction().unwrap();
    {
        let mut statement =
            transaction.prepare_cached("INSERT INTO history VALUES (?1, ?2, ?3, ?4, ?5, ?6)").unwrap();
        for sample in samples {
            let at = sample.at.as_second();
            let row =
                (sample.device, at, sample.cpu, sample.memory, sample.disk, sample.uptime.map(|_| 86400));
            statement.execute(row).unwrap();
        }
    }
    transaction.commit().unwrap();
}

fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a rank"
    )]
    let rank = ((times.len() - 1) as f64 * share) as usize;
    times[rank]
}

fn main() {
    let short = std::env::args().any(|argument| argument == "--test");
    let (machines, kept, rounds) = if short { (500, 4, 5) } else { (5000, 400, 1500) };
    let folder = tempfile::tempdir_in(std::env::current_dir().unwrap()).unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = SqlStore::open_sqlite(SqliteOptions::new(folder.path().join("ipwatch.db"))).unwrap();
        let mut own = bare(&folder.path().join("bare.db"));
        // What is there already, the same in both.
        for round in 0..kept {
            let samples: Vec<_> = (1..=machines).map(|device| sample(device, 30 * round)).collect();
            insert(&mut own, &samples);
            store.add_samples(samples).await.unwrap();
        }
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let first = round * A_SECOND;
            let of = |n: i64| sample((first + n) % machines + 1, 30 * (kept + (first + n) / machines));
            let samples: Vec<_> = (0..A_SECOND).map(of).collect();
            let begun = Instant::now();
            insert(&mut own, &samples);
            theirs.push(begun.elapsed());
            let begun = Instant::now();
            store.add_samples(samples).await.unwrap();
            ours.push(begun.elapsed());
        }
        let bytes = std::fs::metadata(folder.path().join("ipwatch.db")).unwrap().len();
        println!("{machines} machines, {} rows, {bytes} bytes", kept * machines + rounds * A_SECOND);
        for share in [0.5, 0.99, 1.0] {
            let (ours, theirs) = (quantile(&mut ours, share), quantile(&mut theirs, share));
            let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
            println!(
                "a second's {A_SECOND} samples, quantile {share}: {ours:?} beside {theirs:?}, {ratio:.2}"
            );
        }
        reading(&store, kept).await;
        taking(store, machines).await;
    });
}

async fn reading(store: &SqlStore, kept: i64) {
    let whole = Span { from: time(0), to: time(30 * kept), step: Duration::from_secs(60) };
    let mut times = Vec::new();
    for device in 1..=200 {
        let begun = Instant::now();
        let points = store.history(device, whole, 2000).await.unwrap();
        times.push(begun.elapsed());
        assert_eq!(i64::try_from(points.len()), Ok((kept + 1) / 2));
    }
    println!(
        "reading {kept} samples of one machine: {:?}, the slowest {:?}",
        quantile(&mut times, 0.5),
        quantile(&mut times, 1.0)
    );
    let mut times = Vec::new();
    for device in 1..=200 {
        let begun = Instant::now();
        let gone = store.prune_history(device, time(30 * kept / 2), 2000).await.unwrap();
        times.push(begun.elapsed());
        assert_eq!(i64::try_from(gone), Ok(kept / 2));
    }
    println!(
        "forgetting {} of one machine: {:?}, the slowest {:?}",
        kept / 2,
        quantile(&mut times, 0.5),
        quantile(&mut times, 1.0)
    );
}

async fn taking(store: SqlStore, machines: i64) {
    let mut addresses = Vec::new();
    for number in 0..u32::try_from(machines).unwrap() {
        let address = IpAddr::from(Ipv4Addr::from_bits(0x0A00_0000 + number));
        let device = NewDevice { address, name: "a".to_owned(), mac: None, groups: vec![], user: None };
        if number < 500 {
            store.put_device(device, time(0)).await.unwrap();
            addresses.push(address);
        }
    }
    let server = IpWatchServer::open(store, Nobody, Settings::default()).await.unwrap();
    let status = Status { cpu_percent: Some(45.2), memory_percent: Some(62.5), ..Status::default() };
    let rounds = 100;
    let begun = Instant::now();
    for round in 0..rounds {
        for device in &addresses {
            let news = News::Status(Box::new(status.clone()));
            server.heard(Heard { device: *device, user: None, at: time(round), news });
        }
    }
    let each = begun.elapsed() / u32::try_from(rounds).unwrap() / u32::try_from(addresses.len()).unwrap();
    println!("taking a status, with its event: {each:?}");
}
