//! How many heartbeats a second does the Meeting server take, with SQLite behind it, beside a bare hyper server that
//! answers the same bytes and stores nothing?
//!
//! Both servers run in this process on runtimes of the same size; one load generator on threads of its own asks them in turn,
//! round by round, over kept-alive connections. Every heartbeat of the Meeting server is committed before it is
//! answered, and on disk within a second. The processor time is that of the whole process, load generator included: it
//! says what a heartbeat costs also where other programs or the disk disturb the rate. `--test` makes one short round; numbers choose how many connections.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench"
)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use meeting_api::server::store::{Devices, NewDevice};
use meeting_api::server::{
    Clock, MeetingServer, PeerAddress, Settings, SqliteOptions, SqliteStore, SystemClock,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tower_service::Service;

const DEVICES: usize = 10_000;
const BODY: &str = r#"{"ip_address":"203.0.113.10","ip_lan":"192.168.1.100","ip_public":"203.0.113.10","mac":"AA:BB:CC:DD:EE:FF"}"#;
const ANSWER: &str = r#"{"ok":true,"ip_address":"203.0.113.10","last_seen":"2026-02-02 12:34:56"}"#;

fn device(number: usize) -> String {
    format!("{number:032x}")
}

fn server_runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

async fn bare(_: SocketAddr, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    request.into_body().collect().await.expect("a body");
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER.as_bytes())));
    response.headers_mut().insert("content-type", "application/json".parse().expect("a value"));
    response.headers_mut().insert("cache-control", "no-store".parse().expect("a value"));
    Ok(response)
}

fn serve<F, Answer>(runtime: &Runtime, answer: F) -> SocketAddr
where
    F: Fn(SocketAddr, Request<Incoming>) -> Answer + Clone + Send + Sync + 'static,
    Answer: Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send + 'static,
{
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            stream.set_nodelay(true).expect("no delay");
            let answer = answer.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| answer(peer, request));
                let connection = hyper::server::conn::http1::Builder::new();
                let _ = connection.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

fn meeting(runtime: &Runtime, folder: &std::path::Path) -> SocketAddr {
    let store = SqliteStore::open(SqliteOptions::new(folder.join("meeting.db"))).expect("a store");
    runtime.block_on(async {
        let new = |number| NewDevice {
            device_key: device(number).parse().expect("a key"),
            device_name: None,
            product_serial: None,
            device_type: None,
            distribution: None,
            authorized: true,
            token_code: None,
            token_count: 1,
            note: None,
            services: vec![],
            registered_at: SystemClock.now(),
        };
        for batch in (0..DEVICES).step_by(1000) {
            let entered: Vec<_> = (batch..batch + 1000)
                .map(|number| {
                    let store = store.clone();
                    tokio::spawn(async move { store.create_device(new(number)).await })
                })
                .collect();
            for entry in entered {
                assert!(entry.await.expect("no panic").expect("stored"));
            }
        }
    });
    let server = MeetingServer::new(store, Settings::default());
    serve(runtime, move |peer, mut request| {
        request.extensions_mut().insert(PeerAddress(peer));
        server.clone().call(request)
    })
}

/// One connection of the load generator: sends the next heartbeat when the last one is answered.
async fn ask(address: SocketAddr, first: usize, stop: Arc<AtomicBool>, done: Arc<AtomicU64>) {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.set_nodelay(true).expect("no delay");
    let requests: Vec<String> = (0..64)
        .map(|n| {
            let device = device((first * 64 + n) % DEVICES);
            let length = BODY.len();
            format!(
                "POST /api/devices/{device}/online HTTP/1.1\r\nhost: meeting.example.org\r\n\
                 content-type: application/json\r\ncontent-length: {length}\r\n\r\n{BODY}"
            )
        })
        .collect();
    let mut buffer = [0; 1024];
    for request in requests.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut read = 0;
        // Both servers' answers end with the one closing brace.
        while read == 0 || buffer[read - 1] != b'}' {
            let more = stream.read(&mut buffer[read..]).await.expect("answered");
            assert!(more > 0, "the server closed the connection");
            read += more;
        }
        assert!(buffer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..read]));
        done.fetch_add(1, Ordering::Relaxed);
    }
}

/// What one measurement of one server gave.
#[derive(Clone, Copy)]
struct Measured {
    per_second: f64,
    /// Processor time of the whole process, load generator and all, for one heartbeat.
    cpu_micros: f64,
}

/// Processor time that this process has used so far, in seconds.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit(')').next().expect("fields").split_whitespace();
    // Fields 14 and 15 of all, 12 and 13 after the name: user and system time, in hundredths of a second.
    let ticks: f64 = fields.skip(11).take(2).map(|field| field.parse::<f64>().expect("a number")).sum();
    ticks / 100.0
}

/// Asks one server for a while over so many connections.
fn measure(
    load: &Runtime,
    address: SocketAddr,
    connections: usize,
    warm: Duration,
    lasts: Duration,
) -> Measured {
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let tasks: Vec<_> =
        (0..connections).map(|n| load.spawn(ask(address, n, stop.clone(), done.clone()))).collect();
    std::thread::sleep(warm);
    let (before, cpu, start) = (done.load(Ordering::Relaxed), cpu_seconds(), Instant::now());
    std::thread::sleep(lasts);
    let count = (done.load(Ordering::Relaxed) - before) as f64;
    let measured = Measured {
        per_second: count / start.elapsed().as_secs_f64(),
        cpu_micros: (cpu_seconds() - cpu) * 1e6 / count,
    };
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        load.block_on(task).expect("no panic");
    }
    measured
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--test");
    let folder = tempfile::tempdir().expect("a folder");
    let (bare_runtime, meeting_runtime) = (server_runtime(), server_runtime());
    let bare_address = serve(&bare_runtime, bare);
    let meeting_address = meeting(&meeting_runtime, folder.path());
    let load = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");

    let (rounds, warm, lasts) = if quick {
        (1, Duration::from_millis(50), Duration::from_millis(200))
    } else {
        (5, Duration::from_millis(500), Duration::from_secs(3))
    };
    let asked: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let sizes: &[usize] = match (asked.as_slice(), quick) {
        ([], true) => &[64],
        ([], false) => &[64, 256, 1000, 4000],
        (asked, _) => asked,
    };
    println!(
        "{DEVICES} devices, {rounds} rounds of {lasts:?} each, medians; every heartbeat committed before its answer"
    );
    for &connections in sizes {
        let (mut bares, mut meetings) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            bares.push(measure(&load, bare_address, connections, warm, lasts));
            meetings.push(measure(&load, meeting_address, connections, warm, lasts));
        }
        let rate = |all: &[Measured]| median(all.iter().map(|one| one.per_second).collect());
        let cpu = |all: &[Measured]| median(all.iter().map(|one| one.cpu_micros).collect());
        let pairs = bares.iter().zip(&meetings);
        println!(
            "{connections:>5} connections: bare hyper {:>6.0}/s {:>5.1} us, meeting with SQLite {:>6.0}/s {:>5.1} us, \
             ratio {:.2} by rate, {:.2} by processor time",
            rate(&bares),
            cpu(&bares),
            rate(&meetings),
            cpu(&meetings),
            median(pairs.clone().map(|(bare, meeting)| meeting.per_second / bare.per_second).collect()),
            median(pairs.map(|(bare, meeting)| bare.cpu_micros / meeting.cpu_micros).collect()),
        );
    }
}
