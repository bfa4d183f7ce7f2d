//! What the tests share: files of a moment, certificates, a server and raw bytes.

use bytes::Bytes;
use daemon::http::{HttpLimits, Server};
use daemon::lifecycle::Stop;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

pub(crate) const LONG: Duration = Duration::from_secs(20);

/// An authority, and files signed by it.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    pub(crate) folder: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test authority");
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Writes `<file>.pem` and `<file>.key` for a name, over what was there.
    pub(crate) fn issue(&self, file: &str, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let paths =
            (self.folder.path().join(format!("{file}.pem")), self.folder.path().join(format!("{file}.key")));
        std::fs::write(&paths.0, certificate.pem()).unwrap();
        std::fs::write(&paths.1, key.serialize_pem()).unwrap();
        paths
    }
}

/// A service from an async function over a request's path and body.
#[derive(Clone)]
pub(crate) struct Echo;

impl tower_service::Service<Request<Incoming>> for Echo {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        Box::pin(async move {
            let path = request.uri().path().to_owned();
            assert_ne!(path, "/panic", "told to panic");
            let peer = request.extensions().get::<daemon::http::Peer>().cloned().unwrap();
            let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
            let names = peer
                .certificate
                .as_ref()
                .map(|certificate| certificate.dns_names().join(","))
                .unwrap_or_default();
            let text = format!("{path} {} tls={} names={names}", String::from_utf8_lossy(&body), peer.tls);
            Ok(Response::new(Full::new(Bytes::from(text))))
        })
    }
}

/// A running server.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) stop: Stop,
    pub(crate) task: JoinHandle<()>,
}

pub(crate) async fn serve(server: Server) -> Running {
    serve_with(server, Echo).await
}

pub(crate) async fn serve_with<S, B>(server: Server, service: S) -> Running
where
    S: tower_service::Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<daemon::http::BoxError>,
    S::Future: Send,
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<daemon::http::BoxError>,
{
    let listener = daemon::net::bind(&"127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = Stop::default();
    let task = tokio::spawn(server.serve(listener, service, stop.clone()));
    Running { address, stop, task }
}

pub(crate) async fn plain() -> Running {
    serve(Server::new(HttpLimits::default())).await
}

/// Sends bytes and gives all that comes back until the server closes.
pub(crate) async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    read_to_end(&mut stream).await
}

/// Everything until the end; a reset after the answer counts as the end.
pub(crate) async fn read_to_end(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut all = Vec::new();
    let mut part = [0; 4096];
    let reading = async {
        while let Ok(count @ 1..) = stream.read(&mut part).await {
            all.extend_from_slice(&part[..count]);
        }
    };
    tokio::time::timeout(LONG, reading).await.expect("the server closes");
    String::from_utf8_lossy(&all).into_owned()
}

/// Reads until `end` has come.
pub(crate) async fn read_until(stream: &mut (impl AsyncReadExt + Unpin), end: &str) -> String {
    let mut text = String::new();
    let reading = async {
        while !text.contains(end) {
            let byte = stream.read_u8().await.expect("more bytes");
            text.push(char::from(byte));
        }
    };
    tokio::time::timeout(LONG, reading).await.expect("an answer");
    text
}
