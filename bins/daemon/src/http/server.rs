//! The serve loop: accept, limit, hand to hyper, and let go in order.

use super::Peer;
use super::connection::{Shared, Watched};
use super::mount::BoxError;
use super::service::Guarded;
use crate::config::{ByteSize, Period};
use crate::lifecycle::Stop;
use crate::net;
use crate::tls::{Acceptor, Stream};
use bytes::Bytes;
use http::{Extensions, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

/// Puts a caller's own value into a request's extensions, made from its [`Peer`].
pub(super) type Extend = Arc<dyn Fn(&Peer, &mut Extensions) + Send + Sync>;

/// The limits of an HTTP listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpLimits {
    /// Connections at one time; more wait in the kernel's queue. Default 4096.
    pub max_connections: u32,
    /// Size of a request's line and headers together; beyond it the answer is 431. Default 16 KiB, at least 1 KiB.
    pub max_header: ByteSize,
    /// Time for the TLS handshake, and for a request's header from its first byte; then 408. Default 10 s.
    pub header_timeout: Period,
    /// Time that a connection may wait for its next request. Default 75 s.
    pub idle_timeout: Period,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            max_connections: 4096,
            max_header: ByteSize::from_bytes(16 * 1024),
            header_timeout: Period::from_secs(10),
            idle_timeout: Period::from_secs(75),
        }
    }
}

/// How a listener encrypts.
#[derive(Clone, Debug)]
enum Encryption {
    Off,
    Required(Acceptor),
    Offered(Acceptor),
}

/// An HTTP server for one listener.
#[derive(Clone)]
pub struct Server {
    limits: HttpLimits,
    encryption: Encryption,
    extend: Option<Extend>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("limits", &self.limits)
            .field("encryption", &self.encryption)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// A plain server with these limits.
    #[must_use]
    pub const fn new(limits: HttpLimits) -> Self {
        Self { limits, encryption: Encryption::Off, extend: None }
    }

    /// Accepts TLS only.
    #[must_use]
    pub fn tls(mut self, acceptor: Acceptor) -> Self {
        self.encryption = Encryption::Required(acceptor);
        self
    }

    /// Accepts TLS and plain connections on the same port.
    #[must_use]
    pub fn tls_or_plain(mut self, acceptor: Acceptor) -> Self {
        self.encryption = Encryption::Offered(acceptor);
        self
    }

    /// Adds to each request's extensions what `extend` makes of its peer, such as a library's own peer type.
    #[must_use]
    pub fn extend(mut self, extend: impl Fn(&Peer, &mut Extensions) + Send + Sync + 'static) -> Self {
        self.extend = Some(Arc::new(extend));
        self
    }

    /// Serves until a gentle stop: then idle connections close at once, busy ones after their answer, and it returns
    /// when all are gone. Dropping the future closes all connections.
    pub async fn serve<S, B>(self, listener: TcpListener, service: S, stop: Stop)
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let places =
            Arc::new(Semaphore::new(usize::try_from(self.limits.max_connections).unwrap_or(usize::MAX)));
        let server = Arc::new(self);
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stop.gently.cancelled() => break,
                // A panic in hyper or TLS was logged by the panic hook and ended one connection only.
                Some(_) = connections.join_next() => continue,
                accepted = next(&listener, &places) => accepted,
            };
            let Some((stream, address, place)) = accepted else { break };
            let (server, service, stop) = (server.clone(), service.clone(), stop.gently.clone());
            connections.spawn(async move {
                let _place = place;
                if let Err(error) = server.connection(stream, address, service, stop).await {
                    tracing::debug!(peer = %address, %error, "connection ended");
                }
            });
        }
        // New connections are refused from here on, not left waiting.
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    async fn connection<S, B>(
        &self,
        stream: TcpStream,
        address: SocketAddr,
        service: S,
        stop: CancellationToken,
    ) -> Result<(), BoxError>
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let local = stream.local_addr()?;
        let stream = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            stream = self.encrypt(stream) => stream?,
        };
        let certificate = stream.peer_certificate().map(Arc::new);
        let peer = Peer { address, local, tls: stream.is_tls(), certificate };
        let shared = Shared::new();
        let header_timeout = self.limits.header_timeout.duration();
        let watched =
            Watched::new(stream, shared.clone(), header_timeout, self.limits.idle_timeout.duration());
        let guarded = Guarded { service, peer, shared, extend: self.extend.clone() };
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).max_header_size(self.limits.max_header.as_usize().max(1024));
        // The stream holds the limits of time; hyper's own would count idle time as header time.
        builder.header_read_timeout(None);
        let connection = builder.serve_connection(TokioIo::new(watched), guarded).with_upgrades();
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            ended = connection.as_mut() => return Ok(ended?),
            () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        Ok(connection.await?)
    }

    async fn encrypt(&self, stream: TcpStream) -> io::Result<Stream<TcpStream>> {
        let limit = self.limits.header_timeout.duration();
        match &self.encryption {
            Encryption::Off => Ok(Stream::Plain(stream)),
            Encryption::Required(acceptor) => acceptor.accept(stream, limit).await,
            Encryption::Offered(acceptor) => acceptor.accept_either(stream, limit).await,
        }
    }
}

/// The next connection, once there is a place for it. `None` never comes while the server lives.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    let (stream, address) = net::accept(listener).await;
    Some((stream, address, place))
}
