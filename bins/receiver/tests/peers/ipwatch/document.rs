//! The document's addresses through curl, and who may speak for whom on a Mosquitto with the written settings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{PATIENCE, Room, python};
use crate::program::{peer, run_command};

const FIRST: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 100));
const SECOND: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 101));
const SIXTH: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7));

/// `curl -X POST URL`: status and body.
fn post(room: &Room, path: &str, key: Option<&str>) -> (u16, Value) {
    let mut curl = Command::new(peer("curl"));
    curl.args(["--silent", "--globoff", "--request", "POST", "--write-out", "\n%{http_code}"]);
    if let Some(key) = key {
        curl.arg("--header").arg(format!("Authorization: Bearer {key}"));
    }
    let printed = run_command(curl.arg(format!("{}{path}", room.url)));
    let (body, status) = printed.rsplit_once('\n').unwrap();
    (status.trim().parse().unwrap(), serde_json::from_str(body).unwrap_or_default())
}

/// Source: ipwatch §3.1, §4.1, §4.2, §4.3.
#[test]
#[ignore = "needs mosquitto, paho-mqtt and curl; run by .ci/run"]
fn the_documents_addresses_answer_as_the_document_has_it() {
    let mut room =
        Room::open(&[(FIRST, "server-01", &[]), (SECOND, "server-02", &[]), (SIXTH, "server-06", &[])]);
    let key = room.key("ui", "control");
    let mut first = room.agent(FIRST, "server-01", &[]);
    let mut second = room.agent(SECOND, "server-02", &["refuse"]);
    let _sixth = room.agent(SIXTH, "server-06", &[]);
    for ip in [FIRST, SECOND, SIXTH] {
        room.wait_for(ip, "online");
    }
    assert_eq!(post(&room, "/api/tracking/shutdown/10.0.0.100", None).0, 401);
    assert_eq!(post(&room, "/api/tracking/shutdown/10.0.0.99", Some(&key)).0, 404);
    let (status, body) = post(&room, "/api/tracking/status/2001:db8::7", Some(&key));
    assert_eq!((status, &body["success"]), (200, &true.into()), "{body}");
    let (status, body) = post(&room, "/api/tracking/reboot/10.0.0.101", Some(&key));
    assert_eq!((status, &body["error"]), (409, &"sudo: a password is required".into()), "{body}");
    let (status, body) = post(&room, "/api/tracking/shutdown/10.0.0.100", Some(&key));
    assert_eq!((status, &body["message"]), (200, &"Shutdown en cours...".into()), "{body}");
    assert!(first.wait_for("command: shutdown", PATIENCE).contains("retain=False qos=1"));
    first.wait_for("down", PATIENCE);
    room.wait_for(FIRST, "offline");
    let (status, body) = post(&room, "/api/tracking/status/10.0.0.100", Some(&key));
    assert_eq!((status, &body["code"]), (504, &"no_answer".into()), "{body}");

    // A receiver that comes back knows from the broker who is there.
    assert!(room.receiver.take().unwrap().stop().success());
    room.start_receiver();
    room.wait_for(SECOND, "online");
    room.wait_for(FIRST, "offline");
    // So it does after a broker that came back.
    room.mosquitto.take().unwrap().kill();
    let mut receiver = room.receiver.take().unwrap();
    receiver.wait_for("no connection to the broker", PATIENCE);
    room.receiver = Some(receiver);
    let (status, body) = post(&room, "/api/tracking/status/10.0.0.101", Some(&key));
    assert_eq!((status, &body["error"]), (503, &"the broker cannot be reached".into()), "{body}");
    room.start_mosquitto();
    let mut receiver = room.receiver.take().unwrap();
    receiver.wait_for("connected to the broker", PATIENCE);
    room.receiver = Some(receiver);
    second.wait_for("connected: Success", PATIENCE);
    room.wait_for(SECOND, "online");
    let sent: Value =
        serde_json::from_str(&room.command(&["send", "status", "server-02", "--json"])).unwrap();
    assert_eq!((&sent["success"], &sent["ip"]), (&true.into(), &"10.0.0.101".into()));
}

/// Threat M3, on the written settings.
#[test]
#[ignore = "needs mosquitto and paho-mqtt; run by .ci/run"]
fn m3_nobody_speaks_for_another_machine_or_hears_its_orders() {
    let room = Room::open(&[(FIRST, "server-01", &[]), (SECOND, "server-02", &[])]);
    let mut first = room.agent(FIRST, "server-01", &[]);
    room.wait_for(FIRST, "online");
    // With the second machine's user, as if it were the first.
    let mut forger = room.agent_as("10.0.0.101", FIRST, "forger", &[]);
    forger.wait_for("connected: Success", PATIENCE);
    let mut second = room.agent(SECOND, "server-02", &[]);
    room.wait_for(SECOND, "online");
    assert_eq!(room.devices()["10.0.0.100"]["status"]["hostname"], "server-01");
    room.command(&["send", "status", "server-01"]);
    first.wait_for("command: status", PATIENCE);
    room.command(&["send", "status", "server-02"]);
    second.wait_for("command: status", PATIENCE);
    // What the forger would have been given was sent before what the second has received.
    assert!(!forger.output().contains("command:"), "{}", forger.output());
    assert_eq!(room.devices()["10.0.0.100"]["status"]["hostname"], "server-01");
    // A machine that is retired loses its user with the next files.
    room.command(&["device", "retire", "10.0.0.101"]);
    assert!(room.broker_config().is_empty(), "the others keep their passwords");
    let passwords = std::fs::read_to_string(room.folder.path().join("mosquitto/passwd")).unwrap();
    assert!(passwords.contains("10.0.0.100:$7$101$") && !passwords.contains("10.0.0.101:"), "{passwords}");
}

/// Threat M3 in full: 20 machines, each as each other one, on the written settings.
#[test]
#[ignore = "needs mosquitto and paho-mqtt; run by .ci/run"]
fn m3_of_380_pairs_none_speaks_or_listens_for_another() {
    let addresses: Vec<IpAddr> = (1..=20).map(|n| IpAddr::V4(Ipv4Addr::new(198, 51, 100, n))).collect();
    let machines: Vec<(IpAddr, &str, &[&str])> =
        addresses.iter().map(|ip| (*ip, "machine", &[][..])).collect();
    let room = Room::open(&machines);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/ipwatch/cross.py");
    let accounts = serde_json::to_string(&room.passwords).unwrap();
    let printed = run_command(Command::new(python()).arg(script).arg(room.broker.to_string()).arg(accounts));
    assert_eq!(printed, "attempts: 380\n");
}
