//! Random traffic over a simulated network, a seed a run: streams of random size in random pieces, connections of
//! random width that are cut at random, and devices that connect again while the old session still lives (threat T4).
//!
//! Every stream's bytes are a function of its number, its direction and its place, so a byte that is lost, doubled or given to
//! another stream shows at once.

use crate::support::{Device, Dice, from_env, hello};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinSet;
use tunnel_frame::client::{self, AgentConfig};
use tunnel_frame::mux::MuxConfig;
use tunnel_frame::server::{self, Registry, ServerConfig, Tunnel};

fn byte(stream: u64, down: bool, at: u64) -> u8 {
    (stream.wrapping_mul(0x9E37_79B9) ^ at.wrapping_mul(31) ^ (at >> 8) ^ (u64::from(down) << 7)) as u8
}

async fn send(
    io: &mut (impl AsyncWrite + Unpin),
    stream: u64,
    down: bool,
    total: u64,
    dice: &mut Dice,
) -> bool {
    let mut at = 0;
    while at < total {
        let piece = (1 + dice.below(3000) as u64).min(total - at);
        let bytes: Vec<u8> = (at..at + piece).map(|at| byte(stream, down, at)).collect();
        if io.write_all(&bytes).await.is_err() {
            return false;
        }
        at += piece;
        if dice.below(4) == 0 {
            tokio::task::yield_now().await;
        }
    }
    true
}

/// Reads to the end and checks every byte; how many there were.
async fn check(io: &mut (impl AsyncRead + Unpin), stream: u64, down: bool, dice: &mut Dice) -> u64 {
    let mut at = 0;
    let mut buffer = vec![0; 1 + dice.below(5000)];
    while let Ok(n) = io.read(&mut buffer).await {
        if n == 0 {
            break;
        }
        for &got in &buffer[..n] {
            assert_eq!(got, byte(stream, down, at), "stream {stream}, byte {at}");
            at += 1;
        }
    }
    at
}

/// The device's side of a stream: its number and the sizes of both directions come first.
async fn serve(mut io: DuplexStream, instance: u64, seed: u64) {
    let mut head = [0; 32];
    if io.read_exact(&mut head).await.is_err() {
        return;
    }
    let [stream, at_least, up, down] =
        [0, 8, 16, 24].map(|at| u64::from_be_bytes(head[at..at + 8].try_into().unwrap()));
    assert!(instance >= at_least, "a byte reached a session that was already replaced");
    let (mut reader, mut writer) = tokio::io::split(io);
    let mut dice = [Dice::new(seed ^ stream), Dice::new(!seed ^ stream)];
    let [one, other] = &mut dice;
    let reading = check(&mut reader, stream, false, one);
    let writing = send(&mut writer, stream, true, down, other);
    let (got, _) = tokio::join!(reading, writing);
    assert!(got <= up, "more bytes than were sent");
    // The end comes when both directions are done, as from a server that answers and closes.
    let _ = writer.shutdown().await;
}

/// One visitor; whether everything came through.
async fn visit(tunnel: Tunnel, stream: u64, at_least: u64, seed: u64) -> bool {
    let mut dice = Dice::new(seed.wrapping_add(stream));
    let (up, down) = (dice.below(20_000) as u64, dice.below(20_000) as u64);
    let Ok(io) = tunnel.open(22) else { return false };
    let (mut reader, mut writer) = tokio::io::split(io);
    let head: Vec<u8> = [stream, at_least, up, down].iter().flat_map(|n| n.to_be_bytes()).collect();
    let mut other = Dice::new(seed.wrapping_sub(stream));
    let writing = async {
        let whole =
            writer.write_all(&head).await.is_ok() && send(&mut writer, stream, false, up, &mut dice).await;
        let _ = writer.shutdown().await;
        whole
    };
    let (got, sent) = tokio::join!(check(&mut reader, stream, true, &mut other), writing);
    assert!(got <= down, "more bytes than were sent");
    got == down && sent
}

