//! A device that signs its calls with its own SSH key, from its first call on.

use std::process::Command;

use crate::nginx::Nginx;
use crate::program::{ours, run_command};
use crate::world::{DEVICE, PATIENCE, Setup, World};

fn signing(receiver: &[&str]) -> World {
    World::with(Setup {
        receiver: receiver.iter().map(ToString::to_string).collect(),
        agent: vec!["meeting.credential=signature".into()],
        ..Setup::default()
    })
}

#[test]
#[ignore = "needs nginx and curl; run by .ci/run"]
fn a_device_that_signs_brings_its_own_key_to_a_compatible_receiver() {
    let mut world = signing(&[]);
    let nginx = Nginx::start(world.folder());
    world.device_with_service("http", nginx.port);
    let agent = world.agent.as_mut().unwrap();
    agent.wait_for("key published", PATIENCE);
    // Signed ones now, which the receiver checks.
    agent.wait_for("heartbeat accepted", PATIENCE);
    agent.wait_for("heartbeat accepted", PATIENCE);
    assert!(!agent.output().contains("refused"), "{}", agent.output());
}

#[test]
#[ignore = "needs curl; run by .ci/run"]
fn where_credentials_are_required_an_operator_puts_the_first_key_in_force() {
    let world = signing(&["meeting.device_credentials=required"]);
    world.provision();
    let mut agent = world.start_agent("agent", "http", 1);
    agent.wait_for("401 Credential required", PATIENCE);
    agent.kill();
    assert_eq!(world.heartbeat_status(), "401");

    let config = |name: &str| world.folder().join(format!("{name}.toml"));
    let check = || {
        let mut check = ours("agent");
        check.arg("--config").arg(config("agent")).args(["--set", "meeting.credential=signature", "check"]);
        let done = check.output().unwrap();
        String::from_utf8(done.stdout).unwrap()
    };
    let said = check();
    assert!(said.contains("receiver device key set"), "{said}");
    let public_key = world.folder().join("agent/id_ed25519.pub");
    let mut set: Command = ours("receiver");
    set.arg("--config").arg(config("receiver")).args(["device", "key", "set", DEVICE]).arg(&public_key);
    run_command(&mut set);
    let said = check();
    assert!(said.contains("✓ Heartbeat is accepted"), "{said}");
    assert!(said.contains("✓ The key is published and approved"), "{said}");
}
