//! The session: what its owner can do with streams.

use super::config::{HalfClose, MuxConfig};
use super::counters::{Counters, count};
use super::inbound::Inbound;
use super::liveness::Liveness;
use super::output::Outbound;
use super::stream::{Read, Sending, Stream, StreamEnd, StreamKey};
use crate::frame::{StreamId, encode_new};
use crate::limits::DecodeError;
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

/// Linger of the proxy role unless a user says otherwise.
const LINGER: Duration = Duration::from_secs(30);

/// Which end of the tunnel a session is.
///
/// Source: meeting §4.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// The device's end: gets `N` and connects to local ports.
    Agent,
    /// The public end: sends `N` and chooses ids.
    Proxy,
}

/// What the owner of a session should look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The proxy asks for a stream to this port of 127.0.0.1. Agent role only.
    Opened {
        /// The new stream.
        stream: StreamKey,
        /// The port on the device.
        port: u16,
    },
    /// A stream that had nothing to read has bytes or has ended.
    Readable {
        /// The stream.
        stream: StreamKey,
    },
    /// A stream whose send queue was full has room again or has ended.
    Writable {
        /// The stream.
        stream: StreamKey,
    },
}

/// Why no stream can be opened now.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// Only the proxy opens streams.
    NotTheProxy,
    /// There are as many streams as the session allows, or too many frames wait to be sent.
    TooManyStreams,
    /// The connection has used all its ids; a new connection is needed.
    IdsExhausted,
    /// The connection is over.
    SessionOver,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotTheProxy => "only the proxy opens streams",
            Self::TooManyStreams => "the tunnel has as many streams as it may",
            Self::IdsExhausted => "the tunnel has used all its stream ids",
            Self::SessionOver => "the tunnel is gone",
        })
    }
}

impl std::error::Error for OpenError {}

/// Why a session is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SessionError {
    /// The peer sent what is no frame.
    Decode(DecodeError),
    /// The peer was silent for this long.
    Silent(Duration),
}

impl fmt::Display for SessionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => error.fmt(f),
            Self::Silent(time) => write!(f, "nothing came from the other side for {} s", time.as_secs()),
        }
    }
}

impl std::error::Error for SessionError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Decode(error) => Some(error),
            Self::Silent(_) => None,
        }
    }
}

impl From<DecodeError> for SessionError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

/// One end of one tunnel connection, without IO. See the [module](crate::mux) for what it does with ids.
///
/// Source: meeting §4.2.
#[derive(Debug)]
pub struct Session {
    pub(super) role: Role,
    pub(super) config: MuxConfig,
    pub(super) streams: HashMap<u64, Stream>,
    pub(super) ids: HashMap<StreamId, u64>,
    pub(super) highest: Option<StreamId>,
    pub(super) inbound: Inbound,
    pub(super) outbound: Outbound,
    pub(super) liveness: Liveness,
    pub(super) events: VecDeque<Event>,
    pub(super) counters: Counters,
    pub(super) over: bool,
    next_serial: u64,
    next_id: u32,
}

impl Session {
    /// A session at the first frame of a connection.
    #[must_use]
    pub fn new(role: Role, config: MuxConfig, now: Instant) -> Self {
        Self {
            role,
            config,
            streams: HashMap::new(),
            ids: HashMap::new(),
            highest: None,
            inbound: Inbound::new(config.limits, now),
            outbound: Outbound::default(),
            liveness: Liveness::new(now),
            events: VecDeque::new(),
            counters: Counters::default(),
            over: false,
            next_serial: 0,
            next_id: 1,
        }
    }

