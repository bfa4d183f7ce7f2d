//! nginx behind the tunnel, asked with curl; iperf3 both ways; a thousand visitors at once.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use crate::nginx::Nginx;
use crate::program::{Program, free_port, peer, run, run_command};
use crate::world::{World, pseudo_random};

#[test]
#[ignore = "needs nginx and curl; run by .ci/run"]
fn curl_fetches_and_stores_a_large_file_unchanged() {
    let mut world = World::start();
    let nginx = Nginx::start(world.folder());
    let port = world.device_with_service("http", nginx.port);
    let content = pseudo_random(64 << 20);
    fs::write(world.folder().join("www/large"), &content).unwrap();

    let fetched = world.folder().join("fetched");
    run(peer("curl"), ["-sSf", "-o", fetched.to_str().unwrap(), &format!("http://127.0.0.1:{port}/large")]);
    assert!(fs::read(&fetched).unwrap() == content);

    run(
        peer("curl"),
        ["-sSf", "-T", fetched.to_str().unwrap(), &format!("http://127.0.0.1:{port}/put/stored")],
    );
    assert!(fs::read(world.folder().join("www/put/stored")).unwrap() == content);
}

#[test]
#[ignore = "needs nginx and curl; run by .ci/run"]
fn curl_keeps_one_connection_for_many_requests() {
    let mut world = World::start();
    let nginx = Nginx::start(world.folder());
    let port = world.device_with_service("http", nginx.port);
    fs::write(world.folder().join("www/small"), "0123456789").unwrap();

    let said = run(
        peer("curl"),
        [
            "-sSf",
            "-w",
            "%{num_connects} ",
            "-o",
            "/dev/null",
            &format!("http://127.0.0.1:{port}/small?[1-50]"),
        ],
    );
    let connects: u32 = said.split_whitespace().map(|count| count.parse::<u32>().unwrap()).sum();
    assert_eq!(connects, 1, "{said}");
}

#[test]
#[ignore = "needs nginx; run by .ci/run"]
fn a_thousand_visitors_at_once_each_get_their_own_file() {
    const VISITORS: usize = 1000;
    let mut world = World::start_with_streams(VISITORS + 100);
    let nginx = Nginx::start(world.folder());
    let port = world.device_with_service("http", nginx.port);
    let folder = world.folder().join("www");
    for visitor in 0..VISITORS {
        fs::write(folder.join(visitor.to_string()), pseudo_random(4096 + visitor)).unwrap();
    }

    let all_connected = Arc::new(Barrier::new(VISITORS));
    let visitors: Vec<_> = (0..VISITORS)
        .map(|visitor| {
            let all_connected = Arc::clone(&all_connected);
            thread::Builder::new()
                .stack_size(128 * 1024)
                .spawn(move || {
                    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
                    all_connected.wait();
                    write!(stream, "GET /{visitor} HTTP/1.1\r\nHost: device\r\nConnection: close\r\n\r\n")
                        .unwrap();
                    let mut answer = Vec::new();
                    stream.read_to_end(&mut answer).unwrap();
                    let body =
                        answer.windows(4).position(|four| four == b"\r\n\r\n").map(|at| &answer[at + 4..]);
                    body.is_some_and(|body| body == pseudo_random(4096 + visitor))
                })
                .unwrap()
        })
        .collect();
    let right = visitors.into_iter().map(|visitor| visitor.join().unwrap()).filter(|right| *right).count();
    assert_eq!(right, VISITORS);
}

#[test]
#[ignore = "needs iperf3; run by .ci/run"]
fn iperf3_measures_both_ways_over_several_streams() {
    let mut world = World::start();
    let local = free_port();
    let mut server = Program::start(
        "iperf3",
        Command::new(peer("iperf3")).args([
            "-s",
            "--forceflush",
            "-B",
            "127.0.0.1",
            "-p",
            &local.to_string(),
        ]),
    );
    server.wait_for("Server listening", Duration::from_secs(10));
    let port = world.device_with_service("http", local);

    for direction in [&[][..], &["-R"][..]] {
        let report = run_command(
            Command::new(peer("iperf3"))
                .args(["-c", "127.0.0.1", "-p", &port.to_string(), "-P", "4", "-n", "64M", "-J"])
                .args(direction),
        );
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        // iperf3 ends its count when the sender has handed over the last byte; what is on its way then is not in it.
        assert_eq!(report["end"]["sum_sent"]["bytes"].as_u64().unwrap() >> 20, 64, "{direction:?}");
        assert!(report["end"]["sum_received"]["bytes"].as_u64().unwrap() > 16 << 20, "{direction:?}");
    }
}
