//! What comes back, and how soon, when a program is killed, stopped, doubled or left alone.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::nginx::Nginx;
use crate::program::Program;
use crate::world::{DEVICE, PATIENCE, World};

/// A world with a device whose web service says `ok`.
fn online() -> (World, Nginx, u16) {
    let mut world = World::start();
    let nginx = Nginx::start(world.folder());
    fs::write(world.folder().join("www/index.html"), "ok").unwrap();
    let port = world.device_with_service("http", nginx.port);
    assert!(reaches(port), "a visitor reaches the device at first");
    (world, nginx, port)
}

/// Whether a visitor gets the page.
fn reaches(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.ends_with("\r\n\r\nok"))
}

/// Waits for a line, and says how long it took from now.
fn seconds_until(program: &mut Program, text: &str) -> f64 {
    let started = Instant::now();
    program.wait_for(text, PATIENCE * 2);
    let seconds = started.elapsed().as_secs_f64();
    eprintln!("{text:?} after {seconds:.1} s");
    seconds
}

#[test]
#[ignore = "needs nginx; run by .ci/run"]
fn a_killed_agent_closes_the_port_at_once_and_comes_back_when_restarted() {
    let (mut world, nginx, port) = online();
    world.agent.take().unwrap().kill();
    // T8: at most a second later nobody can connect any more.
    assert!(seconds_until(&mut world.proxy, "tunnel down") < 1.0);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    world.agent = Some(world.start_agent("agent", "http", nginx.port));
    assert!(seconds_until(&mut world.proxy, "tunnel up") < 5.0);
    assert!(reaches(port));
}

#[test]
#[ignore = "needs nginx; run by .ci/run"]
fn a_killed_proxy_is_found_again_by_its_agent() {
    let (mut world, _nginx, port) = online();
    world.proxy.kill();
    world.agent.as_mut().unwrap().wait_for("tunnel down", PATIENCE);
    assert!(!reaches(port));
    world.restart_proxy();
    // The agent's first waits are 5 to 10 s long.
    assert!(seconds_until(&mut world.proxy, "tunnel up") < 35.0);
    assert!(reaches(port));
}

#[test]
#[ignore = "needs nginx; run by .ci/run"]
fn a_killed_receiver_costs_no_tunnel_and_forgets_nothing() {
    let (mut world, _nginx, port) = online();
    world.receiver.kill();
    world.proxy.wait_for("Meeting gives no answer", PATIENCE);
    assert!(reaches(port), "the tunnel stays up while the receiver is away");
    world.agent.as_mut().unwrap().wait_for("heartbeat failed", PATIENCE);
    assert!(reaches(port));
    world.restart_receiver();
    assert!(seconds_until(&mut world.proxy, "Meeting answers") < 20.0);
    assert!(reaches(port));
    let device = world.operate("GET", &format!("/api/devices/{DEVICE}"), &serde_json::Value::Null);
    assert_eq!(device["authorized"], true);
    let tunnels = world.operate("GET", "/api/tunnels", &serde_json::Value::Null);
    assert_eq!(tunnels["tunnels"][0]["port"], port);
}

#[test]
#[ignore = "needs nginx; run by .ci/run"]
fn two_agents_with_one_name_do_not_fight_for_ever() {
    let (mut world, nginx, port) = online();
    let mut second = world.start_agent("second", "http", nginx.port);
    second.wait_for("tunnel up", PATIENCE);
    assert!(reaches(port), "the newer agent serves visitors");
    // T4: the evicted one notices that another uses its name, and keeps away for longer and longer.
    world.agent.as_mut().unwrap().wait_for("tunnel", PATIENCE);
    assert!(reaches(port));
    let swaps = || world.proxy.output().matches("device connected").count();
    let before = swaps();
    second.watch(Duration::from_secs(20));
    assert!(swaps() - before <= 6, "{} swaps in 20 s", swaps() - before);
    assert!(reaches(port));
}

