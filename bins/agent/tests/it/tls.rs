//! TLS towards the server and the proxy: an authority of one's own, a client certificate, another name.

use std::path::{Path, PathBuf};

use agent::{Config, Event};
use daemon::tls::{Acceptor, ClientTls, Connector, ServerTls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tunnel_frame::server::{ServerConfig, receive};

use crate::fake_meeting::{self, Meeting};
use crate::harness::{Running, accepted, config, heartbeat_failed, tunnel_gone, with_tunnel};

/// An authority with a server certificate for `name` and one for the device, as files.
struct Pki {
    home: TempDir,
}

impl Pki {
    fn new(name: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        std::fs::write(home.path().join("ca.pem"), authority.pem()).unwrap();
        for (file, name) in [("server", name), ("device", "device.example.org")] {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &authority).unwrap();
            std::fs::write(home.path().join(format!("{file}.pem")), certificate.pem()).unwrap();
            std::fs::write(home.path().join(format!("{file}.key")), key.serialize_pem()).unwrap();
        }
        Self { home }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A server's side that wants to see the device's certificate.
    fn acceptor(&self) -> Acceptor {
        let settings = ServerTls {
            certificate: self.file("server.pem"),
            key: self.file("server.key"),
            client_ca: Some(self.file("ca.pem")),
            client_certificates: daemon::tls::ClientCertificates::Required,
        };
        Acceptor::new(settings, &["http/1.1"]).unwrap()
    }
}

/// Puts TLS before a Meeting server: where to connect to.
async fn encrypted(meeting: &Meeting, pki: &Pki) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (acceptor, state) = (pki.acceptor(), meeting.state());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, state) = (acceptor.clone(), state.clone());
            tokio::spawn(async move {
                let limit = std::time::Duration::from_secs(10);
                if let Ok(stream) = acceptor.accept(stream, limit).await {
                    fake_meeting::serve_connection(stream, state).await;
                }
            });
        }
    });
    address
}

fn with_tls(config: &mut Config, pki: &Pki) {
    config.meeting.tls.ca = Some(pki.file("ca.pem"));
    config.meeting.tls.certificate = Some(pki.file("device.pem"));
    config.meeting.tls.key = Some(pki.file("device.key"));
}

#[tokio::test]
async fn heartbeats_go_over_tls_with_the_devices_certificate() {
    let home = tempfile::tempdir().unwrap();
    let (meeting, pki) = (Meeting::start().await, Pki::new("localhost"));
    let address = encrypted(&meeting, &pki).await;
    let mut config = config(&home, &format!("https://localhost:{}", address.port()));
    with_tls(&mut config, &pki);
    let mut agent = Running::start(config.clone());
    agent.wait_for(accepted).await;
    agent.stop().await.unwrap();

    // Without the authority the server is not trusted.
    let strangers = Pki::new("localhost");
    config.meeting.tls.ca = Some(strangers.file("ca.pem"));
    let mut agent = Running::start(config);
    agent.wait_for(heartbeat_failed).await;
    assert!(agent.heard.iter().any(|event| event.contains("certificate")), "{:?}", agent.heard);
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn a_certificate_for_another_name_is_accepted_when_the_settings_say_so() {
    let home = tempfile::tempdir().unwrap();
    let (meeting, pki) = (Meeting::start().await, Pki::new("meeting.internal"));
    let address = encrypted(&meeting, &pki).await;
    let mut config = config(&home, &format!("https://localhost:{}", address.port()));
    with_tls(&mut config, &pki);
    let mut agent = Running::start(config.clone());
    agent.wait_for(heartbeat_failed).await;
    agent.stop().await.unwrap();

    config.meeting.tls.server_name = Some("meeting.internal".to_owned());
    let mut agent = Running::start(config);
    agent.wait_for(accepted).await;
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn the_tunnel_goes_over_tls_with_the_devices_certificate() {
    let home = tempfile::tempdir().unwrap();
    let (meeting, pki) = (Meeting::start().await, Pki::new("proxy.internal"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = pki.acceptor();
    let (tell, mut names) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let limit = std::time::Duration::from_secs(10);
            let Ok(stream) = acceptor.accept(stream, limit).await else { continue };
            let certificate = stream.peer_certificate().unwrap();
            let pending = receive(stream, ServerConfig::default()).await.unwrap();
            let (tunnel, driver) = pending.accept();
            tell.send((certificate.dns_names().to_vec(), tunnel)).unwrap();
            tokio::spawn(driver.run());
        }
    });
    let mut config = with_tunnel(config(&home, &meeting.url()), address, &[]);
    config.tunnel.tls = Some(true);
    config.tunnel.ca = Some(pki.file("ca.pem"));
    config.tunnel.certificate = Some(pki.file("device.pem"));
    config.tunnel.key = Some(pki.file("device.key"));

    let mut agent = Running::start(config.clone());
    agent.wait_for(tunnel_gone).await;
    assert!(agent.heard.iter().any(|event| event.contains("no TLS with 127.0.0.1")), "{:?}", agent.heard);
    config.tunnel.server_name = Some("proxy.internal".to_owned());
    agent.settings.send_replace(config);
    let tls = agent.wait_for(|event| match event {
        Event::TunnelUp { tls, .. } => Some(*tls),
        _ => None,
    });
    assert!(tls.await);
    let (names, _tunnel) = names.recv().await.unwrap();
    assert_eq!(names, ["device.example.org"]);
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn health_and_metrics_go_over_tls_when_they_have_a_certificate() {
    let home = tempfile::tempdir().unwrap();
    let (meeting, pki) = (Meeting::start().await, Pki::new("localhost"));
    let mut config = config(&home, &meeting.url());
    config.admin.tls = Some(ServerTls {
        certificate: pki.file("server.pem"),
        key: pki.file("server.key"),
        client_ca: None,
        client_certificates: daemon::tls::ClientCertificates::Required,
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = daemon::lifecycle::Stop::default();
    let agent = tokio::spawn(agent::Agent::new(config).admin(listener).run(stop.clone(), ()));

    let settings =
        ClientTls { ca: Some(pki.file("ca.pem")), certificate: None, key: None, server_name: None };
    let stream = TcpStream::connect(address).await.unwrap();
    let limit = std::time::Duration::from_secs(10);
    let connector = Connector::new(&settings, &[]).unwrap();
    let mut stream = connector.connect("localhost", stream, limit).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("agent_heartbeats"), "{answer}");
    stop.gently.cancel();
    agent.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_missing_file_is_named_at_the_start() {
    let home = tempfile::tempdir().unwrap();
    let mut config = config(&home, "https://127.0.0.1:1");
    config.meeting.tls.ca = Some(Path::new("/nonexistent/ca.pem").to_owned());
    let failure = agent::run(config, daemon::lifecycle::Stop::default(), ()).await.unwrap_err();
    assert!(failure.to_string().contains("/nonexistent/ca.pem"), "{failure}");
}
