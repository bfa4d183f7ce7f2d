//! TLS and plain agents on one port, and client certificates.

use std::path::{Path, PathBuf};
use std::time::Duration;

use daemon::tls::{ClientCertificates, ClientTls, Connector, ServerTls, Stream};
use proxy::{Event, Reason};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::net::TcpStream;
use tunnel_frame::client::ConnectError;

use crate::stage::{Stage, agent_over, reason_of};

/// An authority, and certificates by it, as files.
struct Authority {
    folder: tempfile::TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { folder, issuer: Issuer::new(params, key) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn issue(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let (certificate_path, key_path) =
            (self.path(&format!("{name}.pem")), self.path(&format!("{name}.key")));
        std::fs::write(&certificate_path, certificate.pem()).unwrap();
        std::fs::write(&key_path, key.serialize_pem()).unwrap();
        (certificate_path, key_path)
    }

    fn server(&self, client_ca: Option<&Path>) -> ServerTls {
        let (certificate, key) = self.issue("proxy.example.org");
        ServerTls {
            certificate,
            key,
            client_ca: client_ca.map(Path::to_owned),
            client_certificates: ClientCertificates::Required,
        }
    }

    async fn connect(&self, stage: &Stage, own: Option<&str>) -> std::io::Result<Stream<TcpStream>> {
        let (certificate, key) = own.map(|name| self.issue(name)).unzip();
        let settings = ClientTls { ca: Some(self.path("ca.pem")), certificate, key, server_name: None };
        let connector = Connector::new(&settings, &[]).unwrap();
        let stream = TcpStream::connect(stage.control).await.unwrap();
        connector.connect("proxy.example.org", stream, Duration::from_secs(10)).await
    }
}

fn refusal<T>(result: Result<T, ConnectError>) -> Reason {
    match result {
        Err(ConnectError::Refused(refusal)) => reason_of(&refusal),
        Err(error) => panic!("no refusal: {error}"),
        Ok(_) => panic!("accepted"),
    }
}

#[tokio::test]
async fn tls_and_plain_agents_share_the_port() {
    let authority = Authority::new();
    let mut stage = Stage::with(|config| config.control.tls = Some(authority.server(None))).await;
    for key in ["a", "b"] {
        stage.meeting.device(key, "c0ffee");
    }
    let _plain = stage.agent("a", "c0ffee", &[]).await.unwrap();
    let stream = authority.connect(&stage, None).await.unwrap();
    let _encrypted = agent_over(stream, "b", "c0ffee", &[]).await.unwrap();
    for (key, encrypted) in [("a", false), ("b", true)] {
        let event = stage
            .expect(|event| matches!(event, Event::DeviceConnected { device, .. } if &**device == key))
            .await;
        let Event::DeviceConnected { tls, .. } = event else { unreachable!() };
        assert_eq!(tls, encrypted, "{key}");
    }
}

#[tokio::test]
async fn a_plain_agent_is_told_that_tls_is_required() {
    let authority = Authority::new();
    let stage = Stage::with(|config| {
        config.control.tls = Some(authority.server(None));
        config.control.require_tls = true;
    })
    .await;
    stage.meeting.device("d", "c0ffee");
    assert_eq!(stage.refusal("d", "c0ffee").await, Reason::TlsRequired);
    let stream = authority.connect(&stage, None).await.unwrap();
    agent_over(stream, "d", "c0ffee", &[]).await.unwrap();
}

#[tokio::test]
async fn a_certificate_serves_only_the_device_that_it_names() {
    let authority = Authority::new();
    let client_ca = authority.path("ca.pem");
    let mut stage = Stage::with(|config| {
        config.control.tls = Some(authority.server(Some(&client_ca)));
        config.control.require_tls = true;
        config.control.certificate_names_device = true;
    })
    .await;
    for key in ["device-a", "device-b"] {
        stage.meeting.device(key, "c0ffee");
    }
    let stream = authority.connect(&stage, Some("device-a")).await.unwrap();
    agent_over(stream, "device-a", "c0ffee", &[]).await.unwrap();
    let stream = authority.connect(&stage, Some("device-a")).await.unwrap();
    assert_eq!(refusal(agent_over(stream, "device-b", "c0ffee", &[]).await), Reason::CertificateMismatch);
    // Without a certificate there is no session to speak in; with TLS 1.3 the client learns it at its first read.
    if let Ok(stream) = authority.connect(&stage, None).await {
        let result = agent_over(stream, "device-b", "c0ffee", &[]).await;
        assert!(matches!(result, Err(ConnectError::Io(_) | ConnectError::Closed)));
    }
    stage.expect(|event| matches!(event, Event::DeviceRefused { reason: Reason::TlsFailed, .. })).await;
}

#[tokio::test]
async fn tls_without_a_certificate_of_ours_is_closed() {
    let authority = Authority::new();
    let mut stage = Stage::new().await;
    assert!(authority.connect(&stage, None).await.is_err());
    stage.expect(|event| matches!(event, Event::DeviceRefused { reason: Reason::TlsFailed, .. })).await;
}

#[tokio::test]
async fn a_reload_brings_the_new_certificate() {
    let authority = Authority::new();
    let other = Authority::new();
    let mut stage = Stage::with(|config| config.control.tls = Some(authority.server(None))).await;
    assert!(other.connect(&stage, None).await.is_err());
    let mut config = stage.config.clone();
    config.control.tls = Some(other.server(None));
    stage.reloads.send(config).await.unwrap();
    stage.expect(|event| *event == Event::Reloaded).await;
    assert!(other.connect(&stage, None).await.is_ok());
}
