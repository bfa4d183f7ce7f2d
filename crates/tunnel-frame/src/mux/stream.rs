//! One stream of a session.

use super::byte_queue::ByteQueue;
use super::config::HalfClose;
use crate::frame::StreamId;
use std::io;
use std::time::Instant;

/// By what the owner of a [`Session`](super::Session) names a stream: an id may return to the wire, a key never
/// returns within a session.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StreamKey {
    pub(super) serial: u64,
    pub(super) id: StreamId,
}

impl StreamKey {
    /// The stream's id on the wire.
    #[must_use]
    pub const fn id(self) -> StreamId {
        self.id
    }
}

/// Why a stream gives no more bytes.
///
/// Choice: TF-9.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum StreamEnd {
    /// The peer sent `C`: an orderly end.
    Peer,
    /// The peer sent `C` at once and no data before it: nobody serves that port, or it is not allowed.
    Refused,
    /// This side sent `C`.
    Local,
    /// The stream held too much for too long while the session's budget was used up.
    Overrun,
    /// The peer opened the id a second time while it was in use.
    Duplicate,
    /// The connection is over.
    Session,
}

impl StreamEnd {
    /// Whether the bytes before it are all that the peer had to say, so that the local side deserves a clean end.
    #[must_use]
    pub const fn is_clean(self) -> bool {
        matches!(self, Self::Peer | Self::Local)
    }

    /// The end as an IO error of the kind that a socket would give.
    #[must_use]
    pub fn to_io_error(self) -> io::Error {
        let (kind, words) = match self {
            Self::Peer => (io::ErrorKind::BrokenPipe, "the tunnel stream was closed by the other side"),
            Self::Local => (io::ErrorKind::BrokenPipe, "the tunnel stream was closed on this side"),
            Self::Refused => (io::ErrorKind::ConnectionRefused, "the device refused the tunnel stream"),
            Self::Overrun => (io::ErrorKind::ConnectionAborted, "the tunnel stream was read too slowly"),
            Self::Duplicate => (io::ErrorKind::ConnectionReset, "the tunnel stream's id was used twice"),
            Self::Session => (io::ErrorKind::ConnectionReset, "the tunnel is gone"),
        };
        io::Error::new(kind, words)
    }
}

/// What reading from a stream gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Read<T> {
    /// Bytes.
    Some(T),
    /// Nothing now; [`Event::Readable`](super::Event::Readable) tells when.
    Pending,
    /// Nothing ever again.
    End(StreamEnd),
}

/// How far the way out is closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sending {
    /// The local side may write.
    Open,
    /// The local side has finished; `C` waits for the stream to fall idle.
    Lingering,
    /// `C` follows the last queued byte.
    Closing,
    /// `C` was sent or received.
    Done,
}

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) id: StreamId,
    pub(super) half_close: HalfClose,
    pub(super) received: ByteQueue,
    pub(super) end: Option<StreamEnd>,
    pub(super) got_data: bool,
    pub(super) queued: ByteQueue,
    pub(super) sending: Sending,
    /// Whether the owner still holds the key.
    pub(super) held: bool,
    /// Whether the owner was told that the send queue is full.
    pub(super) wants_room: bool,
    pub(super) in_ring: bool,
    pub(super) deficit: usize,
    pub(super) opened: Instant,
    /// When the local side last took received bytes, or had none to take.
    pub(super) progress: Instant,
    /// When a byte last moved in any direction.
    pub(super) activity: Instant,
}

impl Stream {
    pub(super) fn new(id: StreamId, half_close: HalfClose, now: Instant) -> Self {
        Self {
            id,
            half_close,
            received: ByteQueue::default(),
            end: None,
            got_data: false,
            queued: ByteQueue::default(),
            sending: Sending::Open,
            held: true,
            wants_room: false,
            in_ring: false,
            deficit: 0,
            opened: now,
            progress: now,
            activity: now,
        }
    }

    /// When the held-back `C` is due.
    pub(super) fn linger_deadline(&self) -> Option<Instant> {
        match (self.sending, self.half_close) {
            (Sending::Lingering, HalfClose::Linger(idle)) => self.activity.checked_add(idle),
            _ => None,
        }
    }

    /// Whether nothing remembers the stream any more: no `C` is to be sent and the owner has let go.
    pub(super) fn is_over(&self) -> bool {
        !self.held && self.sending == Sending::Done
    }
}
