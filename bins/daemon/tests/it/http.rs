//! The serve loop: requests, mounts, panics, stopping.

use crate::world::{LONG, exchange, plain, read_to_end, read_until, serve, serve_with};
use bytes::Bytes;
use daemon::http::{HttpLimits, Mount, Peer, Server, full, text};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};

#[derive(Clone)]
struct Named(&'static str);

impl tower_service::Service<Request<Incoming>> for Named {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let port = request.extensions().get::<u16>().copied().unwrap_or_default();
        let text = format!("{} {} {}", self.0, request.uri().path(), port > 0);
        std::future::ready(Ok(Response::new(Full::new(Bytes::from(text)))))
    }
}

/// Says when a request has come, and answers when it is let go.
#[derive(Clone)]
struct Gate {
    entered: Arc<Notify>,
    open: Arc<Semaphore>,
}

impl tower_service::Service<Request<Incoming>> for Gate {
    type Response = Response<daemon::http::BoxBody>;
    type Error = Infallible;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Incoming>) -> Self::Future {
        let gate = self.clone();
        Box::pin(async move {
            gate.entered.notify_one();
            gate.open.acquire().await.unwrap().forget();
            Ok(Response::new(full("late answer")))
        })
    }
}

fn gate() -> Gate {
    Gate { entered: Arc::new(Notify::new()), open: Arc::new(Semaphore::new(0)) }
}

