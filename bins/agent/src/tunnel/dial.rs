//! The connection to the proxy: TCP, and TLS over it when that is asked for.

use std::io;
use std::net::SocketAddr;

use daemon::tls::Stream;
use tokio::net::TcpStream;

use crate::plan::TunnelPlan;

/// A connection to the proxy on which nothing has been said yet.
pub(crate) struct Dialled {
    pub(crate) stream: Stream<TcpStream>,
    pub(crate) proxy: SocketAddr,
    pub(crate) local: SocketAddr,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DialError {
    /// No TCP connection: no name, no route, nobody listening, no answer in time.
    #[error("cannot connect to {host}:{port}: {source}")]
    Tcp { host: String, port: u16, source: io::Error },
    /// No TLS over it.
    #[error("no TLS with {host}:{port}: {source}")]
    Tls { host: String, port: u16, source: io::Error },
}

/// Connects within the plan's time, once for TCP and once for TLS. Keepalive, user timeout and no delay are set, so that a
/// peer that vanished is found within a minute (T10).
pub(crate) async fn dial(plan: &TunnelPlan) -> Result<Dialled, DialError> {
    let (host, port) = (plan.host.as_str(), plan.port);
    let tcp = |source| DialError::Tcp { host: host.to_owned(), port, source };
    let stream = daemon::net::connect(host, port, plan.timeout).await.map_err(tcp)?;
    let proxy = stream.peer_addr().map_err(tcp)?;
    let local = stream.local_addr().map_err(tcp)?;
    let stream = match &plan.tls {
        None => Stream::Plain(stream),
        Some(connector) => connector
            .connect(host, stream, plan.timeout)
            .await
            .map_err(|source| DialError::Tls { host: host.to_owned(), port, source })?,
    };
    Ok(Dialled { stream, proxy, local })
}
