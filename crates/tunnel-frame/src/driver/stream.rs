//! A stream of a tunnel as a byte stream.

use super::now;
use super::shared::{Shared, State};
use crate::frame::StreamId;
use crate::mux::{Read, StreamEnd, StreamKey};
use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// One stream of a tunnel.
///
/// Reading gives what the other side sent, then end of file if the stream ended cleanly and an error if it did not.
/// Writing waits while the stream's send queue is full. Shutting down is what the stream's
/// [`HalfClose`](crate::mux::HalfClose) says. Dropping it sends what is queued, then `C`.
///
/// Source: meeting §4.2.
#[derive(Debug)]
pub struct TunnelStream {
    shared: Arc<Shared>,
    key: StreamKey,
}

impl TunnelStream {
    pub(crate) const fn new(shared: Arc<Shared>, key: StreamKey) -> Self {
        Self { shared, key }
    }

    /// The stream's id on the wire.
    #[must_use]
    pub const fn id(&self) -> StreamId {
        self.key.id()
    }

    /// Why the stream gives no more bytes, once that is known; some may still be there to read.
    #[must_use]
    pub fn end(&self) -> Option<StreamEnd> {
        self.shared.lock().session.stream_end(self.key)
    }

    /// Ends the stream as an error on this side: `C` at once, nothing queued is sent, nothing more can be read.
    pub fn abort(&mut self) {
        self.with(|state, key| state.session.abort(key));
    }

    /// The next received bytes, at most `most` of them, without copying; `None` at a clean end.
    pub(super) fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<Result<Option<Bytes>, StreamEnd>> {
        let read = self.with(|state, key| {
            let read = state.session.read_chunk(key, most, now());
            if read == Read::Pending
                && let Some(waiting) = state.wakers.get_mut(&key)
            {
                waiting.read = Some(cx.waker().clone());
            }
            read
        });
        match read {
            Read::Some(bytes) => Poll::Ready(Ok(Some(bytes))),
            Read::Pending => Poll::Pending,
            Read::End(end) if end.is_clean() => Poll::Ready(Ok(None)),
            Read::End(end) => Poll::Ready(Err(end)),
        }
    }

    /// Does something with the session and wakes the driver if there is now something for it to do.
    fn with<T>(&self, act: impl FnOnce(&mut State, StreamKey) -> T) -> T {
        let mut wakers = Vec::new();
        let result = {
            let mut state = self.shared.lock();
            let read_before = state.session.wants_input();
            let sends_before = state.session.has_output();
            let result = act(&mut state, self.key);
            state.collect(&mut wakers);
            let more_to_read = !read_before && state.session.wants_input();
            let more_to_send = !sends_before && state.session.has_output();
            if more_to_read || more_to_send || state.session.is_spent() {
                wakers.extend(state.driver.take());
            }
            result
        };
        wakers.into_iter().for_each(Waker::wake);
        result
    }
}

impl AsyncRead for TunnelStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let read = self.with(|state, key| {
            let read = state.session.read(key, buf.initialize_unfilled(), now());
            if read == Read::Pending
                && let Some(waiting) = state.wakers.get_mut(&key)
            {
                waiting.read = Some(cx.waker().clone());
            }
            read
        });
        match read {
            Read::Some(n) => {
                buf.advance(n);
                Poll::Ready(Ok(()))
            }
            Read::Pending => Poll::Pending,
            Read::End(end) if end.is_clean() => Poll::Ready(Ok(())),
            Read::End(end) => Poll::Ready(Err(end.to_io_error())),
        }
    }
}

impl AsyncWrite for TunnelStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let written = self.with(|state, key| {
            let written = state.session.write(key, bytes, now());
            if written == Ok(0)
                && let Some(waiting) = state.wakers.get_mut(&key)
            {
                waiting.write = Some(cx.waker().clone());
            }
            written
        });
        match written {
            Ok(0) => Poll::Pending,
            Ok(n) => Poll::Ready(Ok(n)),
            Err(end) => Poll::Ready(Err(end.to_io_error())),
        }
    }

    /// Always done: what was written is on its way, and only the transport knows how far it came.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|state, key| state.session.finish(key, now()));
        Poll::Ready(Ok(()))
    }
}

impl Drop for TunnelStream {
    fn drop(&mut self) {
        self.with(|state, key| {
            state.session.release(key);
            state.wakers.remove(&key);
        });
    }
}
