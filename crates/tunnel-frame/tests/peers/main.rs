//! Our drivers against peers that know only the document: a Node.js agent, a Node.js proxy, and a Python agent with the
//! habits of agents in the field. They are in this folder; the tests fail where node or python3 is missing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that fails may say so in any way"
)]

mod churn;

use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;
use tunnel_frame::client::{self, AgentConfig, ConnectError, Greeting, Loopback};
use tunnel_frame::handshake::{DeviceKey, Hello, Refusal, Token};
use tunnel_frame::server::{self, ServerConfig, Tunnel, TunnelStream};

const PATIENCE: Duration = Duration::from_secs(60);

fn peer(program: &str, file: &str, args: &[String]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let path = format!("{}/tests/peers/{file}", env!("CARGO_MANIFEST_DIR"));
    let mut child = Command::new(program)
        .arg(path)
        .args(args)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{program} is needed: {error}"));
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

async fn line(lines: &mut Lines<BufReader<ChildStdout>>) -> String {
    timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().expect("a line from the peer")
}

fn pattern(total: usize, salt: u8) -> Vec<u8> {
    (0..total).map(|n| (n % 251) as u8 ^ (n >> 8) as u8 ^ salt).collect()
}

/// A service on a port of its own: it reads a request of a known size, answers with as much, and closes.
async fn service(size: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; size];
                if socket.read_exact(&mut request).await.is_err() {
                    return;
                }
                request.iter_mut().for_each(|byte| *byte ^= 0xFF);
                let _ = socket.write_all(&request).await;
            });
        }
    });
    port
}

async fn agent_of(program: &str, file: &str) -> (Child, Tunnel) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let (child, mut lines) = peer(program, file, &[port, "c0ffee".into(), "device-1".into()]);
    let (socket, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    server::tune(&socket).unwrap();
    let pending = server::receive(socket, ServerConfig::default()).await.unwrap();
    assert!(pending.hello().token().matches("c0ffee"));
    assert_eq!(pending.hello().name().as_str(), "device-1");
    let (tunnel, driver) = pending.accept();
    tokio::spawn(driver.run());
    assert_eq!(line(&mut lines).await, "authenticated");
    (child, tunnel)
}

async fn exchange(mut stream: TunnelStream, request: Vec<u8>) {
    let (mut reader, mut writer) = tokio::io::split(&mut stream);
    let (_, got) = tokio::join!(
        async {
            writer.write_all(&request).await.unwrap();
            writer.shutdown().await.unwrap();
        },
        async {
            let mut got = Vec::new();
            reader.read_to_end(&mut got).await.unwrap();
            got
        }
    );
    assert_eq!(got.len(), request.len());
    assert!(got.iter().zip(&request).all(|(a, b)| *a == b ^ 0xFF), "the reply belongs to another request");
}

