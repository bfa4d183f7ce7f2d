//! Our own agent at a Mosquitto with the settings that our receiver wrote.

use std::net::{IpAddr, Ipv4Addr};

use super::{PATIENCE, Room};
use crate::program::{Program, ours};

const MACHINE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1));

fn agent(room: &Room, version: &str) -> Program {
    let sets = [
        format!("ipwatch.broker=mqtt://127.0.0.1:{}", room.broker),
        format!("ipwatch.password={}", room.passwords[&MACHINE.to_string()]),
        format!("ipwatch.version={version}"),
        format!("state_directory={}", room.folder.path().display()),
        "ipwatch.power=dry-run".to_owned(),
    ];
    let mut command = ours("agent");
    command.args(["ipwatch", "run"]);
    for set in &sets {
        command.args(["--set", set]);
    }
    let mut program = Program::start("agent", &mut command);
    program.wait_for("connected to the broker", PATIENCE);
    program
}

/// Source: ipwatch §3.1, §3.3, §4.1, §4.3.
#[test]
#[ignore = "needs mosquitto; run by .ci/run"]
fn our_agent_is_seen_obeys_and_is_missed() {
    for version in ["5", "3.1.1"] {
        let room = Room::open(&[(MACHINE, "server-01", &[])]);
        let mut first = agent(&room, version);
        room.wait_for(MACHINE, "online");
        let answer = room.command(&["send", "shutdown", &MACHINE.to_string()]);
        assert!(answer.contains("the machine is shutting down"), "{answer}");
        first.wait_for("the machine stays up: this is a dry run", PATIENCE);
        let written = std::fs::read_to_string(room.folder.path().join("ipwatch-dry-run.log")).unwrap();
        assert_eq!(written.lines().count(), 1, "{written}");
        assert!(written.trim_end().ends_with(" power-off"), "{written}");
        room.wait_for(MACHINE, "online");
        first.kill();
        room.wait_for(MACHINE, "offline");
        let mut second = agent(&room, version);
        room.wait_for(MACHINE, "online");
        assert!(second.stop().success());
        room.wait_for(MACHINE, "offline");
    }
}