/// Passes bytes between two pipes in random pieces, at most `budget` of them, then cuts both.
async fn network(a: DuplexStream, b: DuplexStream, mut budget: usize, mut dice: Dice) {
    let ((mut ar, mut aw), (mut br, mut bw)) = (tokio::io::split(a), tokio::io::split(b));
    let (mut x, mut y) = (vec![0; 1 + dice.below(9000)], vec![0; 1 + dice.below(9000)]);
    while budget > 0 {
        let (n, ok) = tokio::select! {
            biased;
            n = ar.read(&mut x) => match n { Ok(n) if n > 0 => (n, bw.write_all(&x[..n]).await), _ => break },
            n = br.read(&mut y) => match n { Ok(n) if n > 0 => (n, aw.write_all(&y[..n]).await), _ => break },
        };
        if ok.is_err() {
            break;
        }
        budget = budget.saturating_sub(n);
        if dice.below(3) == 0 {
            tokio::time::sleep(Duration::from_millis(dice.below(20) as u64)).await;
        }
    }
}

async fn world(seed: u64) -> (u32, u32) {
    let mut dice = Dice::new(seed);
    let registry: Registry<Tunnel> = Registry::with_max_swaps(100);
    let everyone: Arc<Mutex<Vec<Tunnel>>> = Arc::default();
    let mut tasks = JoinSet::new();
    let mut visits = JoinSet::new();
    let mux = MuxConfig::default().with_send_queue_bytes(1 + dice.below(20_000));
    let instances = 1 + dice.below(3) as u64;
    let calm = instances == 1 && dice.below(2) == 0;
    for instance in 0..instances {
        let device = Device::new(1 + dice.below(10_000));
        let mut listener = device.listen(22);
        tasks.spawn(async move {
            let mut streams = JoinSet::new();
            while let Some(io) = listener.recv().await {
                streams.spawn(serve(io, instance, seed));
            }
            while let Some(done) = streams.join_next().await {
                done.unwrap();
            }
        });
        let (agent_io, agent_end) = duplex(1 + dice.below(30_000));
        let (proxy_end, proxy_io) = duplex(1 + dice.below(30_000));
        let budget = if calm { usize::MAX } else { 500 + dice.below(400_000) };
        tasks.spawn(network(agent_end, proxy_end, budget, Dice::new(seed ^ instance)));
        tasks.spawn(async move {
            let config = AgentConfig::default().with_mux(mux);
            let Ok(up) = client::connect(agent_io, &hello(), config).await else { return };
            up.serve([22].into_iter().collect(), device, std::future::pending()).await;
        });
        let Ok(pending) = server::receive(proxy_io, ServerConfig::default().with_mux(mux)).await else {
            continue;
        };
        let (tunnel, driver) = pending.accept();
        let claim = registry.claim("device-1", tunnel.clone(), std::time::Instant::now()).unwrap();
        assert_eq!(
            everyone.lock().unwrap().iter().filter(|tunnel| tunnel.is_open()).count(),
            0,
            "two live owners"
        );
        everyone.lock().unwrap().push(tunnel);
        tasks.spawn(async move {
            driver.run().await;
            drop(claim);
        });
        for visitor in 0..1 + dice.below(5) as u64 {
            if let Some(owner) = registry.owner("device-1") {
                visits.spawn(visit(owner, instance * 100 + visitor, instance, seed));
            }
            if dice.below(2) == 0 {
                tokio::time::sleep(Duration::from_millis(dice.below(30) as u64)).await;
            }
        }
    }
    let (mut whole, mut all) = (0, 0);
    while let Some(done) = visits.join_next().await {
        all += 1;
        whole += u32::from(done.unwrap());
    }
    if calm {
        assert_eq!(whole, all, "nothing was cut, so everything came through");
    }
    everyone.lock().unwrap().iter().for_each(Tunnel::shutdown);
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert!(registry.is_empty());
    assert!(everyone.lock().unwrap().iter().all(|tunnel| tunnel.counters().held_bytes == 0));
    (whole, all)
}

/// Threats T4 and T6: no byte lost, doubled or given to another stream, never two live owners.
#[test]
fn t4_t6_random_traffic_over_simulated_networks() {
    let (mut whole, mut all) = (0, 0);
    let first = u64::from(from_env("TUNNEL_FRAME_FIRST_SEED", 0));
    let seeds = u64::from(from_env("TUNNEL_FRAME_SEEDS", 300));
    for seed in first..first + seeds {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            runtime.block_on(async { tokio::time::timeout(Duration::from_secs(3600), world(seed)).await })
        }));
        let Ok(Ok((came, were))) = run else { panic!("seed {seed}: {run:?}") };
        whole += came;
        all += were;
    }
    println!("{seeds} seeds, {all} streams, {whole} of them whole, the others cut with their connection");
    assert!(whole * 4 > all, "most runs must get something through for the test to mean anything");
}
