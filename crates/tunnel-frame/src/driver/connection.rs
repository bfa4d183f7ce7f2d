//! The driver: one task that reads the transport, feeds the session and writes what it has to send.

use super::inbox::Inbox;
use super::now;
use super::shared::{SessionEnd, Shared};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::Sleep;

/// Bytes gathered for one write; a frame that has begun is always gathered whole. More would go faster where the transport is
/// fast, and let a keystroke wait longer where it is slow.
const OUTBOX_BYTES: usize = 64 * 1024;

/// Rounds of reading and writing before other tasks get their turn.
const ROUNDS: usize = 16;

/// How long the transport may take to close in good order.
const CLOSE_GRACE: Duration = Duration::from_secs(1);

/// Looks at the first bytes of a connection before they count as frames: how many to pass over, or `None` for more.
pub(crate) type Gate = Box<dyn FnMut(&[u8]) -> Result<Option<usize>, SessionEnd> + Send>;

pub(crate) struct Connection<S> {
    io: S,
    shared: Arc<Shared>,
    gate: Option<Gate>,
    inbox: Inbox,
    outbox: Vec<u8>,
    written: usize,
    unflushed: bool,
    write_stall: Duration,
    write_progress: Instant,
    timer: Pin<Box<Sleep>>,
    wakers: Vec<Waker>,
}

