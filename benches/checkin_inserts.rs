//! How many check-ins a second reach the disk through the receiver, beside SQLite itself on the same disk in the same run?
//!
//! The receiver runs in a process of its own, over HTTP with SQLite behind it; every check-in is on disk before it is answered. Its
//! peer is a bare connection that inserts the same rows into the table of the document's script, write-ahead log and
//! `synchronous = FULL`, with as many rows a commit as the receiver's commits had in the round before. The two take turns, round by
//! round. `--test` makes one short round; `memory` stores a million check-ins instead and watches the receiver's memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench"
)]

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use benches::median;
use checkin_api::ApiKey;
use checkin_api::server::{
    CheckInServer, Observer, RateLimit, Settings, SharedSecret, SqlStore, SqliteOptions,
};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rusqlite::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

const SECRET: &str = "the-secret-of-the-bench";
const PATH: &str = "CHECKIN_BENCH_PATH";

/// How long each commit of the receiver took, and how many rows it had.
#[derive(Debug, Default)]
struct Commits(Mutex<Vec<(usize, Duration)>>);

impl Observer for Commits {
    fn committed(&self, check_ins: usize, took: Duration) {
        self.0.lock().expect("no panic").push((check_ins, took));
    }
}

/// The receiver's process: serves, and says what it committed since it was last asked.
fn serve(path: &Path) {
    let commits = Arc::new(Commits::default());
    let store =
        SqlStore::open_sqlite(SqliteOptions::new(path).with_observer(commits.clone())).expect("a store");
    let mut settings = Settings::default();
    settings.secret = Some(SharedSecret::new(&ApiKey::new(SECRET).expect("a key")));
    settings.rate = RateLimit { burst: u32::MAX, per_second: u32::MAX };
    let server = CheckInServer::new(store, settings);
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).expect("no delay");
            let service = TowerToHyperService::new(server.clone());
            tokio::spawn(async move {
                let connection = hyper::server::conn::http1::Builder::new();
                let _ = connection.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    for _ in std::io::stdin().lines() {
        let commits = std::mem::take(&mut *commits.0.lock().expect("no panic"));
        let words: Vec<_> =
            commits.iter().map(|(rows, took)| format!("{rows}:{}", took.as_micros())).collect();
        println!("{}", words.join(" "));
    }
}

struct Receiver {
    address: SocketAddr,
    process: Child,
    orders: ChildStdin,
    words: BufReader<ChildStdout>,
}

impl Receiver {
    fn start(path: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .env(PATH, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a receiver");
        let orders = process.stdin.take().expect("its orders");
        let mut words = BufReader::new(process.stdout.take().expect("its words"));
        let mut line = String::new();
        words.read_line(&mut line).expect("an address");
        Self { address: line.trim().parse().expect("an address"), process, orders, words }
    }

    fn commits(&mut self) -> Vec<(usize, Duration)> {
        self.orders.write_all(b"\n").expect("asked");
        let mut line = String::new();
        self.words.read_line(&mut line).expect("answered");
        let commits = line.split_whitespace().map(|word| {
            let (rows, micros) = word.split_once(':').expect("a pair");
            (rows.parse().expect("a number"), Duration::from_micros(micros.parse().expect("a number")))
        });
        commits.collect()
    }

    fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).expect("Linux");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
        line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Packet hashes that nobody used before, as scattered as real ones.
static NEXT: AtomicU64 = AtomicU64::new(1);

fn hash() -> String {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    // Odd multipliers lose nothing.
    format!("{:016X}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15))
}

fn body(hash: &str) -> String {
    let station = usize::from_str_radix(&hash[..4], 16).expect("hex") % 500;
    format!(
        r##"{{"packet_hash":"{hash}","username":"STATION {station}","message":"check in","channel":"#meshmonday","timestamp":"2025-03-03T14:30:00-07:00","source_bot":"meshcore-bot"}}"##
    )
}

/// One connection of the load generator: sends the next check-in when the last one is answered; how long each took.
async fn ask(address: SocketAddr, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.set_nodelay(true).expect("no delay");
    let mut buffer = [0; 1024];
    let mut took = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let body = body(&hash());
        let request = format!(
            "POST /checkins HTTP/1.1\r\nhost: checkin.example.org\r\nauthorization: Bearer {SECRET}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let begun = Instant::now();
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut read = 0;
        while read == 0 || buffer[read - 1] != b'}' {
            let more = stream.read(&mut buffer[read..]).await.expect("answered");
            assert!(more > 0, "the server closed the connection");
            read += more;
        }
        assert!(buffer.starts_with(b"HTTP/1.1 201"), "{}", String::from_utf8_lossy(&buffer[..read]));
        took.push(begun.elapsed());
    }
    took
}

/// What one round with the receiver gave.
struct Round {
    per_second: f64,
    rows: usize,
    commits: usize,
    p99: f64,
    commit_median: f64,
}

fn receiver_round(load: &Runtime, receiver: &mut Receiver, clients: usize, lasts: Duration) -> Round {
    receiver.commits();
    let stop = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..clients).map(|_| load.spawn(ask(receiver.address, stop.clone()))).collect();
    std::thread::sleep(lasts);
    stop.store(true, Ordering::Relaxed);
    let mut took: Vec<_> =
        tasks.into_iter().flat_map(|task| load.block_on(task).expect("no panic")).collect();
    let elapsed = begun.elapsed().as_secs_f64();
    took.sort_unstable();
    let commits = receiver.commits();
    let rows: usize = commits.iter().map(|(rows, _)| rows).sum();
    assert_eq!(rows, took.len(), "every answer was in a commit");
    let times: Vec<_> = commits.iter().map(|(_, took)| took.as_secs_f64()).collect();
    Round {
        per_second: took.len() as f64 / elapsed,
        rows,
        commits: commits.len(),
        p99: took[took.len() * 99 / 100].as_secs_f64(),
        commit_median: median(&times),
    }
}

fn bare(path: PathBuf) -> Connection {
    let connection = Connection::open(path).expect("opened");
    connection
        .execute_batch(
            "PRAGMA journal_mode = wal; PRAGMA synchronous = full; \
             CREATE TABLE checkins (packet_hash TEXT PRIMARY KEY, username TEXT NOT NULL, message TEXT NOT NULL, \
             channel TEXT NOT NULL, timestamp TEXT NOT NULL, source_bot TEXT, updated_at TEXT NOT NULL)",
        )
        .expect("a table");
    connection
}

/// Rows a second through a bare connection with so many a commit.
fn bare_round(connection: &Connection, rows_per_commit: usize, lasts: Duration) -> f64 {
    let mut insert = connection
        .prepare("INSERT INTO checkins VALUES (?1, ?2, 'check in', '#meshmonday', ?3, 'meshcore-bot', ?3)")
        .expect("a statement");
    let (begun, mut rows) = (Instant::now(), 0);
    while begun.elapsed() < lasts {
        connection.execute_batch("BEGIN IMMEDIATE").expect("begun");
        for _ in 0..rows_per_commit {
            let hash = hash();
            let station = format!("STATION {}", &hash[..2]);
            insert.execute([hash.as_str(), &station, "2025-03-03T14:30:00-07:00"]).expect("inserted");
        }
        connection.execute_batch("COMMIT").expect("on disk");
        rows += rows_per_commit;
    }
    rows as f64 / begun.elapsed().as_secs_f64()
}

fn measure(rounds: usize, lasts: Duration, clients: &[usize]) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut receiver = Receiver::start(&folder.path().join("receiver.db"));
    let connection = bare(folder.path().join("bare.db"));
    let load = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    println!("{rounds} rounds of {lasts:?} each, medians; every check-in on disk before its answer");
    for &clients in clients {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let round = receiver_round(&load, &mut receiver, clients, lasts);
            let rows = (round.rows + round.commits / 2) / round.commits;
            theirs.push(bare_round(&connection, rows, lasts));
            ours.push(round);
        }
        let of = |pick: fn(&Round) -> f64| median(&ours.iter().map(pick).collect::<Vec<_>>());
        let ratios: Vec<_> =
            ours.iter().zip(&theirs).map(|(ours, theirs)| ours.per_second / theirs).collect();
        println!(
            "{clients:>3} clients: receiver {:>6.0}/s, SQLite {:>6.0}/s, ratio {:.2}; {:.1} rows and one sync a commit \
             ({:.3} syncs a row), p99 {:.1} ms = {:.1} commits of {:.1} ms; resident {:.1} MB",
            of(|round| round.per_second),
            median(&theirs),
            median(&ratios),
            of(|round| round.rows as f64 / round.commits as f64),
            of(|round| round.commits as f64 / round.rows as f64),
            of(|round| round.p99) * 1e3,
            of(|round| round.p99 / round.commit_median),
            of(|round| round.commit_median) * 1e3,
            receiver.resident_kib() as f64 / 1024.0,
        );
    }
}

