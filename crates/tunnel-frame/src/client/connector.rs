//! What an agent connects to.

use crate::driver::{LocalStream, RelayReport};
use std::future::Future;
use std::io;
use std::net::Ipv4Addr;
use tokio::net::TcpStream;

/// What happened to one stream at the agent, for logs and metrics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LocalEvent {
    /// The port is not among [`AllowedPorts`](super::AllowedPorts); nothing was connected.
    NotAllowed {
        /// The port that the proxy asked for.
        port: u16,
    },
    /// Nobody answered on the port.
    ConnectFailed {
        /// The port.
        port: u16,
        /// Why; [`io::ErrorKind::TimedOut`] if it took too long.
        kind: io::ErrorKind,
    },
    /// A local connection is there and bytes flow.
    Connected {
        /// The port.
        port: u16,
    },
    /// A local connection is over.
    Ended {
        /// The port.
        port: u16,
        /// What passed through it.
        report: RelayReport,
    },
}

/// Opens the local end of a stream. It is asked only for ports that are allowed.
///
/// Source: meeting §4.2.
pub trait Connector: Send + Sync + 'static {
    /// The local connection.
    type Stream: LocalStream + 'static;

    /// Connects to this port of 127.0.0.1. It runs in a task of its own and may take up to
    /// [`AgentConfig::with_connect_timeout`](super::AgentConfig::with_connect_timeout).
    ///
    /// # Errors
    /// Any; the stream is then closed.
    fn connect(&self, port: u16) -> impl Future<Output = io::Result<Self::Stream>> + Send;

    /// Is told what happens to streams. Does nothing unless it is overridden.
    fn observe(&self, event: LocalEvent) {
        let _ = event;
    }
}

/// Connects to 127.0.0.1 and nowhere else, as the document says, without Nagle delay.
///
/// Source: meeting §4.2.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Loopback;

impl Connector for Loopback {
    type Stream = TcpStream;

    async fn connect(&self, port: u16) -> io::Result<TcpStream> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}
