//! The byte stream under hyper: it reads along for [`Framing`] and holds the limits of time.

use super::framing::Framing;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// What the stream and the service of one connection tell each other.
#[derive(Debug)]
pub(super) struct Shared {
    /// See [`Framing::refused_from`].
    pub(super) refused_from: AtomicU64,
    /// See [`Framing::unjudged_from`].
    pub(super) unjudged_from: AtomicU64,
    /// Requests that the service has begun.
    pub(super) begun: AtomicU64,
    /// Requests whose answer is not sent to its end.
    pub(super) in_flight: AtomicUsize,
}

impl Shared {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            refused_from: AtomicU64::new(u64::MAX),
            unjudged_from: AtomicU64::new(u64::MAX),
            begun: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
        })
    }
}

/// What a connection is waiting for, with its own limit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A request's head, or the first request.
    Head,
    /// The service: no limit of ours.
    Busy,
    /// The next request.
    Idle,
}

/// A stream with an eye on it.
#[derive(Debug)]
pub(super) struct Watched<S> {
    inner: S,
    framing: Framing,
    shared: Arc<Shared>,
    head_limit: Duration,
    idle_limit: Duration,
    phase: Phase,
    timer: Pin<Box<Sleep>>,
}

const TIMEOUT_ANSWER: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

impl<S: AsyncRead + AsyncWrite + Unpin> Watched<S> {
    pub(super) fn new(inner: S, shared: Arc<Shared>, head_limit: Duration, idle_limit: Duration) -> Self {
        let timer = Box::pin(tokio::time::sleep(head_limit));
        Self { inner, framing: Framing::new(), shared, head_limit, idle_limit, phase: Phase::Head, timer }
    }

    fn read_along(&mut self, bytes: &[u8]) {
        self.framing.read(bytes);
        self.shared.refused_from.store(self.framing.refused_from(), Ordering::Release);
        self.shared.unjudged_from.store(self.framing.unjudged_from(), Ordering::Release);
    }

    fn phase(&self) -> Phase {
        let waiting = self.framing.heads() > self.shared.begun.load(Ordering::Acquire);
        // After an upgrade the bytes are another protocol's, with its own limits.
        let left_http = self.framing.unjudged_from() != u64::MAX;
        if left_http || waiting || self.shared.in_flight.load(Ordering::Acquire) > 0 {
            Phase::Busy
        } else if self.framing.in_head() || self.framing.heads() == 0 {
            Phase::Head
        } else {
            Phase::Idle
        }
    }

    /// Ready when the limit of what the connection waits for is over.
    fn poll_limit(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let phase = self.phase();
        if phase != self.phase {
            self.phase = phase;
            let limit = if phase == Phase::Head { self.head_limit } else { self.idle_limit };
            self.timer.as_mut().reset(Instant::now() + limit);
        }
        if phase == Phase::Busy || self.timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if self.framing.in_head() {
            // A courtesy: if it does not fit into the socket's buffer now, the peer gets only the close.
            let _ = Pin::new(&mut self.inner).poll_write(cx, TIMEOUT_ANSWER);
            let _ = Pin::new(&mut self.inner).poll_flush(cx);
        }
        let what = if phase == Phase::Head { "no complete request header" } else { "no further request" };
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, format!("{what} within the time limit")))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // The limit is looked at before the bytes: one byte now and then must not put it off.
        if let Poll::Ready(error) = this.poll_limit(cx) {
            return Poll::Ready(Err(error));
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.inner).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {
                this.read_along(buf.filled().get(before..).unwrap_or_default());
                Poll::Ready(Ok(()))
            }
            other => other,
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}