/// Sends batches of 2,000 until so many check-ins are stored, and says what the receiver holds in memory on the way.
fn memory(total: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::start(&folder.path().join("receiver.db"));
    let load = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let begun = Instant::now();
    load.block_on(async {
        let mut stream = TcpStream::connect(receiver.address).await.expect("connected");
        let mut buffer = vec![0; 1 << 20];
        for sent in (0..total).step_by(2000) {
            let body: String = (0..2000).map(|_| body(&hash()) + "\n").collect();
            let head = format!(
                "POST /v1/checkins/batch HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SECRET}\r\n\
                 content-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await.expect("sent");
            stream.write_all(body.as_bytes()).await.expect("sent");
            let mut read = 0;
            while !buffer[..read].ends_with(b"\"line\":2000,\"status\":201}\n") {
                let more = stream.read(&mut buffer[read..]).await.expect("answered");
                assert!(more > 0, "{}", String::from_utf8_lossy(&buffer[..read.min(500)]));
                read += more;
            }
            if sent % (total / 10) == 0 {
                let resident = receiver.resident_kib() as f64 / 1024.0;
                println!(
                    "{sent:>9} check-ins, {resident:.1} MB resident, {:.0} s",
                    begun.elapsed().as_secs_f64()
                );
            }
        }
    });
    println!("{total:>9} check-ins, {:.1} MB resident", receiver.resident_kib() as f64 / 1024.0);
}

fn main() {
    if let Ok(path) = std::env::var(PATH) {
        return serve(Path::new(&path));
    }
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--test");
    if quick {
        measure(1, Duration::from_millis(200), &[1, 16]);
        memory(20_000);
    } else if arguments.iter().any(|argument| argument == "memory") {
        memory(1_000_000);
    } else {
        let asked: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
        let clients = if asked.is_empty() { vec![1, 16, 64] } else { asked };
        measure(7, Duration::from_secs(3), &clients);
    }
}
