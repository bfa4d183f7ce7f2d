//! What an agent's connection is carried by: plain TCP or TLS, told apart by the first byte.
//!
//! Agents in the field leave Nagle's algorithm on, and send an answer in several small frames: the second waits until the first is
//! acknowledged, and an acknowledgement waits 40 ms for company. So small reads are acknowledged at once (Linux).

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use daemon::tls::{PeerCertificate, Stream, TLS_FIRST_BYTE, first_byte};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::config::Config;
use crate::edge::Edge;
use crate::reason::Reason;

/// A read of so many bytes or more is bulk, which the kernel acknowledges by itself.
const BULK_BYTES: usize = 16 * 1024;

/// A connection of an agent.
#[derive(Debug)]
pub(crate) struct Transport(Stream<TcpStream>);

impl Transport {
    pub(crate) const fn is_tls(&self) -> bool {
        self.0.is_tls()
    }

    pub(crate) fn peer_certificate(&self) -> Option<PeerCertificate> {
        self.0.peer_certificate()
    }

    fn acknowledge(&self) {
        // It only makes things quicker; where it cannot be set they go on as before.
        #[cfg(target_os = "linux")]
        let _ = socket2::SockRef::from(self.0.get_ref()).set_tcp_quickack(true);
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let poll = Pin::new(&mut self.0).poll_read(cx, buf);
        let count = buf.filled().len().saturating_sub(before);
        if poll.is_ready() && (1..BULK_BYTES).contains(&count) {
            self.acknowledge();
        }
        poll
    }
}

impl AsyncWrite for Transport {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

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
            Ok(Some(Transport(Stream::Plain(stream))))
        };
    }
    let Some(acceptor) = edge.acceptor() else {
        tracing::debug!("TLS from an agent, but `control.tls` is not set");
        return Err(Reason::TlsFailed.into());
    };
    let left = deadline.saturating_duration_since(Instant::now());
    // Boxed: a plain agent's connection has no use for the room that this takes.
    match Box::pin(acceptor.accept(stream, left)).await {
        Ok(stream) => Ok(Some(Transport(stream))),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(Reason::HandshakeTimeout.into()),
        Err(error) => {
            tracing::debug!(%error, "TLS handshake failed");
            Err(Reason::TlsFailed.into())
        }
    }
}
