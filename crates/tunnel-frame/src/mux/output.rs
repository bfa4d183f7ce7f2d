//! What goes out, and in which order.
//!
//! Frames without payload go first: they are small, and nobody should wait behind bulk data to open or close a
//! stream. The `C` that follows data of its own stream is made only when that data is gone. Data is taken by deficit
//! round robin, 16 KiB a turn.

use super::counters::count;
use super::session::{Event, Session};
use super::stream::{Sending, Stream, StreamEnd, StreamKey};
use crate::frame::{FrameHeader, HEADER_BYTES, NEW_FRAME_BYTES, StreamId};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Instant;

/// Bytes that a stream may send before it is another's turn.
const QUANTUM_BYTES: usize = 16 * 1024;

/// Frames without payload that may wait. Beyond it nothing is read and no stream is opened, so that a peer who asks
/// for answers and does not take them costs no more than this.
const MAX_CONTROL_FRAMES: usize = 1024;

/// A frame to be written, whole and as it is: the header, then the payload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output {
    head: Head,
    payload: Bytes,
}

impl Output {
    /// The header; for `N`, the whole frame.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        self.head.as_slice()
    }

    /// The payload of a `D` frame, else nothing.
    #[must_use]
    pub const fn payload(&self) -> &Bytes {
        &self.payload
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Head {
    Plain([u8; HEADER_BYTES]),
    New([u8; NEW_FRAME_BYTES]),
}

impl Head {
    const fn as_slice(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::New(bytes) => bytes,
        }
    }
}

#[derive(Default, Debug)]
pub(super) struct Outbound {
    control: VecDeque<Head>,
    ring: VecDeque<u64>,
}

impl Outbound {
    pub(super) fn is_full(&self) -> bool {
        self.control.len() >= MAX_CONTROL_FRAMES
    }

    pub(super) fn push(&mut self, new: &[u8; NEW_FRAME_BYTES]) {
        self.control.push_back(Head::New(*new));
    }

    pub(super) fn push_close(&mut self, id: StreamId) {
        self.control.push_back(Head::Plain(FrameHeader::close(id).encode()));
    }

    /// Puts a stream that has data in line.
    pub(super) fn enlist(&mut self, serial: u64, stream: &mut Stream) {
        if !std::mem::replace(&mut stream.in_ring, true) {
            self.ring.push_back(serial);
        }
    }
}

impl Session {
    /// Whether [`Session::poll_output`] may have something.
    #[must_use]
    pub fn has_output(&self) -> bool {
        let waiting = !self.outbound.control.is_empty() || !self.outbound.ring.is_empty();
        waiting && !self.over
    }

    /// The next frame to write, or nothing to write now. What it gives must be written, in this order and whole.
    pub fn poll_output(&mut self, now: Instant) -> Option<Output> {
        if self.over {
            return None;
        }
        let output = match self.outbound.control.pop_front() {
            Some(head) => Output { head, payload: Bytes::new() },
            None => self.next_data(now)?,
        };
        self.liveness.sent(now);
        self.counters.sent_frames = self.counters.sent_frames.saturating_add(1);
        self.counters.sent_bytes = self.counters.sent_bytes.saturating_add(count(output.payload.len()));
        Some(output)
    }

    fn next_data(&mut self, now: Instant) -> Option<Output> {
        loop {
            let serial = *self.outbound.ring.front()?;
            let Some(stream) = self.streams.get_mut(&serial).filter(|stream| !stream.queued.is_empty())
            else {
                self.outbound.ring.pop_front();
                if let Some(stream) = self.streams.get_mut(&serial) {
                    stream.in_ring = false;
                    stream.deficit = 0;
                }
                continue;
            };
            if stream.deficit == 0 {
                stream.deficit = QUANTUM_BYTES;
            }
            let payload = stream.queued.take(stream.deficit.min(self.config.max_frame_bytes));
            stream.deficit = stream.deficit.saturating_sub(payload.len());
            stream.activity = now;
            let drained = stream.queued.is_empty();
            if drained || stream.deficit == 0 {
                self.outbound.ring.pop_front();
                stream.deficit = 0;
                stream.in_ring = !drained;
                if !drained {
                    self.outbound.ring.push_back(serial);
                }
            }
            let low = stream.queued.len() <= self.config.send_queue_bytes / 2;
            if low && std::mem::take(&mut stream.wants_room) {
                let stream = StreamKey { serial, id: stream.id };
                self.events.push_back(Event::Writable { stream });
            }
            // A payload is at most max_frame_bytes long, which fits.
            let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
            let head = Head::Plain(FrameHeader::data(stream.id, length).encode());
            if drained && stream.sending == Sending::Closing {
                self.conclude(serial, StreamEnd::Local, true);
            }
            return Some(Output { head, payload });
        }
    }
}
