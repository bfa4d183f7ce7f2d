//! The client over https: own roots, client certificates, and whom it does not trust.

use std::sync::Arc;

use checkin_api::client::{Accepted, CheckInClient, ClientError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::ring};

use crate::receiver::{Answer, Receiver, check_in};

struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn identity(authority: &CertifiedIssuer<'static, KeyPair>, name: &str) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, authority).unwrap();
    Identity { chain: vec![certificate.der().clone()], key: PrivateKeyDer::Pkcs8(key.serialize_der().into()) }
}

fn roots(authority: &CertifiedIssuer<'static, KeyPair>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    roots
}

fn acceptor(identity: Identity, clients: Option<RootCertStore>) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(roots) => {
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    TlsAcceptor::from(Arc::new(builder.with_single_cert(identity.chain, identity.key).unwrap()))
}

fn config(roots: RootCertStore, identity: Option<Identity>) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder.with_client_auth_cert(identity.chain, identity.key).unwrap(),
    }
}

fn client(server: &Receiver, config: ClientConfig) -> CheckInClient {
    CheckInClient::builder(&format!("https://localhost:{}/checkins", server.address.port()))
        .unwrap()
        .tls_config(config)
        .build()
        .unwrap()
}

fn answer() -> Answer {
    Answer::new(201, "{}")
}

#[tokio::test]
async fn a_server_under_the_given_root_is_trusted() {
    let authority = authority();
    let server =
        Receiver::start_with([answer()], Some(acceptor(identity(&authority, "localhost"), None))).await;
    let mut config = config(roots(&authority), None);
    // A caller's own ALPN does no harm.
    config.alpn_protocols = vec![b"h2".to_vec()];
    let client = client(&server, config);
    assert_eq!(client.submit(&check_in("A1")).await.unwrap(), Accepted::Created);
}

#[tokio::test]
async fn a_client_certificate_is_shown_when_asked_for() {
    let authority = authority();
    let tls = acceptor(identity(&authority, "localhost"), Some(roots(&authority)));
    let server = Receiver::start_with([answer()], Some(tls)).await;
    let with = client(&server, config(roots(&authority), Some(identity(&authority, "device"))));
    assert!(with.submit_once(&check_in("A1")).await.is_ok());
    let without = client(&server, config(roots(&authority), None));
    assert!(matches!(without.submit_once(&check_in("A1")).await, Err(ClientError::Io(_))));
}

#[tokio::test]
async fn strangers_are_not_trusted() {
    let (ours, theirs) = (authority(), authority());
    for (issuer, name) in [(&theirs, "localhost"), (&ours, "other.example.org")] {
        let server = Receiver::start_with([answer()], Some(acceptor(identity(issuer, name), None))).await;
        let error =
            client(&server, config(roots(&ours), None)).submit_once(&check_in("A1")).await.unwrap_err();
        assert!(matches!(&error, ClientError::Io(_)) && error.to_string().contains("certificate"), "{error}");
        assert_eq!(server.asked().len(), 0);
    }
    // The platform's own roots do not know it either.
    let server = Receiver::start_with([answer()], Some(acceptor(identity(&ours, "localhost"), None))).await;
    let url = format!("https://localhost:{}", server.address.port());
    let error = CheckInClient::builder(&url)
        .unwrap()
        .build()
        .unwrap()
        .submit_once(&check_in("A1"))
        .await
        .unwrap_err();
    assert!(matches!(&error, ClientError::Io(_)), "{error}");
}