impl<S> std::fmt::Debug for Connection<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// A driver for `io`, of which the bytes `early` have already been read.
    pub(crate) fn new(
        io: S,
        shared: Arc<Shared>,
        early: &[u8],
        gate: Option<Gate>,
        write_stall: Duration,
    ) -> Self {
        Self {
            io,
            shared,
            gate,
            inbox: Inbox::holding(early),
            outbox: Vec::with_capacity(OUTBOX_BYTES),
            written: 0,
            unflushed: false,
            write_stall,
            write_progress: now(),
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            wakers: Vec::new(),
        }
    }

    /// Sends these bytes before the first frame.
    #[cfg(feature = "server")]
    pub(crate) fn with_greeting(mut self, greeting: &[u8]) -> Self {
        self.outbox.extend_from_slice(greeting);
        self
    }

    /// Drives the connection to its end, then closes the transport.
    #[cfg(feature = "server")]
    pub(crate) async fn run(mut self) -> SessionEnd {
        let end = std::future::poll_fn(|cx| self.poll(cx)).await;
        self.close().await;
        end
    }

    /// Closes the transport in good order, if that does not take long.
    pub(crate) async fn close(&mut self) {
        // A transport that cannot even be closed is as dead as one that can.
        let _ = tokio::time::timeout(CLOSE_GRACE, self.io.shutdown()).await;
    }

    /// Drives the connection as far as it goes now; ready when it is over.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<SessionEnd> {
        self.shared.lock().driver = Some(cx.waker().clone());
        for _ in 0..ROUNDS {
            if let Some(end) = self.shared.end() {
                return Poll::Ready(end);
            }
            match self.round(cx) {
                Ok(true) => {}
                Ok(false) => match self.poll_timer(cx) {
                    // Nothing came for a while.
                    Poll::Ready(()) => self.inbox.shrink(),
                    Poll::Pending => return Poll::Pending,
                },
                Err(end) => {
                    self.shared.finish(end.clone());
                    return Poll::Ready(self.shared.end().unwrap_or(end));
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// One turn of reading, timing and writing; whether anything moved.
    fn round(&mut self, cx: &mut Context<'_>) -> Result<bool, SessionEnd> {
        let read = self.poll_read(cx)?;
        let handled = self.handle()?;
        let wrote = self.poll_write(cx)?;
        Ok(read || handled || wrote)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Result<bool, SessionEnd> {
        let room = self.inbox.room();
        if room.is_empty() || !self.shared.lock().session.wants_input() {
            return Ok(false);
        }
        let mut buf = ReadBuf::new(room);
        match Pin::new(&mut self.io).poll_read(cx, &mut buf) {
            Poll::Ready(Ok(())) if buf.filled().is_empty() => Err(self.end_of_file()),
            Poll::Ready(Ok(())) => {
                let count = buf.filled().len();
                self.inbox.fill(count);
                Ok(true)
            }
            Poll::Ready(Err(error)) => Err(SessionEnd::Io(Arc::new(error))),
            Poll::Pending => Ok(false),
        }
    }

    fn end_of_file(&self) -> SessionEnd {
        let whole = self.inbox.is_empty() && self.shared.lock().session.is_at_boundary();
        if whole { SessionEnd::Peer } else { SessionEnd::Truncated }
    }

    /// Passes what was read to the session and tells it the time.
    fn handle(&mut self) -> Result<bool, SessionEnd> {
        let passed = match self.gate.as_mut() {
            Some(_) if self.inbox.is_empty() => None,
            Some(gate) => gate(self.inbox.filled())?,
            None => Some(0),
        };
        let frames = match passed {
            Some(n) => {
                self.gate = None;
                n..self.inbox.len()
            }
            None => 0..0,
        };
        let now = now();
        let bytes = self.inbox.get(frames);
        let (handled, timed, spent) = {
            let mut state = self.shared.lock();
            let handled = state.session.handle(bytes, now);
            let timed = match state.session.poll_timeout() {
                Some(deadline) if deadline <= now => state.session.handle_timeout(now),
                _ => Ok(()),
            };
            state.collect(&mut self.wakers);
            (handled, timed, state.session.is_spent() && !state.session.has_output())
        };
        self.wakers.drain(..).for_each(Waker::wake);
        let handled = handled.map_err(SessionEnd::Protocol)?;
        timed.map_err(SessionEnd::Protocol)?;
        let used = passed.unwrap_or(0).saturating_add(handled);
        if used > 0 {
            self.inbox.consume(used);
        }
        if spent && self.written == self.outbox.len() {
            return Err(SessionEnd::IdsExhausted);
        }
        Ok(used > 0)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<bool, SessionEnd> {
        if self.written == self.outbox.len() {
            self.gather();
        }
        let mut moved = false;
        while let Some(rest) = self.outbox.get(self.written..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.io).poll_write(cx, rest) {
                Poll::Ready(Ok(0)) => {
                    return Err(SessionEnd::Io(Arc::new(std::io::ErrorKind::WriteZero.into())));
                }
                Poll::Ready(Ok(n)) => {
                    self.written = self.written.saturating_add(n);
                    self.write_progress = now();
                    self.unflushed = true;
                    moved = true;
                }
                Poll::Ready(Err(error)) => return Err(SessionEnd::Io(Arc::new(error))),
                Poll::Pending => return self.check_stall().map(|()| moved),
            }
        }
        if self.unflushed {
            match Pin::new(&mut self.io).poll_flush(cx) {
                Poll::Ready(Ok(())) => self.unflushed = false,
                Poll::Ready(Err(error)) => return Err(SessionEnd::Io(Arc::new(error))),
                Poll::Pending => return self.check_stall().map(|()| moved),
            }
        }
        Ok(moved)
    }

    /// Fills the outbox with whole frames.
    fn gather(&mut self) {
        self.outbox.clear();
        self.written = 0;
        let now = now();
        {
            let mut state = self.shared.lock();
            while self.outbox.len() < OUTBOX_BYTES {
                let Some(output) = state.session.poll_output(now) else { break };
                self.outbox.extend_from_slice(output.head());
                self.outbox.extend_from_slice(output.payload());
            }
            state.collect(&mut self.wakers);
        }
        if !self.outbox.is_empty() && !self.unflushed {
            // Only a transport that has something to take can stall.
            self.write_progress = now;
        }
        self.wakers.drain(..).for_each(Waker::wake);
    }

    fn check_stall(&self) -> Result<(), SessionEnd> {
        let stalled = now().saturating_duration_since(self.write_progress);
        if stalled >= self.write_stall { Err(SessionEnd::Stalled(stalled)) } else { Ok(()) }
    }

    /// Waits for whatever is due next; ready if it is due now.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let writing = self.unflushed || self.written < self.outbox.len();
        let stall = self.write_progress.checked_add(self.write_stall).filter(|_| writing);
        let session = self.shared.lock().session.poll_timeout();
        let Some(deadline) = session.into_iter().chain(stall).min() else { return Poll::Pending };
        let deadline = tokio::time::Instant::from_std(deadline);
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        self.timer.as_mut().poll(cx)
    }
}

impl<S> Drop for Connection<S> {
    fn drop(&mut self) {
        self.shared.finish(SessionEnd::ShutDown);
    }
}