async fn our_proxy_serves(program: &str, file: &str) {
    let (_child, tunnel) = agent_of(program, file).await;
    let size = 300_000;
    let port = service(size).await;
    let mut tasks = tokio::task::JoinSet::new();
    for salt in 0..50 {
        let stream = tunnel.open(port).unwrap();
        tasks.spawn(timeout(PATIENCE, exchange(stream, pattern(size, salt))));
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    // Nobody listens there: the agent says C and nothing else.
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    let mut refused = tunnel.open(closed).unwrap();
    let error = timeout(PATIENCE, refused.read(&mut [0; 8])).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    drop(refused);
    let counters = tunnel.counters();
    assert_eq!((counters.opened, counters.streams, counters.unknown_types), (51, 0, 0));
    assert!(tunnel.is_open());
    tunnel.shutdown();
}

#[tokio::test]
#[ignore = "needs node; run by .ci/run"]
async fn our_proxy_serves_a_node_agent_of_the_document() {
    our_proxy_serves("node", "agent.mjs").await;
}

#[tokio::test]
#[ignore = "needs python3; run by .ci/run"]
async fn our_proxy_serves_a_python_agent_with_the_fields_habits() {
    our_proxy_serves("python3", "agent.py").await;
}

/// The agent blocks in its reader while a local socket takes nothing; its other streams wait and then go on.
#[tokio::test]
#[ignore = "needs python3; run by .ci/run"]
async fn an_agent_that_blocks_in_its_reader_is_waited_for() {
    let (_child, tunnel) = agent_of("python3", "agent.py").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut bulk = tunnel.open(listener.local_addr().unwrap().port()).unwrap();
    let (mut stuck, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let total = 24_000_000;
    let pushing = tokio::spawn(async move {
        bulk.write_all(&pattern(total, 1)).await.unwrap();
        bulk
    });
    let mut other = tunnel.open(service(1000).await).unwrap();
    other.write_all(&pattern(1000, 2)).await.unwrap();
    let blocked = timeout(Duration::from_secs(1), other.read(&mut [0; 1])).await.is_err();
    let mut got = vec![0; total];
    timeout(PATIENCE, stuck.read_exact(&mut got)).await.unwrap().unwrap();
    assert!(got == pattern(total, 1));
    let mut reply = vec![0; 1000];
    if blocked {
        timeout(PATIENCE, other.read_exact(&mut reply)).await.unwrap().unwrap();
    }
    drop(pushing.await.unwrap());
    assert!(tunnel.is_open());
}

#[tokio::test]
#[ignore = "needs node and python3; run by .ci/run"]
async fn a_refused_agent_is_told_why() {
    for (program, file, told) in [
        ("node", "agent.mjs", "refused auth_failed unknown device"),
        // It knows no error line without a status and only warns; the end of the connection tells it the rest.
        ("python3", "agent.py", "warning: no status"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let (mut child, mut lines) = peer(program, file, &[port, "c0ffee".into(), "device-1".into()]);
        let (socket, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        let pending = server::receive(socket, ServerConfig::default()).await.unwrap();
        pending.refuse(Refusal::auth_failed("unknown device")).await.unwrap();
        assert_eq!(line(&mut lines).await, told);
        timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    }
}

fn hello() -> Hello {
    Hello::new(Token::new("c0ffee").unwrap(), DeviceKey::new("device-1").unwrap())
}

fn number(line: &str, word: &str) -> u16 {
    line.strip_prefix(word).unwrap_or_else(|| panic!("{word}? {line}")).trim().parse().unwrap()
}

async fn our_agent_serves(mode: &str, greeting: Greeting, config: AgentConfig) {
    let size = 300_000;
    let port = service(size).await;
    let (_child, mut lines) = peer("node", "proxy.mjs", &[port.to_string(), mode.into()]);
    let control = number(&line(&mut lines).await, "control");
    let socket = TcpStream::connect(("127.0.0.1", control)).await.unwrap();
    client::tune(&socket).unwrap();
    let established = client::connect(socket, &hello(), config).await.unwrap();
    assert_eq!(*established.greeting(), greeting);
    let monitor = established.monitor();
    tokio::spawn(established.serve([port].into_iter().collect(), Loopback, std::future::pending()));
    let public = number(&line(&mut lines).await, "public");
    let mut tasks = tokio::task::JoinSet::new();
    for salt in 0..50 {
        tasks.spawn(timeout(PATIENCE, async move {
            let request = pattern(size, salt);
            let mut visitor = TcpStream::connect(("127.0.0.1", public)).await.unwrap();
            visitor.write_all(&request).await.unwrap();
            let mut got = Vec::new();
            visitor.read_to_end(&mut got).await.unwrap();
            assert_eq!(got.len(), size);
            assert!(got.iter().zip(&request).all(|(a, b)| *a == b ^ 0xFF));
        }));
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    assert_eq!(monitor.counters().opened, 50);
}

#[tokio::test]
#[ignore = "needs node; run by .ci/run"]
async fn our_agent_serves_a_node_proxy_of_the_document() {
    let greeting = Greeting::Authenticated(Some(DeviceKey::new("device-1").unwrap()));
    our_agent_serves("document", greeting, AgentConfig::default()).await;
}

#[tokio::test]
#[ignore = "needs node; run by .ci/run"]
async fn our_agent_serves_a_node_proxy_that_answers_nothing() {
    let config = AgentConfig::default().with_answer_deadline(Duration::from_millis(300));
    our_agent_serves("silent", Greeting::Silent, config).await;
}

#[tokio::test]
#[ignore = "needs node; run by .ci/run"]
async fn our_agent_understands_a_node_proxys_refusal() {
    let (_child, mut lines) = peer("node", "proxy.mjs", &["1".into(), "error".into()]);
    let control = number(&line(&mut lines).await, "control");
    let socket = TcpStream::connect(("127.0.0.1", control)).await.unwrap();
    let error = client::connect(socket, &hello(), AgentConfig::default()).await.unwrap_err();
    let ConnectError::Refused(refusal) = error else { panic!("{error}") };
    assert_eq!((refusal.error(), refusal.reason()), ("auth_failed", Some("unknown device device-1")));
}
