//! The receiver of check-ins itself, in this process: its server over its SQLite store.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use checkin_api::server::{CheckInServer, Settings, SharedSecret, SqlStore, SqliteOptions};
use checkin_api::{ApiKey, CheckIn};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tower_service::Service as _;

pub(crate) const KEY: &str = "canary-checkin-key-31b7";

/// It remembers what it was sent and what it answered.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    answered: Arc<Mutex<Vec<(CheckIn, u16)>>>,
    task: tokio::task::JoinHandle<()>,
    _folder: TempDir,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqlStore::open_sqlite(SqliteOptions::new(folder.path().join("checkins.db"))).unwrap();
        let mut settings = Settings::default();
        settings.secret = Some(SharedSecret::new(&ApiKey::new(KEY).unwrap()));
        let server = CheckInServer::new(store, settings);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answered = Arc::new(Mutex::new(Vec::new()));
        let log = answered.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, log) = (server.clone(), log.clone());
                let service = service_fn(move |request| answer(server.clone(), log.clone(), request));
                tokio::spawn(async move {
                    let http = hyper::server::conn::http1::Builder::new();
                    // A client that goes away is no failure of the test.
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, answered, task, _folder: folder }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/checkins", self.address)
    }

    /// Hash and status of each request, in their order.
    pub(crate) fn answered(&self) -> Vec<(String, u16)> {
        let answered = self.answered.lock().unwrap();
        answered.iter().map(|(check_in, status)| (check_in.packet_hash.to_string(), *status)).collect()
    }

    pub(crate) fn check_ins(&self) -> Vec<CheckIn> {
        self.answered.lock().unwrap().iter().map(|(check_in, _)| check_in.clone()).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    mut server: CheckInServer<SqlStore>,
    log: Arc<Mutex<Vec<(CheckIn, u16)>>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let check_in = CheckIn::decode(&body);
    let answer = server.call(Request::from_parts(head, Full::new(body))).await.unwrap();
    // Other requests are no check-ins, and not counted.
    if let Ok(check_in) = check_in {
        log.lock().unwrap().push((check_in, answer.status().as_u16()));
    }
    let (head, body) = answer.into_parts();
    Ok(Response::from_parts(head, Full::new(body.collect().await?.to_bytes())))
}
