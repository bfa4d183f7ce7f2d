//! A server in memory's reach: a store in a temporary file, a clock that tests turn, machines that answer as they are told, and requests as
//! values.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response as HttpResponse, StatusCode};
use http_body_util::{BodyExt, Full};
use ipwatch_mqtt::server::store::{Devices, Keys, NewDevice, NewKey, Role};
use ipwatch_mqtt::server::{
    Answer, Clock, Environment, Fleet, Heard, Heed, IpWatchServer, News, ReplyBody, Settings, SqlStore,
    SqliteOptions, mint_key,
};
use ipwatch_mqtt::{Availability, CommandName, Response};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower_service::Service;

/// A clock that moves when it is told to.
#[derive(Debug)]
pub(crate) struct TestClock(AtomicI64);

/// 2026-01-31T12:00:00Z, a Saturday.
pub(crate) const START: i64 = 1_769_860_800;

impl TestClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(START)))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        time(self.0.load(Ordering::SeqCst))
    }
}

pub(crate) fn time(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time on this side of year 9999")
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Machines that answer as they are told, and note what they were told to do.
#[derive(Debug, Default, Clone)]
pub(crate) struct Machines {
    answers: Arc<Mutex<HashMap<IpAddr, Answer>>>,
    told: Arc<Mutex<Vec<(IpAddr, CommandName)>>>,
    gate: Arc<Mutex<Option<Arc<Notify>>>>,
    retired: Arc<Mutex<Vec<IpAddr>>>,
}

impl Machines {
    /// From now on this one answers so; one that was told nothing stays silent.
    pub(crate) fn answer(&self, device: &str, answer: Answer) {
        self.answers.lock().unwrap().insert(ip(device), answer);
    }

    /// From now on they answer when the gate is opened.
    pub(crate) fn hold(&self) -> Arc<Notify> {
        Arc::clone(self.gate.lock().unwrap().insert(Arc::default()))
    }

    /// Those that were retired.
    pub(crate) fn retired(&self) -> Vec<String> {
        self.retired.lock().unwrap().iter().map(ToString::to_string).collect()
    }

    /// What they were told to do since this was asked last.
    pub(crate) fn told(&self) -> Vec<(String, CommandName)> {
        let told = std::mem::take(&mut *self.told.lock().unwrap());
        told.into_iter().map(|(ip, command)| (ip.to_string(), command)).collect()
    }
}

impl Fleet for Machines {
    async fn command(&self, device: IpAddr, command: CommandName, within: Duration) -> Answer {
        self.told.lock().unwrap().push((device, command));
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            gate.notified().await;
        }
        let answer = self.answers.lock().unwrap().get(&device).cloned();
        match answer {
            Some(answer) => answer,
            None => {
                tokio::time::sleep(within).await;
                Answer::NoAnswer
            }
        }
    }

    async fn broadcast(&self, devices: Vec<IpAddr>, command: CommandName, within: Duration) -> Vec<Answer> {
        let answers: Vec<Option<Answer>> = {
            self.told.lock().unwrap().extend(devices.iter().map(|device| (*device, command)));
            let known = self.answers.lock().unwrap();
            devices.iter().map(|device| known.get(device).cloned()).collect()
        };
        if answers.iter().any(Option::is_none) {
            tokio::time::sleep(within).await;
        }
        answers.into_iter().map(|answer| answer.unwrap_or(Answer::NoAnswer)).collect()
    }

    async fn retired(&self, device: IpAddr) {
        self.retired.lock().unwrap().push(device);
    }
}

pub(crate) type Server = IpWatchServer<SqlStore, Machines>;

