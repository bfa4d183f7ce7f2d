//! TLS on every listener and every connection of the three programs, with client certificates, and certificates renewed
//! while they run.

use std::fs;
use std::process::Command;

use crate::authority::Authority;
use crate::nginx::Nginx;
use crate::program::{free_port, peer, run, run_command};
use crate::world::{DEVICE, PATIENCE, Setup, World};

/// A world whose every listener has a certificate; the admin ports of receiver, proxy and agent.
fn world() -> (World, [u16; 3]) {
    let authority = Authority::new();
    for file in ["receiver", "proxy", "admin"] {
        authority.issue(file, "127.0.0.1");
    }
    authority.issue("device", DEVICE);
    let ca = authority.file("ca.pem").display().to_string();
    let ports = [free_port(), free_port(), free_port()];
    let admin = |number: usize| {
        let mut settings = vec![format!("admin.listen=127.0.0.1:{}", ports[number])];
        settings.extend(authority.settings("admin.tls", "admin"));
        settings
    };
    let mut receiver = admin(0);
    receiver.extend(authority.settings("http.tls", "receiver"));
    let mut proxy = admin(1);
    proxy.extend(authority.settings("control.tls", "proxy"));
    proxy.extend([
        format!("control.tls.client_ca={ca}"),
        "control.require_tls=true".into(),
        "control.certificate_names_device=true".into(),
        format!("meeting.tls.ca={ca}"),
    ]);
    let mut agent = admin(2);
    agent.extend(authority.settings("tunnel", "device"));
    agent.extend([format!("meeting.tls.ca={ca}"), "tunnel.tls=true".into(), format!("tunnel.ca={ca}")]);
    let setup = Setup { receiver, proxy, agent, authority: Some(authority), ..Setup::default() };
    (World::with(setup), ports)
}

/// The serial number of the certificate that a port shows, checked against the authority.
fn serial(world: &World, port: u16) -> String {
    let ca = world.authority().file("ca.pem");
    let mut client = Command::new(peer("openssl"));
    client.args(["s_client", "-verify_return_error", "-verify_ip", "127.0.0.1", "-connect"]);
    client.arg(format!("127.0.0.1:{port}")).arg("-CAfile").arg(ca);
    let shown = run_command(&mut client);
    let (_, pem) = shown.split_once("-----BEGIN CERTIFICATE-----").expect("a certificate");
    let (pem, _) = pem.split_once("-----END CERTIFICATE-----").expect("a whole certificate");
    pem.to_owned()
}

#[test]
#[ignore = "needs nginx, curl and openssl; run by .ci/run"]
fn every_listener_speaks_tls_and_the_tunnel_carries_visitors() {
    let (mut world, admin) = world();
    let nginx = Nginx::start(world.folder());
    fs::write(world.folder().join("www/index.html"), "ok").unwrap();
    let port = world.device_with_service("http", nginx.port);
    assert_eq!(run(peer("curl"), ["-sSf", &format!("http://127.0.0.1:{port}/")]), "ok");

    let ca = world.authority().file("ca.pem");
    for port in admin {
        let url = format!("https://127.0.0.1:{port}/readyz");
        // Readiness is judged every second or so.
        let again = ["-sSf", "--retry", "10", "--retry-delay", "1", "--cacert", ca.to_str().unwrap(), &url];
        assert_eq!(run(peer("curl"), again), "ok\n");
    }
    for port in [world.api_port, world.control_port, admin[0], admin[1], admin[2]] {
        // Who speaks no TLS gets nothing of use anywhere.
        let url = format!("http://127.0.0.1:{port}/api");
        let plain = Command::new(peer("curl")).args(["-sS", "--max-time", "10", &url]).output().unwrap();
        assert!(!plain.status.success(), "port {port}: {}", String::from_utf8_lossy(&plain.stdout));
    }

    // An agent whose certificate names another device is sent away, even with the right token.
    world.agent.take().unwrap().kill();
    world.proxy.wait_for("tunnel down", PATIENCE);
    world.authority().issue("device", "another-device");
    let mut stranger = world.start_agent("stranger", "http", nginx.port);
    stranger.wait_for("refused", PATIENCE);
    world.authority().issue("device", DEVICE);
    stranger.kill();
    world.agent = Some(world.start_agent("agent", "http", nginx.port));
    world.proxy.wait_for("tunnel up", PATIENCE);
}

#[test]
#[ignore = "needs openssl; run by .ci/run"]
fn renewed_certificates_are_taken_over_at_a_signal_while_the_tunnel_stays() {
    let (mut world, admin) = world();
    let nginx = Nginx::start(world.folder());
    fs::write(world.folder().join("www/index.html"), "ok").unwrap();
    let port = world.device_with_service("http", nginx.port);
    let listeners = [world.api_port, admin[0], admin[1], admin[2]];
    let before = listeners.map(|port| serial(&world, port));
    for file in ["receiver", "proxy", "admin"] {
        world.authority().issue(file, "127.0.0.1");
    }
    world.receiver.signal("HUP");
    world.receiver.wait_for("new settings are in force", PATIENCE);
    world.proxy.signal("HUP");
    world.proxy.wait_for("new settings are in force", PATIENCE);
    let agent = world.agent.as_mut().unwrap();
    agent.signal("HUP");
    agent.wait_for("settings", PATIENCE);
    let after = listeners.map(|port| serial(&world, port));
    for (before, after) in before.iter().zip(&after) {
        assert_ne!(before, after);
    }
    assert_eq!(run(peer("curl"), ["-sSf", &format!("http://127.0.0.1:{port}/")]), "ok");
    assert!(!world.proxy.output().contains("tunnel down"));

    // A broken file is said, and what was in force stays.
    fs::write(world.authority().file("receiver.pem"), "half a file").unwrap();
    world.receiver.signal("HUP");
    let line = world.receiver.wait_for("the new settings are not used", PATIENCE);
    assert!(line.contains("receiver.pem"), "{line}");
    assert_eq!(serial(&world, world.api_port), after[0]);
}
