//! A wire that is cut: packets vanish, nothing is reset (row T10).
//!
//! The tests below run themselves again in a network namespace of their own, where nftables may drop what it likes.

use std::fs;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::nginx::Nginx;
use crate::program::{peer, run};
use crate::world::{PATIENCE, Setup, World};

const INSIDE: &str = "PEERS_IN_A_NAMESPACE";

/// Runs the test of this name in a namespace with nothing but a loopback of its own.
fn in_a_namespace(test: &str) {
    let mut unshare = Command::new(peer("unshare"));
    unshare.arg("--net");
    if crate::sshd::user() != "root" {
        unshare.args(["--user", "--map-root-user"]);
    }
    let status = unshare
        .arg(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", test])
        .env(INSIDE, "1")
        .stdin(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{test} in its namespace: {status}");
}

fn nft(rules: &str) {
    run(peer("nft"), [rules]);
}

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

#[test]
#[ignore = "needs nftables, iproute2, nginx and the right to make a network namespace; run by .ci/run"]
fn t10_a_cut_wire_is_noticed_by_both_ends_and_mended_by_itself() {
    if !is_inside() {
        return in_a_namespace("wire::t10_a_cut_wire_is_noticed_by_both_ends_and_mended_by_itself");
    }
    run(peer("ip"), ["link", "set", "lo", "up"]);
    let mut world = World::with(Setup::default());
    let nginx = Nginx::start(world.folder());
    fs::write(world.folder().join("www/index.html"), "ok").unwrap();
    let port = world.device_with_service("http", nginx.port);
    let url = format!("http://127.0.0.1:{port}/");
    assert_eq!(run(peer("curl"), ["-sSf", &url]), "ok");

    let control = world.control_port;
    nft("add table inet wire");
    nft("add chain inet wire input { type filter hook input priority 0; }");
    nft(&format!("add rule inet wire input tcp dport {control} drop"));
    nft(&format!("add rule inet wire input tcp sport {control} drop"));
    let cut = Instant::now();
    world.proxy.wait_for("tunnel down", Duration::from_secs(60));
    let proxy_knows = cut.elapsed();
    // The port closes with the session.
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    let left = Duration::from_secs(60).saturating_sub(cut.elapsed());
    world.agent.as_mut().unwrap().wait_for("tunnel down", left);
    let agent_knows = cut.elapsed();

    nft("delete table inet wire");
    let mended = Instant::now();
    world.proxy.wait_for("tunnel up", Duration::from_secs(35));
    eprintln!(
        "cut: known to the proxy after {:.1} s, to the agent after {:.1} s; back {:.1} s after the wire",
        proxy_knows.as_secs_f64(),
        agent_knows.as_secs_f64(),
        mended.elapsed().as_secs_f64()
    );
    assert_eq!(run(peer("curl"), ["-sSf", &url]), "ok");
}

#[test]
#[ignore = "needs nftables, iproute2, nginx and the right to make a network namespace; run by .ci/run"]
fn t10_a_wire_that_is_cut_under_load_is_noticed_too() {
    if !is_inside() {
        return in_a_namespace("wire::t10_a_wire_that_is_cut_under_load_is_noticed_too");
    }
    run(peer("ip"), ["link", "set", "lo", "up"]);
    let mut world = World::start();
    let nginx = Nginx::start(world.folder());
    fs::write(world.folder().join("www/large"), vec![7; 200 << 20]).unwrap();
    let port = world.device_with_service("http", nginx.port);
    let url = format!("http://127.0.0.1:{port}/large");
    let mut download = Command::new(peer("curl"))
        .args(["-sS", "--limit-rate", "4M", "-o", "/dev/null", &url])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    world.proxy.watch(Duration::from_secs(2));

    // Data in flight is watched by the user timeout, not by keepalive.
    let control = world.control_port;
    nft("add table inet wire");
    nft("add chain inet wire input { type filter hook input priority 0; }");
    nft(&format!("add rule inet wire input tcp dport {control} drop"));
    nft(&format!("add rule inet wire input tcp sport {control} drop"));
    let cut = Instant::now();
    world.proxy.wait_for("tunnel down", Duration::from_secs(60));
    eprintln!("cut under load: known to the proxy after {:.1} s", cut.elapsed().as_secs_f64());
    let ended = download.wait().unwrap();
    assert!(!ended.success(), "the visitor is told, not left waiting");
    nft("delete table inet wire");
    world.proxy.wait_for("tunnel up", PATIENCE + Duration::from_secs(5));
}
