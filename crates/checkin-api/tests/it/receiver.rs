//! A receiver on loopback that answers by a script and remembers what it was asked.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use checkin_api::{CheckIn, PacketHash, Timestamp};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Instant,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn hash(&self) -> String {
        CheckIn::decode(&self.body).unwrap().packet_hash.to_string()
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Reply {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    },
    /// The request is read, and the connection closed without an answer.
    HangUp,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::Reply { status, headers: Vec::new(), body: body.into() }
    }

    pub(crate) fn header(self, name: &'static str, value: impl Into<String>) -> Self {
        match self {
            Self::Reply { status, mut headers, body } => {
                headers.push((name, value.into()));
                Self::Reply { status, headers, body }
            }
            Self::HangUp => Self::HangUp,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    script: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Asked>>,
    news: Notify,
    /// A request is answered once it has a permit.
    gate: Semaphore,
}

impl Receiver {
    /// The answers in their order, the last one again and again.
    pub(crate) async fn start(script: impl IntoIterator<Item = Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            script: Mutex::new(script.into_iter().collect()),
            asked: Mutex::default(),
            news: Notify::new(),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        });
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, state, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/checkins", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().unwrap().clone()
    }

    /// The hashes that arrived, in their order.
    pub(crate) fn hashes(&self) -> Vec<String> {
        self.asked().iter().map(Asked::hash).collect()
    }

    /// Waits until it was asked so many times.
    pub(crate) async fn until_asked(&self, times: usize) {
        loop {
            let news = self.state.news.notified();
            if self.state.asked.lock().unwrap().len() >= times {
                return;
            }
            news.await;
        }
    }

    /// From now on nothing is answered until [`open`](Self::open).
    pub(crate) fn close(&self) {
        self.state.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn open(&self) {
        self.state.gate.add_permits(1_000_000);
    }

    pub(crate) fn then(&self, answer: Answer) {
        *self.state.script.lock().unwrap() = VecDeque::from([answer]);
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, state: Arc<State>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let state = Arc::clone(&state);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes().to_vec();
            let answer = {
                let mut script = state.script.lock().unwrap();
                let next = if script.len() > 1 { script.pop_front() } else { script.front().cloned() };
                state.asked.lock().unwrap().push(Asked {
                    line: format!("{} {}", head.method, head.uri),
                    headers: head.headers,
                    body,
                    at: Instant::now(),
                });
                next.unwrap()
            };
            state.news.notify_waiters();
            state.gate.acquire().await.unwrap().forget();
            let Answer::Reply { status, headers, body } = answer else {
                return Err(std::io::Error::other("hung up"));
            };
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            Ok(response.body(Full::new(Bytes::from(body))).unwrap())
        }
    });
    // A client that goes away, or is hung up on, is no failure of the test.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// The check-in of the document's example with another hash.
pub(crate) fn check_in(hash: &str) -> CheckIn {
    CheckIn {
        packet_hash: PacketHash::new(hash).unwrap(),
        username: "HOWL".into(),
        message: "check in".into(),
        channel: "#meshmonday".into(),
        timestamp: Timestamp::new("2025-03-03T14:30:00-07:00"),
        source_bot: Some("meshcore-bot".into()),
    }
}