#[tokio::test]
async fn requests_share_a_connection() {
    let server = plain().await;
    let twice = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi\
        POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n2\r\nyo\r\n0\r\n\r\n";
    let answer = exchange(server.address, twice).await;
    assert!(answer.contains("/a hi tls=false"), "{answer}");
    assert!(answer.contains("/b yo tls=false"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 2, "{answer}");
}

#[tokio::test]
async fn paths_select_services_on_segment_borders() {
    let mount = Mount::new()
        .at("/api", Named("api"))
        .at("/api/devices", Named("devices"))
        .at("/metrics", Named("admin"));
    let server = Server::new(HttpLimits::default()).extend(|peer: &Peer, extensions| {
        extensions.insert(peer.address.port());
    });
    let server = serve_with(server, mount).await;
    let table = [
        ("/api", "api /api true"),
        ("/api/x?q", "api /api/x true"),
        ("/api/devices/1", "devices /api/devices/1 true"),
        ("/api/devicesx", "api /api/devicesx true"),
        ("/metrics", "admin /metrics true"),
        ("/apis", "not found"),
        ("/", "not found"),
    ];
    for (path, expected) in table {
        let answer = exchange(
            server.address,
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes(),
        )
        .await;
        assert!(answer.trim_end().ends_with(expected), "{path}: {answer}");
    }
}

#[tokio::test]
async fn the_root_takes_what_no_other_service_matches() {
    let server = serve_with(
        Server::new(HttpLimits::default()),
        Mount::new().at("/api", Named("api")).at("/", Named("rest")),
    )
    .await;
    let answer =
        exchange(server.address, b"GET /elsewhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.ends_with("rest /elsewhere false"), "{answer}");
}

#[tokio::test]
async fn a_panic_costs_one_request_only() {
    let server = plain().await;
    let mut bystander = TcpStream::connect(server.address).await.unwrap();
    bystander.write_all(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    read_until(&mut bystander, "names=").await;
    let broken = exchange(server.address, b"GET /panic HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(broken.starts_with("HTTP/1.1 500 "), "{broken}");
    assert!(broken.ends_with("internal error\n"), "{broken}");
    bystander.write_all(b"GET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(read_to_end(&mut bystander).await.contains("/2 "));
}

#[tokio::test]
async fn a_failing_service_is_500() {
    #[derive(Clone)]
    struct Failing;
    impl tower_service::Service<Request<Incoming>> for Failing {
        type Response = Response<Full<Bytes>>;
        type Error = std::io::Error;
        type Future = std::future::Ready<Result<Self::Response, std::io::Error>>;
        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), std::io::Error>> {
            std::task::Poll::Ready(Ok(()))
        }
        fn call(&mut self, _: Request<Incoming>) -> Self::Future {
            std::future::ready(Err(std::io::Error::other("disk")))
        }
    }
    let server = serve_with(Server::new(HttpLimits::default()), Failing).await;
    let answer = exchange(server.address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(!answer.contains("disk"), "{answer}");
}

#[tokio::test]
async fn a_gentle_stop_answers_what_is_under_way_and_closes_what_is_idle() {
    let gate = gate();
    let server = serve_with(Server::new(HttpLimits::default()), gate.clone()).await;
    let mut idle = TcpStream::connect(server.address).await.unwrap();
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    gate.entered.notified().await;
    server.stop.gently.cancel();
    assert_eq!(read_to_end(&mut idle).await, "");
    // The listener is closed: nobody queues up behind a server that leaves.
    let refused = loop {
        match TcpStream::connect(server.address).await {
            Err(error) => break error,
            Ok(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert!(!server.task.is_finished());
    gate.open.add_permits(1);
    let answer = read_to_end(&mut busy).await;
    assert!(answer.ends_with("late answer"), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    tokio::time::timeout(LONG, server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn dropping_the_server_closes_everything() {
    let gate = gate();
    let server = serve_with(Server::new(HttpLimits::default()), gate.clone()).await;
    let mut busy = TcpStream::connect(server.address).await.unwrap();
    busy.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    gate.entered.notified().await;
    server.task.abort();
    assert_eq!(read_to_end(&mut busy).await, "");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let gate = gate();
    let limits = HttpLimits { max_connections: 1, ..HttpLimits::default() };
    let server = serve_with(Server::new(limits), gate.clone()).await;
    let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let mut first = TcpStream::connect(server.address).await.unwrap();
    first.write_all(request).await.unwrap();
    gate.entered.notified().await;
    let mut second = TcpStream::connect(server.address).await.unwrap();
    second.write_all(request).await.unwrap();
    let waiting = tokio::time::timeout(std::time::Duration::from_millis(50), gate.entered.notified()).await;
    assert!(waiting.is_err(), "the second request was served beside the first");
    gate.open.add_permits(2);
    assert!(read_to_end(&mut first).await.ends_with("late answer"));
    assert!(read_to_end(&mut second).await.ends_with("late answer"));
}

#[tokio::test]
async fn an_upgraded_stream_is_handed_over() {
    #[derive(Clone)]
    struct Upgrading;
    impl tower_service::Service<Request<Incoming>> for Upgrading {
        type Response = Response<daemon::http::BoxBody>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Self::Response, Infallible>>;
        fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Infallible>> {
            std::task::Poll::Ready(Ok(()))
        }
        fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
            if request.uri().path() != "/up" {
                return std::future::ready(Ok(text(StatusCode::OK, "no upgrade here")));
            }
            let upgrade = hyper::upgrade::on(&mut request);
            tokio::spawn(async move {
                let mut io = hyper_util::rt::TokioIo::new(upgrade.await.unwrap());
                io.write_all(b"raw bytes").await.unwrap();
                io.shutdown().await.unwrap();
            });
            let mut response = text(StatusCode::SWITCHING_PROTOCOLS, "");
            response.headers_mut().insert("upgrade", "raw".parse().unwrap());
            response.headers_mut().insert("connection", "upgrade".parse().unwrap());
            std::future::ready(Ok(response))
        }
    }
    let server = serve_with(Server::new(HttpLimits::default()), Upgrading).await;
    let request =
        |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: raw\r\nConnection: upgrade\r\n\r\n");
    let answer = exchange(server.address, request("/up").as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("raw bytes"), "{answer}");
    let refused = exchange(server.address, request("/no").as_bytes()).await;
    assert!(refused.contains("connection: close") && refused.ends_with("no upgrade here"), "{refused}");
}

#[tokio::test]
async fn a_server_with_the_echo_names_its_peer() {
    let server = serve(Server::new(HttpLimits::default())).await;
    let answer = exchange(server.address, b"GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.ends_with("/who  tls=false names="), "{answer}");
}
