//! A tunnel stream and a socket, tied together until both are done.

use super::stream::TunnelStream;
use crate::mux::StreamEnd;
use bytes::{Buf, Bytes};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bytes read from the socket at once, at first: enough for what people type and most requests.
const FIRST_BUFFER_BYTES: usize = 16 * 1024;

/// Bytes read from the socket at once when it has more than that, and written to it at once.
const BUFFER_BYTES: usize = 128 * 1024;

/// How long a socket whose stream is over may go on sending before it is closed. Closing it earlier could make its
/// peer lose the last bytes of the answer.
const DISCARD_TIME: Duration = Duration::from_secs(2);

/// A socket beside a tunnel: a visitor's at the proxy, a service's at the agent.
pub trait LocalStream: AsyncRead + AsyncWrite + Unpin + Send {
    /// Makes the coming close a reset, so that an error on one side is an error on the other too. A transport
    /// that knows no reset does nothing.
    fn reset(&mut self) {}
}

impl LocalStream for TcpStream {
    fn reset(&mut self) {
        // If it fails the peer sees an orderly end instead, which is the most that can be done.
        let _ = self.set_zero_linger();
    }
}

impl LocalStream for tokio::io::DuplexStream {}

/// What a [`relay`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RelayReport {
    /// Bytes taken from the socket into the tunnel.
    pub sent_bytes: u64,
    /// Bytes taken from the tunnel into the socket.
    pub received_bytes: u64,
    /// How it ended.
    pub end: RelayEnd,
}

/// How a [`relay`] ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum RelayEnd {
    /// The tunnel stream ended, and the socket got everything before that.
    Stream(StreamEnd),
    /// The socket failed.
    Local(io::ErrorKind),
}

/// Passes bytes both ways between a tunnel stream and a socket.
///
/// The socket's end of file shuts the stream down ([`HalfClose`](crate::mux::HalfClose)); a clean end of the stream
/// is written to the socket behind the last byte; an error on either side resets the other.
///
/// Choice: TF-8.  Choice: TF-9.
pub async fn relay<L: LocalStream>(stream: TunnelStream, local: L) -> RelayReport {
    let mut relay = Relay {
        stream,
        local,
        buffer: vec![0; FIRST_BUFFER_BYTES],
        pending: 0..0,
        local_open: true,
        chunk: Bytes::new(),
        unflushed: false,
        stream_over: false,
        sent: 0,
        received: 0,
    };
    let end = std::future::poll_fn(|cx| relay.poll(cx)).await;
    if let RelayEnd::Stream(end) = end {
        if end.is_clean() {
            // The result only says whether the socket's peer was done in time.
            let _ =
                tokio::time::timeout(DISCARD_TIME, std::future::poll_fn(|cx| relay.poll_discard(cx))).await;
        } else {
            relay.local.reset();
        }
    } else {
        relay.local.reset();
        relay.stream.abort();
    }
    RelayReport { sent_bytes: relay.sent, received_bytes: relay.received, end }
}

struct Relay<L> {
    stream: TunnelStream,
    local: L,
    buffer: Vec<u8>,
    /// What of `buffer` the stream has not taken yet.
    pending: std::ops::Range<usize>,
    local_open: bool,
    /// What the socket has not taken yet.
    chunk: Bytes,
    unflushed: bool,
    stream_over: bool,
    sent: u64,
    received: u64,
}

fn local_error(error: &io::Error) -> RelayEnd {
    RelayEnd::Local(error.kind())
}

impl<L: LocalStream> Relay<L> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<RelayEnd> {
        if let Poll::Ready(end) = self.poll_down(cx) {
            return Poll::Ready(end);
        }
        match self.poll_up(cx) {
            Poll::Ready(Err(end)) => Poll::Ready(end),
            _ => Poll::Pending,
        }
    }

    /// Tunnel to socket, until the stream has ended and the socket has everything.
    fn poll_down(&mut self, cx: &mut Context<'_>) -> Poll<RelayEnd> {
        loop {
            while !self.chunk.is_empty() {
                match Pin::new(&mut self.local).poll_write(cx, &self.chunk) {
                    Poll::Ready(Ok(0)) => return Poll::Ready(RelayEnd::Local(io::ErrorKind::WriteZero)),
                    Poll::Ready(Ok(n)) => {
                        self.chunk.advance(n);
                        self.unflushed = true;
                        self.received = self.received.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(local_error(&error)),
                    Poll::Pending => return Poll::Pending,
                }
            }
            if self.stream_over {
                return match Pin::new(&mut self.local).poll_shutdown(cx) {
                    Poll::Ready(_) => {
                        Poll::Ready(RelayEnd::Stream(self.stream.end().unwrap_or(StreamEnd::Local)))
                    }
                    Poll::Pending => Poll::Pending,
                };
            }
            match self.stream.poll_chunk(cx, BUFFER_BYTES) {
                Poll::Ready(Ok(Some(chunk))) => self.chunk = chunk,
                Poll::Ready(Ok(None)) => self.stream_over = true,
                Poll::Ready(Err(end)) => return Poll::Ready(RelayEnd::Stream(end)),
                Poll::Pending => {
                    if self.unflushed
                        && let Poll::Ready(result) = Pin::new(&mut self.local).poll_flush(cx)
                    {
                        self.unflushed = false;
                        if let Err(error) = result {
                            return Poll::Ready(local_error(&error));
                        }
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Socket to tunnel, until the socket's end of file or the stream takes no more.
    fn poll_up(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), RelayEnd>> {
        while self.local_open {
            while let Some(bytes) = self.buffer.get(self.pending.clone()).filter(|bytes| !bytes.is_empty()) {
                match Pin::new(&mut self.stream).poll_write(cx, bytes) {
                    Poll::Ready(Ok(n)) => {
                        self.pending.start = self.pending.start.saturating_add(n);
                        self.sent = self.sent.saturating_add(u64::try_from(n).unwrap_or(u64::MAX));
                    }
                    // Why the stream is over is for the other direction to find out.
                    Poll::Ready(Err(_)) => {
                        self.local_open = false;
                        return Poll::Ready(Ok(()));
                    }
                    Poll::Pending => return Poll::Pending,
                }
            }
            if self.pending.end == self.buffer.len() && self.buffer.len() < BUFFER_BYTES {
                // The last read filled it: this is bulk, and larger reads are fewer.
                self.buffer.resize(BUFFER_BYTES, 0);
            }
            let mut buf = ReadBuf::new(&mut self.buffer);
            match Pin::new(&mut self.local).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) => {
                    self.pending = 0..buf.filled().len();
                    if self.pending.is_empty() {
                        self.local_open = false;
                        // Shutting a tunnel stream down is done at once and cannot fail.
                        let _ = Pin::new(&mut self.stream).poll_shutdown(cx);
                    }
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(local_error(&error))),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Reads what nobody wants any more, until the socket's end of file.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut buf = ReadBuf::new(&mut self.buffer);
            match Pin::new(&mut self.local).poll_read(cx, &mut buf) {
                Poll::Ready(Ok(())) if !buf.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}
