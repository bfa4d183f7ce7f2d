//! Takeover, races and reach: rows T4, T5 and T7.

use crate::support::{Device, hello, pair};
use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::Barrier;
use tunnel_frame::client::{self, AgentConfig, Connector};
use tunnel_frame::server::{self, Registry, ServerConfig, SessionEnd, Tunnel};

async fn accepted() -> (Tunnel, DuplexStream, tokio::task::JoinHandle<SessionEnd>) {
    let (mut agent, io) = duplex(4096);
    agent.write_all(hello().encode().as_bytes()).await.unwrap();
    let (tunnel, driver) = server::receive(io, ServerConfig::default()).await.unwrap().accept();
    (tunnel, agent, tokio::spawn(driver.run()))
}

/// Threat T4: the old session ends when the new one is claimed, not when it connects; four in a minute are too many.
#[tokio::test(start_paused = true)]
async fn t4_a_takeover_evicts_the_old_session_and_is_limited() {
    let registry = Registry::new();
    let start = Instant::now();
    let mut held = Vec::new();
    let (first, mut first_agent, first_driver) = accepted().await;
    held.push(registry.claim("device-1", first.clone(), start).unwrap());
    let mut visitor = first.open(22).unwrap();
    visitor.write_all(b"secret").await.unwrap();
    let (second, _agent, _driver) = accepted().await;
    assert!(first.is_open(), "connecting alone takes nothing over");
    let claim = registry.claim("device-1", second.clone(), start).unwrap();
    assert!(claim.has_replaced() && !held[0].is_current());
    assert!(!first.is_open());
    assert_eq!(visitor.read(&mut [0; 8]).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(first.open(22).unwrap_err().to_string(), "the tunnel is gone");
    assert!(matches!(first_driver.await.unwrap(), SessionEnd::Replaced));
    let mut left = Vec::new();
    first_agent.read_to_end(&mut left).await.unwrap();
    assert!(left.len() < 200);
    drop(held.pop());
    assert!(claim.is_current(), "a replaced claim that is dropped takes nothing away");

    for n in 2..=3 {
        let (next, ..) = accepted().await;
        held.push(registry.claim("device-1", next, start + Duration::from_secs(n)).unwrap());
    }
    let (fifth, ..) = accepted().await;
    let refused = registry.claim("device-1", fifth.clone(), start + Duration::from_secs(59)).unwrap_err();
    assert_eq!(refused.to_string(), "the device was taken over too often within a minute");
    assert_eq!((registry.refused(), registry.replaced()), (1, 3));
    held.push(registry.claim("device-1", fifth, start + Duration::from_secs(60)).unwrap());
    drop(held);
    assert!(registry.is_empty());
}

/// Threat T5: 64 connections of one device at once; one of them owns it at the end, and never were there two.
#[test]
fn t5_sixty_four_parallel_handshakes_have_one_winner() {
    let rounds = crate::support::from_env("TUNNEL_FRAME_RACES", 20);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build().unwrap();
    for _ in 0..rounds {
        runtime.block_on(async {
            let registry: Registry<Tunnel> = Registry::with_max_swaps(1000);
            let barrier = Arc::new(Barrier::new(64));
            let tunnels: Arc<Mutex<Vec<Tunnel>>> = Arc::default();
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..64 {
                let (registry, barrier, tunnels) =
                    (registry.clone(), Arc::clone(&barrier), Arc::clone(&tunnels));
                tasks.spawn(async move {
                    let (mut agent, io) = duplex(4096);
                    agent.write_all(hello().encode().as_bytes()).await.unwrap();
                    let pending = server::receive(io, ServerConfig::default()).await.unwrap();
                    barrier.wait().await;
                    let (tunnel, driver) = pending.accept();
                    tunnels.lock().unwrap().push(tunnel.clone());
                    let claim = registry.claim("device-1", tunnel, Instant::now()).unwrap();
                    (agent, driver, claim)
                });
            }
            let kept = tasks.join_all().await;
            let open = tunnels.lock().unwrap().iter().filter(|tunnel| tunnel.is_open()).count();
            let current = kept.iter().filter(|(.., claim)| claim.is_current()).count();
            assert_eq!((open, current, registry.len(), registry.replaced()), (1, 1, 1, 63));
        });
    }
}

/// Counts connections and makes none.
struct Witness(Arc<Mutex<BTreeSet<u16>>>);

impl Connector for Witness {
    type Stream = DuplexStream;

    async fn connect(&self, port: u16) -> io::Result<DuplexStream> {
        assert!(self.0.lock().unwrap().insert(port), "port {port} twice");
        Err(io::ErrorKind::ConnectionRefused.into())
    }
}

/// Threat T7: a proxy asks for all 65,536 ports; what is connected to is exactly the allow-list.
#[tokio::test(start_paused = true)]
async fn t7_all_ports_are_tried_and_only_the_allowed_are_reached() {
    for allowed in [BTreeSet::new(), BTreeSet::from([22, 80, 8080, 65_535])] {
        let (agent_io, mut proxy) = duplex(1 << 20);
        let reached = Arc::new(Mutex::new(BTreeSet::new()));
        let witness = Witness(Arc::clone(&reached));
        let asking = async {
            proxy.write_all(b"{\"status\":\"authenticated\"}\n").await.unwrap();
            let mut line = vec![0; hello().encode().len()];
            proxy.read_exact(&mut line).await.unwrap();
            for port in 0..=u16::MAX {
                let id = u32::from(port) + 1;
                let frame = [&b"N"[..], &id.to_be_bytes(), b"\0\0\0\x02", &port.to_be_bytes()].concat();
                proxy.write_all(&frame).await.unwrap();
                let mut close = [0; 9];
                proxy.read_exact(&mut close).await.unwrap();
                assert_eq!(close[..], [&b"C"[..], &id.to_be_bytes(), &[0; 4]].concat());
            }
        };
        let hello = hello();
        let (_, established) = tokio::join!(asking, async {
            let established = client::connect(agent_io, &hello, AgentConfig::default()).await.unwrap();
            let monitor = established.monitor();
            let serving =
                established.serve(allowed.iter().copied().collect(), witness, std::future::pending());
            tokio::spawn(serving);
            monitor
        });
        assert_eq!(*reached.lock().unwrap(), allowed);
        assert_eq!(established.not_allowed(), 65_536 - allowed.len() as u64);
    }
}

/// Threat T9, through the drivers: one visitor has stopped reading, the others go on after the grace.
#[tokio::test(start_paused = true)]
async fn t9_a_stuck_visitor_does_not_stop_the_others() {
    let device = Device::new(64 * 1024);
    let mut listener = device.listen(80);
    let pair = pair(device, &[80], AgentConfig::default(), ServerConfig::default()).await;
    let stuck = pair.tunnel.open(80).unwrap();
    let mut service = listener.recv().await.unwrap();
    // Bounded, for a stopped clock goes on only when nothing is left to do.
    let flood = tokio::spawn(async move {
        for _ in 0..512 {
            if service.write_all(&[7; 64 * 1024]).await.is_err() {
                break;
            }
        }
    });
    let before = tokio::time::Instant::now();
    while stuck.end().is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(pair.tunnel.counters().held_bytes <= 16 * 1024 * 1024);
    }
    assert!(before.elapsed() < Duration::from_secs(10));
    flood.await.unwrap();
    let mut live = pair.tunnel.open(80).unwrap();
    let mut service = listener.recv().await.unwrap();
    let (sent, got) = tokio::join!(
        async {
            service.write_all(&vec![9; 1 << 20]).await.unwrap();
            drop(service);
        },
        async {
            let mut got = Vec::new();
            live.read_to_end(&mut got).await.unwrap();
            got
        }
    );
    assert_eq!((sent, got.len()), ((), 1 << 20));
    assert_eq!(pair.tunnel.counters().overruns, 1);
}
