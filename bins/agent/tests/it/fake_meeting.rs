//! A small Meeting server that does what a test says and remembers what it was asked.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(crate) const HOST_KEY: &str =
    "127.0.0.1 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOpKbhmyVaPYaEhI3kQdZQ7flySGrDZAkDaJpWgp5MSx\n";

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) asked: Vec<Asked>,
    /// The device exists.
    pub(crate) provisioned: bool,
    pub(crate) authorized: bool,
    /// Heartbeats are answered with this status instead.
    pub(crate) heartbeat_status: Option<u16>,
    pub(crate) host_keys: String,
    /// The key that the server shows.
    pub(crate) key: Option<String>,
    /// A key that is published waits instead of being taken.
    pub(crate) approve: bool,
    pub(crate) server_pubkey: String,
}

impl Default for State {
    fn default() -> Self {
        Self {
            asked: Vec::new(),
            provisioned: true,
            authorized: true,
            heartbeat_status: None,
            host_keys: HOST_KEY.to_owned(),
            key: None,
            approve: false,
            server_pubkey:
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOpKbhmyVaPYaEhI3kQdZQ7flySGrDZAkDaJpWgp5MSx server"
                    .to_owned(),
        }
    }
}

/// The server; it can be taken away and brought back on the same port.
pub(crate) struct Meeting {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: Option<tokio::task::JoinHandle<()>>,
}

impl Meeting {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let serving = Some(tokio::spawn(serve(listener, state.clone())));
        Self { address, state, serving }
    }

    /// What it knows and remembers, for a second listener.
    pub(crate) fn state(&self) -> Arc<Mutex<State>> {
        self.state.clone()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.lock().unwrap().asked.clone()
    }

    pub(crate) fn key(&self) -> Option<String> {
        self.state.lock().unwrap().key.clone()
    }

    /// Requests of this method whose path ends so.
    pub(crate) fn count(&self, method: &Method, end: &str) -> usize {
        self.asked().iter().filter(|asked| asked.method == *method && asked.path.ends_with(end)).count()
    }

    pub(crate) fn heartbeats(&self) -> usize {
        self.count(&Method::POST, "/online")
    }

    /// The last heartbeat's body.
    pub(crate) fn last_heartbeat(&self) -> serde_json::Value {
        let asked = self.asked();
        let last = asked.iter().rev().find(|asked| asked.path.ends_with("/online")).unwrap();
        serde_json::from_slice(&last.body).unwrap()
    }

    /// The machine is gone: connections end, new ones are refused.
    pub(crate) async fn go_away(&mut self) {
        let serving = self.serving.take().unwrap();
        serving.abort();
        let _ = serving.await;
    }

    pub(crate) async fn come_back(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serving = Some(tokio::spawn(serve(listener, self.state.clone())));
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let state = state.clone();
        connections.spawn(serve_connection(stream, state));
    }
}

/// Serves one connection, to its end.
pub(crate) async fn serve_connection<S>(stream: S, state: Arc<Mutex<State>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = service_fn(move |request| answer(request, state.clone()));
    // An agent that hangs up is what tests are about.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut state = state.lock().unwrap();
    let path = head.uri.to_string();
    state.asked.push(Asked {
        method: head.method.clone(),
        path: path.clone(),
        headers: head.headers,
        body: body.clone(),
    });
    let (status, text) = route(&head.method, &path, &body, &mut state);
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
    Ok(response)
}

fn route(method: &Method, path: &str, body: &[u8], state: &mut State) -> (u16, String) {
    let json = |text: &str| (200, text.to_owned());
    let segments: Vec<&str> = path.split(['/', '?']).skip(1).collect();
    match (method.as_str(), segments.as_slice()) {
        ("GET", ["api"]) => json(r#"{"status":"Meeting API ready","version":"1"}"#),
        ("GET", ["api", "ssh-hostkey"]) if state.host_keys.is_empty() => {
            (404, r#"{"error":"No host keys configured"}"#.to_owned())
        }
        ("GET", ["api", "ssh-hostkey"]) => (200, state.host_keys.clone()),
        ("GET", ["api", "ssh", "pubkey"]) => {
            (200, serde_json::json!({ "pubkey": state.server_pubkey }).to_string())
        }
        _ if !state.provisioned => (404, r#"{"error":"Device not found"}"#.to_owned()),
        ("POST", ["api", "devices", _, "online"]) => match state.heartbeat_status {
            Some(status) => (status, r#"{"error":"as the test says"}"#.to_owned()),
            None => json(r#"{"ok":true,"ip_address":"127.0.0.1","last_seen":"2026-02-02 12:34:56"}"#),
        },
        ("GET", ["api", "devices", key]) => {
            (200, serde_json::json!({ "device_key": key, "authorized": state.authorized }).to_string())
        }
        ("GET", ["api", "forcecommand", "get_device_key", _]) => match &state.key {
            Some(key) => (200, key.clone()),
            None => (404, r#"{"status":"not_found"}"#.to_owned()),
        },
        ("PUT", ["api", "devices", _, "ssh-key"]) => {
            let body: serde_json::Value = serde_json::from_slice(body).unwrap();
            if state.approve {
                return json(r#"{"success":true,"status":"pending"}"#);
            }
            state.key = Some(body["pubkey"].as_str().unwrap().to_owned());
            json(r#"{"success":true}"#)
        }
        _ => (404, r#"{"error":"Not found"}"#.to_owned()),
    }
}
