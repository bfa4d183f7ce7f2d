//! Exchanges over https: own roots, client certificates, and whom it does not trust.
#![allow(clippy::unwrap_used, reason = "tests may be blunt, their helpers too")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http_exchange::{Body, Exchange, ExchangeError, Limits, ServerUrl, Settings};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::ring};

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

/// Answers each connection's first request; counts the handshakes that went well.
struct Server {
    address: SocketAddr,
    greeted: Arc<AtomicUsize>,
}

async fn serve(tls: TlsAcceptor) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let greeted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&greeted);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = tls.accept(stream).await else { continue };
            count.fetch_add(1, Ordering::SeqCst);
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                // A client that goes away is no failure of the test.
                let Ok(byte) = stream.read_u8().await else { break };
                asked.push(byte);
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
        }
    });
    Server { address, greeted }
}

async fn ask(server: &Server, settings: Settings) -> Result<String, ExchangeError> {
    let (url, path) = ServerUrl::parse(&format!("https://localhost:{}/", server.address.port()))?;
    let exchange = Exchange::open(&url, &settings)?;
    let mut request = http::Request::new(Body::default());
    *request.uri_mut() = url.uri(path)?;
    let limits = Limits { reply_bytes: 5, time: Duration::from_secs(10) };
    let reply = exchange.run(request, limits).await?;
    Ok(String::from_utf8(reply.body.to_vec()).unwrap())
}

fn trusting(config: ClientConfig) -> Settings {
    Settings { tls: Some(config), ..Settings::default() }
}

#[tokio::test]
async fn a_server_under_the_given_root_is_trusted() {
    let authority = authority();
    let server = serve(acceptor(identity(&authority, "localhost"), None)).await;
    let mut config = config(roots(&authority), None);
    // A caller's own ALPN does no harm.
    config.alpn_protocols = vec![b"h2".to_vec()];
    assert_eq!(ask(&server, trusting(config)).await.unwrap(), "hello");
}

#[tokio::test]
async fn a_client_certificate_is_shown_when_asked_for() {
    let authority = authority();
    let server = serve(acceptor(identity(&authority, "localhost"), Some(roots(&authority)))).await;
    let with = config(roots(&authority), Some(identity(&authority, "device")));
    assert_eq!(ask(&server, trusting(with)).await.unwrap(), "hello");
    let without = ask(&server, trusting(config(roots(&authority), None))).await;
    assert!(matches!(without, Err(ExchangeError::Io(_))));
}

#[tokio::test]
async fn a_certificate_may_bear_another_name_when_told_so() {
    let authority = authority();
    let server = serve(acceptor(identity(&authority, "other.example.org"), None)).await;
    let mut settings = trusting(config(roots(&authority), None));
    settings.server_name = Some("other.example.org".to_owned());
    assert_eq!(ask(&server, settings.clone()).await.unwrap(), "hello");
    settings.server_name = Some("no name".to_owned());
    assert!(matches!(ask(&server, settings).await, Err(ExchangeError::Usage(_))));
}

#[tokio::test]
async fn strangers_are_not_trusted() {
    let (ours, theirs) = (authority(), authority());
    for (issuer, name) in [(&theirs, "localhost"), (&ours, "other.example.org")] {
        let server = serve(acceptor(identity(issuer, name), None)).await;
        let error = ask(&server, trusting(config(roots(&ours), None))).await.unwrap_err();
        assert!(
            matches!(&error, ExchangeError::Io(_)) && error.to_string().contains("certificate"),
            "{error}"
        );
        assert_eq!(server.greeted.load(Ordering::SeqCst), 0);
    }
    // The platform's own roots do not know it either.
    let server = serve(acceptor(identity(&ours, "localhost"), None)).await;
    let error = ask(&server, Settings::default()).await.unwrap_err();
    assert!(matches!(&error, ExchangeError::Io(_)), "{error}");
}
