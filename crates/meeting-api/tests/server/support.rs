//! A server in memory's reach: a store in a temporary file, a clock that tests turn, and requests as values.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use meeting_api::server::store::{Credentials, Role};
use meeting_api::server::{
    Clock, Environment, MeetingServer, PeerAddress, Settings, SqliteOptions, SqliteStore, SystemRandom,
    mint_secret,
};
use meeting_api::{DeviceKey, UtcTimestamp};
use tower_service::Service;

/// A clock that moves when it is told to.
#[derive(Debug)]
pub(crate) struct TestClock(AtomicI64);

/// 2026-02-02 12:34:56, the time in the document's example.
pub(crate) const START: i64 = 1_770_035_696;

impl TestClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> UtcTimestamp {
        UtcTimestamp::from_unix(self.0.load(Ordering::SeqCst)).expect("a time on this side of year 9999")
    }
}

/// A server, its clock, and its secrets.
pub(crate) struct Bench {
    pub(crate) server: MeetingServer<SqliteStore>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) operator: String,
    pub(crate) proxy: String,
    _folder: tempfile::TempDir,
}

pub(crate) const PEER: &str = "198.51.100.7:40000";
pub(crate) const DEVICE: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const OTHER: &str = "fedcba9876543210fedcba9876543210";

impl Bench {
    pub(crate) async fn new(settings: Settings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(SqliteOptions::new(folder.path().join("meeting.db"))).expect("a store");
        let clock = Arc::new(TestClock(AtomicI64::new(START)));
        let environment = Environment { clock: clock.clone(), ..Environment::default() };
        let server = MeetingServer::in_environment(store, settings, environment);
        let mut bench =
            Self { server, clock, operator: String::new(), proxy: String::new(), _folder: folder };
        bench.operator = bench.mint(Role::Operator).await;
        bench.proxy = bench.mint(Role::Proxy).await;
        bench
    }

    pub(crate) fn now(&self) -> UtcTimestamp {
        self.clock.now()
    }

    /// The surroundings of this server, for another one.
    pub(crate) fn environment(&self) -> Environment {
        Environment { clock: self.clock.clone(), ..Environment::default() }
    }

    pub(crate) async fn mint(&self, role: Role) -> String {
        let minted = mint_secret(role, "test", self.clock.now(), &SystemRandom).expect("randomness");
        assert!(self.server.store().create_credential(minted.credential).await.expect("stored"));
        minted.secret.expose().to_owned()
    }

    /// Enters a device that may do everything, and has not reported yet.
    pub(crate) async fn add_device(&self, key: &str) {
        let body =
            format!(r#"{{"device_key":"{key}","authorized":1,"token_count":1,"token_code":"a1b2c3"}}"#);
        let answer = self.call("POST", "/api/devices/manual-create", &body, Some(&self.operator)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }

    pub(crate) async fn add_reporting_device(&self, key: &str) {
        self.add_device(key).await;
        let answer = self.call("POST", &format!("/api/devices/{key}/online"), "", None).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    /// A request with a bearer secret or none.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &str, bearer: Option<&str>) -> Answer {
        let mut request = request(method, path, body);
        if let Some(secret) = bearer {
            let value = format!("Bearer {secret}").parse().expect("a header");
            request.headers_mut().insert("authorization", value);
        }
        self.send(request).await
    }

    pub(crate) async fn operate(&self, method: &str, path: &str, body: &str) -> Answer {
        self.call(method, path, body, Some(&self.operator)).await
    }

    pub(crate) async fn send<B>(&self, request: Request<B>) -> Answer
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
    {
        let Ok(response) = self.server.clone().call(request).await;
        Answer::of(response).await
    }
}

/// A request from the usual peer.
pub(crate) fn request(method: &str, path: &str, body: &str) -> Request<Full<Bytes>> {
    let peer: SocketAddr = PEER.parse().expect("an address");
    Request::builder()
        .method(Method::from_bytes(method.as_bytes()).expect("a method"))
        .uri(path)
        .extension(PeerAddress(peer))
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .expect("a request")
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    async fn of(response: Response<Full<Bytes>>) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let text = String::from_utf8(body.to_vec()).expect("text");
        Self { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }
}

pub(crate) fn key(text: &str) -> DeviceKey {
    text.parse().expect("a device key")
}
