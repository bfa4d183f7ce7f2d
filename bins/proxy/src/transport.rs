//! What an agent's connection is carried by: plain TCP or TLS, told apart by the first byte.

use std::io;

use daemon::tls::{Stream, TLS_FIRST_BYTE, first_byte};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::config::Config;
use crate::edge::Edge;
use crate::reason::Reason;

/// A connection of an agent.
pub(crate) type Transport = Stream<TcpStream>;

/// A connection that is not carried any further.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) reason: Reason,
    /// Where an error line can be sent.
    pub(crate) io: Option<TcpStream>,
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self { reason, io: None }
    }
}

/// Looks at the first byte and does what it asks for; `None` when the peer left without one.
///
/// Source: meeting §4 (plain); TLS on the same port is Choice: PX-2.
pub(crate) async fn open(
    edge: &Edge,
    config: &Config,
    stream: TcpStream,
    deadline: Instant,
) -> Result<Option<Transport>, Refused> {
    if let Err(error) = tunnel_frame::server::tune(&stream) {
        tracing::debug!(%error, "a connection was gone at once");
        return Ok(None);
    }
    let first = match timeout_at(deadline, first_byte(&stream)).await {
        Ok(Ok(first)) => first,
        Ok(Err(_)) => return Ok(None),
        Err(_) => return Err(Reason::HandshakeTimeout.into()),
    };
    if first != TLS_FIRST_BYTE {
        return if config.control.require_tls {
            Err(Refused { reason: Reason::TlsRequired, io: Some(stream) })
        } else {
            Ok(Some(Stream::Plain(stream)))
        };
    }
    let Some(acceptor) = edge.acceptor() else {
        tracing::debug!("TLS from an agent, but `control.tls` is not set");
        return Err(Reason::TlsFailed.into());
    };
    let left = deadline.saturating_duration_since(Instant::now());
    match acceptor.accept(stream, left).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(Reason::HandshakeTimeout.into()),
        Err(error) => {
            tracing::debug!(%error, "TLS handshake failed");
            Err(Reason::TlsFailed.into())
        }
    }
}
