//! The real proxy and the real agent with peers that know only the document: a Node.js agent and proxy, and a Python agent
//! with the habits of agents in the field. The peers are those of `tunnel-frame`.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::nginx::Nginx;
use crate::program::{Program, peer, run};
use crate::world::{DEVICE, PATIENCE, TOKEN, World, pseudo_random};

fn script(interpreter: &str, file: &str, arguments: &[String]) -> Program {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "../../crates/tunnel-frame/tests/peers", file].iter().collect();
    Program::start(file, Command::new(peer(interpreter)).arg(path).args(arguments))
}

/// A few files of different sizes, asked for at the same time through `port`.
fn files_come_through(world: &World, port: u16) {
    let folder = world.folder().join("www");
    let sizes: [usize; 5] = [0, 1, 5_000, 300_000, 3_000_000];
    for size in sizes {
        fs::write(folder.join(size.to_string()), pseudo_random(size)).unwrap();
    }
    std::thread::scope(|scope| {
        for number in 0..20 {
            let size = sizes[number % sizes.len()];
            let fetched = world.folder().join(format!("fetched-{number}"));
            scope.spawn(move || {
                let url = format!("http://127.0.0.1:{port}/{size}");
                run(peer("curl"), ["-sSf", "--max-time", "60", "-o", fetched.to_str().unwrap(), &url]);
                assert!(fs::read(&fetched).unwrap() == pseudo_random(size), "{size} bytes");
            });
        }
    });
}

fn our_proxy_serves(interpreter: &str, file: &str) {
    let mut world = World::start();
    let nginx = Nginx::start(world.folder());
    world.provision();
    // These agents send no heartbeats; the device's own program does.
    assert_eq!(world.heartbeat_status(), "200");
    let port = world.publish("http", nginx.port);
    let arguments = [world.control_port.to_string(), TOKEN.to_owned(), DEVICE.to_owned()];
    let mut agent = script(interpreter, file, &arguments);
    agent.wait_for("authenticated", PATIENCE);
    world.proxy.wait_for("tunnel up", PATIENCE);
    files_come_through(&world, port);
    agent.kill();
    world.proxy.wait_for("tunnel down", Duration::from_secs(1));

    let stranger = [world.control_port.to_string(), "000000".to_owned(), DEVICE.to_owned()];
    let mut refused = script(interpreter, file, &stranger);
    let told = if interpreter == "node" { "refused auth_failed" } else { "warning: no status" };
    refused.wait_for(told, PATIENCE);
    assert!(refused.wait(PATIENCE).is_some(), "the proxy closes after its error line");
}

#[test]
#[ignore = "needs node and nginx; run by .ci/run"]
fn our_proxy_serves_a_node_agent_of_the_document() {
    our_proxy_serves("node", "agent.mjs");
}

#[test]
#[ignore = "needs python3 and nginx; run by .ci/run"]
fn our_proxy_serves_a_python_agent_with_the_fields_habits() {
    our_proxy_serves("python3", "agent.py");
}

fn our_agent_serves(mode: &str) {
    let world = World::start();
    let nginx = Nginx::start(world.folder());
    world.provision();
    let mut proxy = script("node", "proxy.mjs", &[nginx.port.to_string(), mode.to_owned()]);
    let number = |line: String| line.rsplit(' ').next().unwrap().parse::<u16>().unwrap();
    let control = number(proxy.wait_for("control ", PATIENCE));
    let mut agent = world.start_agent_of("agent", "http", nginx.port, control);
    let public = number(proxy.wait_for("public ", PATIENCE));
    agent.wait_for("tunnel up", PATIENCE);
    files_come_through(&world, public);
    assert!(agent.stop().success());
}

#[test]
#[ignore = "needs node and nginx; run by .ci/run"]
fn our_agent_serves_a_node_proxy_of_the_document() {
    our_agent_serves("document");
}

#[test]
#[ignore = "needs node and nginx; run by .ci/run"]
fn our_agent_serves_a_node_proxy_that_answers_nothing() {
    our_agent_serves("silent");
}

#[test]
#[ignore = "needs node; run by .ci/run"]
fn our_agent_says_what_a_node_proxy_refuses_it_for() {
    let world = World::start();
    world.provision();
    let mut proxy = script("node", "proxy.mjs", &["1".into(), "error".into()]);
    let control = proxy.wait_for("control ", PATIENCE).rsplit(' ').next().unwrap().parse().unwrap();
    let mut agent = world.start_agent_of("agent", "http", 1, control);
    let line = agent.wait_for("refused", PATIENCE);
    assert!(line.contains("unknown device"), "{line}");
    assert!(agent.stop().success());
}
