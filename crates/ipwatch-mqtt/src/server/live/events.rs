//! The events, as they go out (`text/event-stream`): the last ones are kept, and each follower reads them at its own pace.
//!
//! A follower that names the last event it saw is given those after it. One that names none, or is too far behind, is first shown all
//! machines. So a slow follower costs its place in the row and nothing else. Choice: IM-91.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http_body::{Body, Frame};
use serde::Serialize;
use tokio::sync::futures::OwnedNotified;
use tokio::time::{Instant, Sleep};

use super::Live;

/// Events that are kept, and how large they may be together.
const MAX_EVENTS: usize = 4096;
const MAX_BYTES: usize = 2 * 1024 * 1024;
/// Events that go out in one piece.
const MAX_PIECE_BYTES: usize = 64 * 1024;

/// Up to where a follower has seen the events; nothing when it is to be shown all machines.
pub(in crate::server) type Position = Option<u64>;

/// The last events.
#[derive(Debug)]
pub(super) struct Ring {
    /// Distinguishes this run of the server from others, whose events have the same numbers.
    boot: String,
    events: VecDeque<Bytes>,
    bytes: usize,
    /// The number of the newest event; those that are kept have the numbers up to it.
    newest: u64,
}

impl Ring {
    pub(super) const fn new(boot: String) -> Self {
        Self { boot, events: VecDeque::new(), bytes: 0, newest: 0 }
    }

    pub(super) fn push(&mut self, event: &'static str, value: &impl Serialize) {
        self.newest += 1;
        let frame = self.frame(event, value);
        self.bytes += frame.len();
        self.events.push_back(frame);
        while self.events.len() > MAX_EVENTS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.len();
        }
    }

    /// JSON has no line breaks, so that an event is one line of data.
    fn frame(&self, event: &str, value: &impl Serialize) -> Bytes {
        let data = serde_json::to_vec(value).unwrap_or_default();
        let mut frame = BytesMut::with_capacity(data.len() + 64);
        frame.put_slice(format!("id: {}-{}\nevent: {event}\ndata: ", self.boot, self.newest).as_bytes());
        frame.put_slice(&data);
        frame.put_slice(b"\n\n");
        frame.freeze()
    }

    /// What a follower that has seen the events up to this one is to be given next, and up to where it has seen them then; `None` when that
    /// is lost.
    fn after(&self, seen: u64) -> Option<(Bytes, u64)> {
        let kept = self.events.len() as u64;
        let oldest = self.newest - kept + 1;
        if seen > self.newest || seen + 1 < oldest {
            return None;
        }
        let skipped = usize::try_from(seen + 1 - oldest).unwrap_or(usize::MAX);
        let mut piece = BytesMut::new();
        let mut upto = seen;
        for event in self.events.iter().skip(skipped) {
            if !piece.is_empty() && piece.len() + event.len() > MAX_PIECE_BYTES {
                break;
            }
            piece.put_slice(event);
            upto += 1;
        }
        Some((piece.freeze(), upto))
    }

    /// Reads the header `Last-Event-ID`: an event of this run.
    fn position(&self, id: &str) -> Position {
        let (boot, number) = id.split_once('-')?;
        let number = number.parse().ok()?;
        (boot == self.boot && number <= self.newest).then_some(number)
    }
}

impl Live {
    pub(in crate::server) fn position(&self, last_event_id: &str) -> Position {
        self.state().ring.position(last_event_id)
    }

    /// What comes after this position, and the position after that; an empty piece when there is nothing yet.
    fn next(&self, position: Position) -> (Bytes, u64) {
        let state = self.state();
        let after = position.and_then(|seen| state.ring.after(seen));
        after.unwrap_or_else(|| (state.ring.frame("snapshot", &state.list()), state.ring.newest))
    }
}

/// A stream of events to one follower.
pub(in crate::server) struct Follower<G> {
    live: Arc<Live>,
    position: Position,
    /// Made before the events are looked at, so that none is missed between.
    changed: Pin<Box<OwnedNotified>>,
    heartbeat: Duration,
    silent: Pin<Box<Sleep>>,
    ends: Instant,
    /// Its place among the followers, given back when it is dropped.
    _place: G,
}

impl<G> Follower<G> {
    pub(in crate::server) fn new(
        live: Arc<Live>,
        position: Position,
        heartbeat: Duration,
        lasts: Duration,
        place: G,
    ) -> Self {
        let changed = Box::pin(Arc::clone(&live.changed).notified_owned());
        let silent = Box::pin(tokio::time::sleep(heartbeat));
        Self { live, position, changed, heartbeat, silent, ends: Instant::now() + lasts, _place: place }
    }
}

impl<G: Unpin> Body for Follower<G> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        loop {
            let now = Instant::now();
            if now >= this.ends {
                return Poll::Ready(None);
            }
            let (piece, position) = this.live.next(this.position);
            this.position = Some(position);
            if !piece.is_empty() {
                this.silent.as_mut().reset(now + this.heartbeat);
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if this.changed.as_mut().poll(context).is_ready() {
                this.changed = Box::pin(Arc::clone(&this.live.changed).notified_owned());
                continue;
            }
            if this.silent.as_mut().poll(context).is_ready() {
                this.silent.as_mut().reset(now + this.heartbeat);
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b": still here\n\n")))));
            }
            return Poll::Pending;
        }
    }
}
