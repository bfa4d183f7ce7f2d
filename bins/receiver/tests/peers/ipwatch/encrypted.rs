//! TLS between receiver and Mosquitto, with certificates on both sides; and what is refused.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use super::{PATIENCE, Room, ours, peer, run_command};
use crate::authority::Authority;
use crate::program::Program;

const MACHINE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 11));

/// A receiver with these settings, until it says why it has no connection.
fn refused(room: &Room, tls: &str) -> String {
    let text = std::fs::read_to_string(&room.config).unwrap();
    let (before, _) = text.split_once("[ipwatch.broker.tls]").unwrap();
    let other = room.folder.path().join("other.toml");
    std::fs::write(&other, format!("{before}[ipwatch.broker.tls]\n{tls}\n")).unwrap();
    let mut command = ours("receiver");
    command.arg("serve").arg("--config").arg(&other).args(["--set", "http.listen=127.0.0.1:0"]);
    let mut receiver = Program::start("receiver", &mut command);
    let line = receiver.wait_for("no connection to the broker", PATIENCE);
    receiver.wait_for("no connection to the broker", PATIENCE);
    assert!(!receiver.output().contains("connected to the broker"), "{}", receiver.output());
    line
}

#[test]
#[ignore = "needs mosquitto; run by .ci/run"]
fn the_broker_is_reached_over_tls_with_certificates_and_never_without() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    authority.issue("broker", "127.0.0.1");
    authority.issue("receiver", "receiver.example.org");
    let file = |name: &str| authority.file(name).display().to_string();
    let flags =
        ["--certificate", &file("broker.pem"), "--key", &file("broker.key"), "--client-ca", &file("ca.pem")];
    let ca = format!("ca = \"{}\"", file("ca.pem"));
    let whole =
        format!("{ca}\ncertificate = \"{}\"\nkey = \"{}\"", file("receiver.pem"), file("receiver.key"));
    let machines: [(IpAddr, &str, &[&str]); 1] = [(MACHINE, "lab-01", &[])];
    let mut room = Room::open_with(&machines, flags.map(str::to_owned).into(), Some(whole.clone()));
    // What somebody else says over TLS arrives.
    let user = MACHINE.to_string();
    let (port, topic) = (room.broker.to_string(), format!("ipwatch/device/{user}/availability"));
    let mut publish = Command::new(peer("mosquitto_pub"));
    publish.args(["-h", "127.0.0.1", "-p", &port, "-u", &user, "-P", &room.passwords[&user]]);
    publish.args([
        "--cafile",
        &file("ca.pem"),
        "--cert",
        &file("receiver.pem"),
        "--key",
        &file("receiver.key"),
    ]);
    run_command(publish.args(["-t", &topic, "-m", "online", "-r", "-q", "1"]));
    room.wait_for(MACHINE, "online");
    room.receiver.take();
    for (what, tls) in [
        ("no certificate of ours", ca.clone()),
        ("another authority", whole.replace(&file("ca.pem"), &stranger.file("ca.pem").display().to_string())),
        ("another name", format!("{whole}\nserver_name = \"broker.example.org\"")),
    ] {
        let line = refused(&room, &tls);
        assert!(!line.contains("password"), "{what}: {line}");
    }
    // The same receiver with all of it connects: what was refused was refused for what was changed.
    room.start_receiver();
}
