//! A server in memory's reach: a store in a temporary file, a clock that tests turn, and requests as values.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use checkin_api::server::store::{Keys, NewKey, Role};
use checkin_api::server::{
    CheckInServer, Clock, Environment, ReplyBody, Settings, SharedSecret, SqlStore, SqliteOptions, mint_key,
};
use checkin_api::{ApiKey, CheckIn};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tower_service::Service;

/// A clock that moves when it is told to.
#[derive(Debug)]
pub(crate) struct TestClock(AtomicI64);

/// 2025-03-03T21:30:10Z, ten seconds after the check-in in the document's example.
pub(crate) const START: i64 = 1_741_037_410;

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(START)))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> jiff::Timestamp {
        time(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) fn time(seconds: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(seconds).expect("a time on this side of year 9999")
}

/// The key that all bots of the tests share.
pub(crate) const SECRET: &str = "the-shared-secret-of-the-tests";

/// The document's example, byte for byte.
pub(crate) const EXAMPLE: &str = r##"{
"packet_hash": "A1B2C3D4E5F67890",
"username": "HOWL",
"message": "check in",
"channel": "#meshmonday",
"timestamp": "2025-03-03T14:30:00-07:00",
"source_bot": "meshcore-bot"
}"##;

pub(crate) fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.secret = Some(SharedSecret::new(&ApiKey::new(SECRET).expect("a key")));
    settings
}

/// A server, its clock, and its file.
pub(crate) struct Bench {
    pub(crate) server: CheckInServer<SqlStore>,
    pub(crate) clock: Arc<TestClock>,
    folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(settings(), |options| options)
    }

    pub(crate) fn with(settings: Settings, options: impl FnOnce(SqliteOptions) -> SqliteOptions) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options = options(SqliteOptions::new(folder.path().join("checkins.db")));
        Self { folder, ..Self::over(settings, options) }
    }

    /// The same over a file of the caller's.
    pub(crate) fn over(settings: Settings, options: SqliteOptions) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = SqlStore::open_sqlite(options).expect("a store");
        let clock = TestClock::new();
        let environment = Environment { clock: clock.clone(), observer: None };
        Self { server: CheckInServer::in_environment(store, settings, environment), clock, folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("checkins.db")
    }

    pub(crate) fn store(&self) -> &SqlStore {
        self.server.store()
    }

    pub(crate) async fn key(&self, role: Role, name: &str) -> String {
        let (secret, key) = minted(role, name, None);
        assert!(self.store().add_key(key).await.expect("stored"), "{name} is taken");
        secret
    }

    /// Posts JSON to `/checkins` with this key.
    pub(crate) async fn post(&self, body: &str, key: &str) -> Answer {
        self.send(post("/checkins", body, key)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request("GET", path, &[], "")).await
    }

    pub(crate) async fn send<B>(&self, request: Request<B>) -> Answer
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
    {
        let Ok(response) = self.server.clone().call(request).await;
        Answer::of(response).await
    }

    /// What is in the file, as the text of each column.
    pub(crate) fn rows(&self, query: &str) -> Vec<Vec<String>> {
        rows(&self.path(), query)
    }
}

pub(crate) fn rows(path: &std::path::Path, query: &str) -> Vec<Vec<String>> {
    let connection = rusqlite::Connection::open(path).expect("opened");
    let mut statement = connection.prepare(query).expect("a query");
    let columns = statement.column_count();
    let rows =
        statement.query_map([], |row| (0..columns).map(|column| row.get_ref(column).map(shown)).collect());
    rows.expect("rows").collect::<Result<_, _>>().expect("a row")
}

fn shown(value: rusqlite::types::ValueRef<'_>) -> String {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => {
            format!("x'{}'", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
    }
}

/// A key and what is stored of it.
pub(crate) fn minted(role: Role, name: &str, expires_at: Option<jiff::Timestamp>) -> (String, NewKey) {
    let minted = mint_key(role, name, time(START), expires_at).expect("randomness");
    (minted.secret.expose().to_owned(), minted.key)
}

pub(crate) fn post(path: &str, body: &str, key: &str) -> Request<Full<Bytes>> {
    let bearer = format!("Bearer {key}");
    request("POST", path, &[("content-type", "application/json"), ("authorization", &bearer)], body)
}

pub(crate) fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Request<Full<Bytes>> {
    let mut request =
        Request::builder().method(Method::from_bytes(method.as_bytes()).expect("a method")).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).expect("a request")
}

/// A check-in of a made-up station.
pub(crate) fn check_in(hash: &str, username: &str, bot: Option<&str>) -> CheckIn {
    CheckIn {
        packet_hash: hash.parse().expect("a hash"),
        username: username.to_owned(),
        message: "check in".to_owned(),
        channel: "#meshmonday".to_owned(),
        timestamp: "2025-03-03T14:30:00-07:00".into(),
        source_bot: bot.map(str::to_owned),
    }
}

/// Drives a future to where it waits; its value if it waits for nothing.
pub(crate) fn poll_once<F: Future>(future: Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    async fn of(response: Response<ReplyBody>) -> Self {
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