    /// Opens a stream to a port of 127.0.0.1 on the device. `half_close` overrides the session's habit for it.
    ///
    /// There is no answer to wait for: bytes may be written at once, and a refusal shows as
    /// [`StreamEnd::Refused`].
    ///
    /// # Errors
    /// [`OpenError::NotTheProxy`], [`OpenError::TooManyStreams`], [`OpenError::IdsExhausted`] or
    /// [`OpenError::SessionOver`].
    ///
    /// Source: meeting §4.2.
    pub fn open(
        &mut self,
        port: u16,
        half_close: Option<HalfClose>,
        now: Instant,
    ) -> Result<StreamKey, OpenError> {
        if self.role != Role::Proxy {
            return Err(OpenError::NotTheProxy);
        }
        if self.over {
            return Err(OpenError::SessionOver);
        }
        if self.streams.len() >= self.config.max_streams || self.outbound.is_full() {
            return Err(OpenError::TooManyStreams);
        }
        if self.next_id > self.config.max_stream_id {
            return Err(OpenError::IdsExhausted);
        }
        let id = StreamId::new(self.next_id);
        self.next_id = self.next_id.saturating_add(1);
        self.outbound.push(&encode_new(id, port));
        Ok(self.insert(id, half_close, now))
    }

    /// Queues bytes of a stream for sending; how many were taken, 0 when the queue is full. Then
    /// [`Event::Writable`] tells when to go on.
    ///
    /// # Errors
    /// The [`StreamEnd`] if the stream takes no more bytes.
    pub fn write(&mut self, key: StreamKey, bytes: &[u8], now: Instant) -> Result<usize, StreamEnd> {
        let Some(stream) = self.streams.get_mut(&key.serial) else { return Err(StreamEnd::Local) };
        if stream.sending != Sending::Open {
            return Err(stream.end.unwrap_or(StreamEnd::Local));
        }
        let room = self.config.send_queue_bytes.saturating_sub(stream.queued.len());
        let (bytes, _) = bytes.split_at(room.min(bytes.len()));
        stream.wants_room = bytes.is_empty();
        if !bytes.is_empty() {
            stream.queued.push(bytes);
            stream.activity = now;
            self.outbound.enlist(key.serial, stream);
        }
        Ok(bytes.len())
    }

    /// Moves received bytes of a stream into `out`; how many.
    pub fn read(&mut self, key: StreamKey, out: &mut [u8], now: Instant) -> Read<usize> {
        self.read_with(key, now, |received| Some(received.read(out)).filter(|&n| n > 0))
    }

    /// Takes up to `most` received bytes of a stream without copying them.
    pub fn read_chunk(&mut self, key: StreamKey, most: usize, now: Instant) -> Read<Bytes> {
        self.read_with(key, now, |received| Some(received.take(most)).filter(|chunk| !chunk.is_empty()))
    }

    fn read_with<T>(
        &mut self,
        key: StreamKey,
        now: Instant,
        take: impl FnOnce(&mut super::byte_queue::ByteQueue) -> Option<T>,
    ) -> Read<T> {
        let Some(stream) = self.streams.get_mut(&key.serial) else { return Read::End(StreamEnd::Local) };
        let before = stream.received.len();
        let taken = take(&mut stream.received);
        let freed = before.saturating_sub(stream.received.len());
        stream.progress = now;
        match taken {
            Some(bytes) => {
                stream.activity = now;
                self.inbound.release(freed, &self.config);
                Read::Some(bytes)
            }
            None if before > 0 => Read::Pending,
            None => stream.end.map_or(Read::Pending, Read::End),
        }
    }

    /// The local side will write no more. When `C` goes out is the stream's [`HalfClose`]'s affair; until then it can
    /// be read.
    pub fn finish(&mut self, key: StreamKey, now: Instant) {
        let Some(stream) = self.streams.get_mut(&key.serial) else { return };
        if stream.sending != Sending::Open {
            return;
        }
        stream.activity = now;
        match stream.half_close {
            HalfClose::Linger(_) => stream.sending = Sending::Lingering,
            HalfClose::Close => self.close_behind_queue(key.serial),
        }
    }

