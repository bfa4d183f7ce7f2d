//! One request, and what came back.

use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;

/// What is asked for; a `GET` of nothing by nobody unless told otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) key: Option<&'a str>,
    pub(crate) etag: Option<&'a str>,
    pub(crate) body: &'a str,
}

impl Default for Asked<'_> {
    fn default() -> Self {
        Self { method: "GET", path: "/", key: None, etag: None, body: "" }
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(crate) async fn ask(base: &str, asked: Asked<'_>) -> Answer {
    let address = base.strip_prefix("http://").unwrap();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut send, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut request = http::Request::builder().method(asked.method).uri(asked.path).header("host", address);
    if let Some(key) = asked.key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    if let Some(etag) = asked.etag {
        request = request.header("if-none-match", etag);
    }
    if !asked.body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    let request = request.body(Full::new(bytes::Bytes::from(asked.body.to_owned()))).unwrap();
    let (parts, body) = send.send_request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    connection.abort();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}
