//! The service under hyper on a real socket.

use std::convert::Infallible;
use std::net::SocketAddr;

use hyper_util::rt::{TokioIo, TokioTimer};
use meeting_api::server::{MeetingServer, PeerAddress, Store};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower_service::Service;

/// Serves on a port of the system's choice until it is dropped.
pub(crate) struct Listening {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) async fn listen<S: Store>(server: MeetingServer<S>) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let task = tokio::spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            let server = server.clone();
            tokio::spawn(async move {
                let service = hyper::service::service_fn(move |mut request: hyper::Request<_>| {
                    request.extensions_mut().insert(PeerAddress(peer));
                    let mut server = server.clone();
                    async move { Ok::<_, Infallible>(server.call(request).await.unwrap_or_else(|e| match e {})) }
                });
                // A connection that a client breaks off is that client's business.
                let _ = hyper::server::conn::http1::Builder::new()
                    .timer(TokioTimer::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    Listening { address, task }
}