    /// The local side broke: `C` goes out at once and what was queued in either direction is dropped.
    pub fn abort(&mut self, key: StreamKey) {
        if let Some(stream) = self.streams.get_mut(&key.serial) {
            let freed = stream.received.clear();
            self.inbound.release(freed, &self.config);
            self.conclude(key.serial, StreamEnd::Local, true);
        }
    }

    /// The owner lets go of a stream: what is queued still goes out, then `C`; what arrives is dropped. The key is
    /// void afterwards.
    pub fn release(&mut self, key: StreamKey) {
        let Some(stream) = self.streams.get_mut(&key.serial) else { return };
        stream.held = false;
        let freed = stream.received.clear();
        self.inbound.release(freed, &self.config);
        self.close_behind_queue(key.serial);
        self.forget_if_over(key.serial);
    }

    /// The next thing that the owner should look at.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Why a stream gives no more bytes, once it is known; it may still hold some.
    #[must_use]
    pub fn stream_end(&self, key: StreamKey) -> Option<StreamEnd> {
        self.streams.get(&key.serial).and_then(|stream| stream.end)
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            streams: count(self.streams.len()),
            held_bytes: count(self.inbound.held()),
            ..self.counters
        }
    }

    /// Whether the ids have run out and no stream is left, so that only a new connection is of use.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.next_id > self.config.max_stream_id && self.streams.is_empty()
    }

    /// Ends the session: every stream ends with [`StreamEnd::Session`] behind what it has received, and nothing is
    /// sent any more.
    pub fn close(&mut self) {
        self.over = true;
        let mut serials: Vec<u64> = self.streams.keys().copied().collect();
        serials.sort_unstable();
        for serial in serials {
            self.conclude(serial, StreamEnd::Session, false);
        }
        self.outbound = Outbound::default();
    }

    /// Whether [`Session::close`] was called.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.over
    }

    pub(super) fn insert(&mut self, id: StreamId, half_close: Option<HalfClose>, now: Instant) -> StreamKey {
        let habit = match self.role {
            Role::Agent => HalfClose::Close,
            Role::Proxy => HalfClose::Linger(LINGER),
        };
        let half_close = half_close.or(self.config.half_close).unwrap_or(habit);
        let serial = self.next_serial;
        self.next_serial = serial.wrapping_add(1);
        self.streams.insert(serial, Stream::new(id, half_close, now));
        self.ids.insert(id, serial);
        self.highest = self.highest.max(Some(id));
        self.counters.opened = self.counters.opened.saturating_add(1);
        StreamKey { serial, id }
    }

    /// Sends `C` as soon as nothing of the stream is queued any more.
    pub(super) fn close_behind_queue(&mut self, serial: u64) {
        let Some(stream) = self.streams.get_mut(&serial) else { return };
        if stream.sending == Sending::Done {
            return;
        }
        stream.sending = Sending::Closing;
        if stream.queued.is_empty() {
            self.conclude(serial, StreamEnd::Local, true);
        }
    }

    /// The stream leaves the wire: its id is not live any more, nothing of it is sent but, if `say`, a `C`.
    pub(super) fn conclude(&mut self, serial: u64, end: StreamEnd, say: bool) {
        let Some(stream) = self.streams.get_mut(&serial) else { return };
        if stream.sending == Sending::Done {
            return;
        }
        stream.sending = Sending::Done;
        stream.queued.clear();
        stream.end = Some(end);
        let key = StreamKey { serial, id: stream.id };
        if stream.held {
            self.events.push_back(Event::Readable { stream: key });
            if std::mem::take(&mut stream.wants_room) {
                self.events.push_back(Event::Writable { stream: key });
            }
        }
        self.ids.remove(&key.id);
        if say {
            self.outbound.push_close(key.id);
        }
        self.forget_if_over(serial);
    }

    fn forget_if_over(&mut self, serial: u64) {
        if self.streams.get(&serial).is_some_and(Stream::is_over) {
            self.streams.remove(&serial);
        }
    }
}