/// A server, its clock, its machines, a key of each role, and its file.
pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) machines: Machines,
    pub(crate) read: String,
    pub(crate) control: String,
    pub(crate) administer: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let store = store(&folder);
        let mut keys = Vec::new();
        for role in Role::ALL {
            let (secret, key) = minted(role, &format!("{role}-key"), None);
            assert!(store.add_key(key).await.expect("stored"));
            keys.push(secret);
        }
        let [read, control, administer] = keys.try_into().expect("three roles");
        let (clock, machines) = (TestClock::new(), Machines::default());
        let server = open(store, &machines, settings, &clock).await;
        Self { server, clock, machines, read, control, administer, folder }
    }

    /// Another server on the same file, machines and clock: a restart, or a second receiver.
    pub(crate) async fn again(&self) -> Server {
        open(store(&self.folder), &self.machines, Settings::default(), &self.clock).await
    }

    /// Registers a machine past the routes.
    pub(crate) async fn device(&self, address: &str, groups: &[&str]) {
        self.register(new_device(address, groups)).await;
    }

    pub(crate) async fn register(&self, device: NewDevice) {
        let now = self.clock.now();
        self.server.store().put_device(device, now).await.expect("stored");
        self.server.reload().await.expect("read");
    }

    pub(crate) fn heard(&self, device: &str, news: News) -> Heed {
        self.heard_from(device, None, news)
    }

    pub(crate) fn heard_from(&self, device: &str, user: Option<&str>, news: News) -> Heed {
        let user = user.map(str::to_owned);
        self.server.heard(Heard { device: ip(device), user, at: self.clock.now(), news })
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &self.read, None).await
    }

    pub(crate) async fn post(&self, path: &str) -> Reply {
        self.send("POST", path, &self.control, None).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Reply {
        self.send("PUT", path, &self.administer, Some(&body.to_string())).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, key: &str, body: Option<&str>) -> Reply {
        let bearer = format!("Bearer {key}");
        let mut headers = vec![("authorization", bearer.as_str())];
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.call(request(method, path, &headers, body.unwrap_or_default())).await
    }

    pub(crate) async fn call<B>(&self, request: Request<B>) -> Reply
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
    {
        Reply::of(self.response(request).await).await
    }

    pub(crate) async fn response<B>(&self, request: Request<B>) -> HttpResponse<ReplyBody>
    where
        B: http_body::Body + Send + 'static,
        B::Data: Send,
    {
        let Ok(response) = self.server.clone().call(request).await;
        response
    }

    /// The upkeep of one second, with the runs of schedules to their end.
    pub(crate) async fn tick(&self) {
        tick(&self.server).await;
    }

    pub(crate) async fn log(&self) -> Vec<Value> {
        let page = self.get("/v1/ipwatch/log").await.json();
        page["entries"].as_array().expect("entries").clone()
    }
}

pub(crate) async fn tick(server: &Server) {
    let mut runs = tokio::task::JoinSet::new();
    server.tick(&mut runs).await;
    runs.join_all().await;
}

pub(crate) fn store(folder: &tempfile::TempDir) -> SqlStore {
    SqlStore::open_sqlite(SqliteOptions::new(folder.path().join("ipwatch.db"))).expect("a store")
}

async fn open(store: SqlStore, machines: &Machines, settings: Settings, clock: &Arc<TestClock>) -> Server {
    let environment = Environment { clock: clock.clone() };
    IpWatchServer::in_environment(store, machines.clone(), settings, environment).await.expect("opened")
}

pub(crate) fn new_device(address: &str, groups: &[&str]) -> NewDevice {
    NewDevice {
        address: ip(address),
        name: format!("machine {address}"),
        mac: None,
        groups: groups.iter().map(|group| group.parse().expect("a name")).collect(),
        user: None,
    }
}

/// A key and what is stored of it.
pub(crate) fn minted(role: Role, name: &str, expires_at: Option<Timestamp>) -> (String, NewKey) {
    let minted = mint_key(role, name, time(START), expires_at).expect("randomness");
    (minted.secret.to_string(), minted.key)
}

pub(crate) fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Request<Full<Bytes>> {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).expect("a request")
}

pub(crate) fn online() -> News {
    News::Availability(Availability::Online)
}

pub(crate) fn offline() -> News {
    News::Availability(Availability::Offline)
}

/// The document's status, with this share of the processor.
pub(crate) fn status(device: &str, cpu: f64) -> News {
    let status = json!({
        "hostname": "server-01", "ip": device, "platform": "Linux", "platform_version": "5.15.0-91-generic",
        "uptime": 86400, "cpu_percent": cpu, "memory_percent": 62.5, "disk_percent": 78.3,
        "timestamp": "2026-01-31T12:00:00Z",
    });
    News::Status(Box::new(serde_json::from_value(status).expect("a status")))
}

/// An answer of the document's form, with a code where there is one.
pub(crate) fn says(success: bool, message: &str, code: Option<&str>) -> Answer {
    let timestamp = Some("2026-01-31T12:00:05Z".parse().expect("a time"));
    let code = code.map(|code| code.parse().expect("a code"));
    Answer::Answered(Response { id: None, success, message: message.to_owned(), timestamp, code })
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    async fn of(response: HttpResponse<ReplyBody>) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let text = String::from_utf8(body.to_vec()).expect("text");
        Self { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// Status and code: what a program goes by.
    pub(crate) fn code(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), code)
    }
}

pub(crate) fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