#[test]
#[ignore = "needs nginx; run by .ci/run"]
fn a_stopped_agent_is_noticed_and_taken_back() {
    let (mut world, _nginx, port) = online();
    let agent = world.agent.as_mut().unwrap();
    // By its second probe, the agent has shown that its silence means something (TF-11).
    agent.watch(Duration::from_secs(33));
    agent.signal("STOP");
    // T10: at most 60 s until the session is dead; the port closes with it.
    assert!(seconds_until(&mut world.proxy, "tunnel down") < 60.0);
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    world.agent.as_mut().unwrap().signal("CONT");
    assert!(seconds_until(&mut world.proxy, "tunnel up") < 35.0);
    assert!(reaches(port));
}

#[test]
#[ignore = "needs nginx and libfaketime; run by .ci/run"]
fn a_receiver_whose_clock_jumps_has_its_device_online_with_the_next_heartbeat() {
    let mut world = World::start_with_clock();
    let nginx = Nginx::start(world.folder());
    fs::write(world.folder().join("www/index.html"), "ok").unwrap();
    let port = world.device_with_service("http", nginx.port);
    let year = |world: &World| {
        let device =
            world.operate("GET", &format!("/api/devices/{DEVICE}/availability"), &serde_json::Value::Null);
        assert_eq!(device["status"], "Available", "{device}");
        device["last_heartbeat"].as_str().unwrap()[..4].parse::<i32>().unwrap()
    };
    let now = year(&world);
    for (offset, years) in [("+1000d", 2..=3), ("-1000d", -3..=-2), ("+0", 0..=0)] {
        world.set_clock(offset);
        // One that was under way may still come; the one after it has the new time.
        seconds_until(world.agent.as_mut().unwrap(), "heartbeat accepted");
        seconds_until(world.agent.as_mut().unwrap(), "heartbeat accepted");
        assert!(years.contains(&(year(&world) - now)), "{offset}");
        if !reaches(port) {
            seconds_until(&mut world.proxy, "tunnel up");
            assert!(reaches(port), "{offset}");
        }
    }
}

#[test]
#[ignore = "needs nginx; run by .ci/run"]
fn all_three_end_in_order_when_told_to() {
    let (mut world, _nginx, _port) = online();
    assert!(world.agent.take().unwrap().stop().success());
    assert!(world.proxy.stop().success());
    assert!(world.receiver.stop().success());
    // T11: the token and the secrets are in none of the logs.
    let operator = fs::read_to_string(world.folder().join("operator.secret")).unwrap();
    for log in [world.proxy.output(), world.receiver.output()] {
        assert!(!log.contains("9c21ab") && !log.contains(operator.trim()), "{log}");
        assert!(!log.contains("mpx_"), "{log}");
    }
}

#[test]
#[ignore = "needs a small file system; run by .ci/run"]
fn a_full_disk_refuses_heartbeats_and_recovers() {
    let mut world = World::start();
    let small = world.folder().join("small");
    fs::create_dir(&small).unwrap();
    crate::program::run("/bin/mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", small.to_str().unwrap()]);
    let outcome =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| fill_and_free(&mut world, &small)));
    world.receiver.kill();
    crate::program::run("/bin/umount", [small.to_str().unwrap()]);
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}

fn fill_and_free(world: &mut World, small: &std::path::Path) {
    world.receiver.kill();
    for file in ["receiver.db", "receiver.db-wal", "receiver.db-shm"] {
        let from = world.folder().join(file);
        if from.exists() {
            fs::copy(&from, small.join(file)).unwrap();
        }
    }
    let settings = fs::read_to_string(world.folder().join("receiver.toml")).unwrap();
    let moved =
        settings.replace(world.database().to_str().unwrap(), small.join("receiver.db").to_str().unwrap());
    fs::write(world.folder().join("receiver.toml"), moved).unwrap();
    world.restart_receiver();
    world.operate("POST", "/api/devices/manual-create", &serde_json::json!({"device_key": DEVICE}));
    assert_eq!(world.heartbeat_status(), "200");
    let ballast = small.join("ballast");
    let mut file = fs::File::create(&ballast).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);
    // What is still free inside the database's own files may take a few more.
    let refused = (0..2000).map(|_| world.heartbeat_status()).find(|status| status != "200");
    assert_eq!(refused.as_deref(), Some("503"));
    fs::remove_file(&ballast).unwrap();
    let again = (0..100).map(|_| world.heartbeat_status()).find(|status| status == "200");
    assert_eq!(again.as_deref(), Some("200"), "it recovers without a restart");
}
