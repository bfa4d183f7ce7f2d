//! The local web service of the demo's device: what a visitor sees who comes through the tunnel.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use meeting_api::DeviceKey;
use tokio::net::{TcpListener, TcpStream};

/// Answers visitors until the task is dropped.
pub(super) async fn serve(listener: TcpListener, device: DeviceKey) {
    let visits = Arc::new(AtomicU64::new(0));
    loop {
        let (stream, _) = daemon::net::accept(&listener).await;
        let (device, visits) = (device.clone(), Arc::clone(&visits));
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let visit = visits.fetch_add(1, Ordering::Relaxed).saturating_add(1);
                let answer = answer(request.headers(), &device, visit);
                async move { Ok::<_, Infallible>(answer) }
            });
            // A visitor who goes away is no news; the proxy tells of it.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// Asks for the page as a visitor does; the body of the answer.
pub(super) async fn get(address: SocketAddr) -> io::Result<String> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let request = Request::get("/")
        .header(HOST, address.to_string())
        .body(Full::<Bytes>::default())
        .map_err(io::Error::other)?;
    let asking = async {
        let answer = sender.send_request(request).await?;
        let body = answer.into_body().collect().await?.to_bytes();
        drop(sender);
        Ok::<_, hyper::Error>(body)
    };
    // The connection ends by itself once nobody can ask any more.
    let (body, _) = tokio::join!(asking, connection);
    Ok(String::from_utf8_lossy(&body.map_err(io::Error::other)?).into_owned())
}

fn answer(headers: &HeaderMap, device: &DeviceKey, visit: u64) -> Response<Full<Bytes>> {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let host = text(HOST);
    let (kind, body) = if text(ACCEPT).contains("text/html") {
        ("text/html; charset=utf-8", page(device, host, visit))
    } else {
        ("text/plain; charset=utf-8", sentence(device, host, visit))
    };
    let mut response = Response::new(Full::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(kind));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        http::HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'"),
    );
    response
}

fn sentence(device: &DeviceKey, host: &str, visit: u64) -> String {
    format!(
        "You have reached the device {device} through its tunnel.\n\
         You asked {host}, the proxy; the device itself has no open port. Visit number {visit}.\n"
    )
}

fn page(device: &DeviceKey, host: &str, visit: u64) -> String {
    let host = escape(host);
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
         <title>Device {device}</title>\
         <style>:root{{color-scheme:light dark}}body{{font:18px/1.5 system-ui,sans-serif;max-width:34em;\
         margin:15vh auto;padding:0 1em}}code{{overflow-wrap:anywhere}}</style>\
         <h1>You have reached the device</h1>\
         <p>Its key is <code>{device}</code>.\
         <p>You asked <code>{host}</code>, which is the proxy. The device itself has no open port: this page came through \
         the tunnel that its agent keeps open.\
         <p>Visit number {visit}.</html>"
    )
}

fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, character| {
        match character {
            '<' | '>' | '&' | '"' | '\'' => _ = write!(escaped, "&#{};", u32::from(character)),
            _ => escaped.push(character),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_header_cannot_bring_markup() {
        let device: DeviceKey = "demo".parse().unwrap();
        let page = page(&device, "<script>'\"&", 1);
        assert!(page.contains("<code>&#60;script&#62;&#39;&#34;&#38;</code>"));
        assert!(!page.contains("<script>"));
    }

    #[test]
    fn curl_gets_text_and_a_browser_a_page() {
        let device: DeviceKey = "demo".parse().unwrap();
        let mut headers = HeaderMap::new();
        assert_eq!(answer(&headers, &device, 1).headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
        headers.insert(ACCEPT, "text/html,*/*".parse().unwrap());
        assert_eq!(answer(&headers, &device, 1).headers()[CONTENT_TYPE], "text/html; charset=utf-8");
    }
}
