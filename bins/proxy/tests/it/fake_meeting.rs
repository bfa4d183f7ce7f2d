//! A Meeting server for tests: it answers what it is told to, over real HTTP on a port of its own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use meeting_api::endpoint::availability::{Availability, AvailabilityStatus};
use meeting_api::endpoint::device::DeviceRecord;
use meeting_api::endpoint::tunnels::{Tunnel, TunnelList};
use meeting_api::{DeviceKey, Refusal, ServiceName, TokenCode, UtcTimestamp};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The proxy's own secret at this server.
pub(crate) const PROXY_SECRET: &str = "canary-proxy-secret-7d1f";

#[derive(Debug, Clone)]
pub(crate) struct FakeDevice {
    pub(crate) token: String,
    pub(crate) authorized: bool,
    pub(crate) heartbeat: bool,
}

#[derive(Debug, Default)]
struct State {
    devices: BTreeMap<String, FakeDevice>,
    tunnels: Vec<Tunnel>,
    /// Answer nothing: each connection is closed at once.
    down: bool,
    /// Tell the tokens to nobody.
    mute: bool,
    requests: BTreeMap<String, u64>,
}

/// The server; it ends when dropped.
#[derive(Debug)]
pub(crate) struct FakeMeeting {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    listings: watch::Receiver<u64>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for FakeMeeting {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeMeeting {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let (listed, listings) = watch::channel(0);
        let listed = Arc::new(listed);
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if shared.lock().unwrap().down {
                    continue;
                }
                let (shared, listed) = (Arc::clone(&shared), Arc::clone(&listed));
                let service = service_fn(move |request: Request<Incoming>| {
                    let reply = answer(&shared, &request);
                    if request.uri().path() == "/api/tunnels" {
                        listed.send_modify(|count| *count += 1);
                    }
                    async move { reply.ok_or_else(|| std::io::Error::other("down")) }
                });
                let http = hyper::server::conn::http1::Builder::new();
                tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, state, listings, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A device that is authorised and reports.
    pub(crate) fn device(&self, key: &str, token: &str) {
        let device = FakeDevice { token: token.into(), authorized: true, heartbeat: true };
        self.state.lock().unwrap().devices.insert(key.into(), device);
    }

    pub(crate) fn change(&self, key: &str, change: impl FnOnce(&mut FakeDevice)) {
        change(self.state.lock().unwrap().devices.get_mut(key).unwrap());
    }

    pub(crate) fn delete(&self, key: &str) {
        let mut state = self.state.lock().unwrap();
        state.devices.remove(key);
        state.tunnels.retain(|tunnel| tunnel.device_key.as_str() != key);
    }

    pub(crate) fn tunnel(&self, key: &str, port: u16, local_port: u16, expires_at: Option<i64>) {
        self.state.lock().unwrap().tunnels.push(Tunnel {
            device_key: DeviceKey::new(key).unwrap(),
            service: ServiceName::SSH,
            port,
            local_port,
            expires_at: expires_at.map(|at| UtcTimestamp::from_unix(at).unwrap()),
        });
    }

    pub(crate) fn withdraw(&self, port: u16) {
        self.state.lock().unwrap().tunnels.retain(|tunnel| tunnel.port != port);
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.state.lock().unwrap().down = down;
    }

    pub(crate) fn set_mute(&self, mute: bool) {
        self.state.lock().unwrap().mute = mute;
    }

    pub(crate) fn requests(&self, path: &str) -> u64 {
        self.state.lock().unwrap().requests.get(path).copied().unwrap_or(0)
    }

    /// Waits until the tunnels have been listed twice more: whatever was changed before has been seen by then.
    pub(crate) async fn listed_again(&self) {
        let mut listings = self.listings.clone();
        let target = *listings.borrow_and_update() + 2;
        listings.wait_for(|count| *count >= target).await.unwrap();
    }
}

fn answer(state: &Mutex<State>, request: &Request<Incoming>) -> Option<Response<Full<Bytes>>> {
    let mut state = state.lock().unwrap();
    if state.down {
        return None;
    }
    let path = request.uri().path().to_owned();
    *state.requests.entry(path.clone()).or_default() += 1;
    let bearer = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let trusted = match bearer {
        None => false,
        Some(text) if text == format!("Bearer {PROXY_SECRET}") => !state.mute,
        Some(_) => return Some(refuse(401, "Unauthorized")),
    };
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let body = match segments.as_slice() {
        ["api"] => br#"{"status":"Meeting API ready","version":"3.3.1"}"#.to_vec(),
        ["api", "tunnels"] => {
            let authorized = |tunnel: &&Tunnel| {
                state.devices.get(tunnel.device_key.as_str()).is_some_and(|device| device.authorized)
            };
            TunnelList::new(state.tunnels.iter().filter(authorized).cloned().collect()).encode()
        }
        ["api", "devices", key] => match state.devices.get(*key) {
            Some(device) => record(key, device, trusted).encode(),
            None => return Some(refuse(404, Refusal::DEVICE_NOT_FOUND)),
        },
        ["api", "devices", key, "availability"] => match state.devices.get(*key) {
            Some(device) => availability(device).encode(),
            None => return Some(refuse(404, Refusal::DEVICE_NOT_FOUND)),
        },
        _ => return Some(refuse(404, "Not found")),
    };
    Some(Response::new(Full::new(Bytes::from(body))))
}

fn record(key: &str, device: &FakeDevice, trusted: bool) -> DeviceRecord {
    let mut record = DeviceRecord::new(DeviceKey::new(key).unwrap());
    record.authorized = device.authorized;
    record.token_code = trusted.then(|| TokenCode::new(&*device.token).unwrap());
    record
}

fn availability(device: &FakeDevice) -> Availability {
    let status =
        if device.heartbeat { AvailabilityStatus::Available } else { AvailabilityStatus::Disconnected };
    Availability { status, last_heartbeat: None, since: None, uptime: None }
}

fn refuse(status: u16, words: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(Refusal::new(status, words).encode())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}
