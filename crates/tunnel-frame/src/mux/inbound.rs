//! What comes in, and how much of it is kept.
//!
//! A peer of the document cannot be told to send less of one stream. So received bytes have one budget for the whole
//! session. While there is room, a slow stream may hold what it likes. When there is none the session stops reading,
//! and the transport holds the peer back; after a grace the stream that holds most without having moved is closed,
//! and the others go on.
//!
//! Choice: TF-10.

use super::config::MuxConfig;
use super::counters::count;
use super::session::{Event, Role, Session, SessionError};
use super::stream::{Sending, StreamEnd, StreamKey};
use crate::decoder::{Decoder, FrameEvent};
use crate::frame::StreamId;
use crate::limits::Limits;
use std::time::{Duration, Instant};

/// Answers to unknown ids within a second.
const ANSWERS: u32 = 10;

/// With less room than this the budget still counts as used up when the grace is over.
const NEARLY: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Inbound {
    decoder: Decoder,
    held: usize,
    full_since: Option<Instant>,
    answers: u32,
    answers_since: Instant,
}

impl Inbound {
    pub(super) fn new(limits: Limits, now: Instant) -> Self {
        Self { decoder: Decoder::new(limits), held: 0, full_since: None, answers: 0, answers_since: now }
    }

    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// Bytes have left the queues; half a budget of room ends a shortage.
    pub(super) fn release(&mut self, bytes: usize, config: &MuxConfig) {
        self.held = self.held.saturating_sub(bytes);
        if self.held <= config.session_receive_bytes / 2 {
            self.full_since = None;
        }
    }

    fn may_answer(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.answers_since) >= Duration::from_secs(1) {
            self.answers_since = now;
            self.answers = 0;
        }
        let may = self.answers < ANSWERS;
        self.answers = self.answers.saturating_add(u32::from(may));
        may
    }
}

impl Session {
    /// Takes bytes that arrived, as many as there is room for; how many. The caller keeps the rest and passes it
    /// again with what follows it, at the latest when [`Session::wants_input`] turns true.
    ///
    /// # Errors
    /// [`SessionError::Decode`]: the bytes are no frames, and the connection must be closed.
    pub fn handle(&mut self, input: &[u8], now: Instant) -> Result<usize, SessionError> {
        let mut used = 0;
        while !self.over && !self.outbound.is_full() {
            let rest = input.get(used..).unwrap_or_default();
            let room = self.config.session_receive_bytes.saturating_sub(self.inbound.held);
            let window = match self.inbound.decoder.data_remaining() {
                Some(_) => rest.get(..room.min(rest.len())).unwrap_or_default(),
                None => rest,
            };
            let Some((event, n)) = self.inbound.decoder.decode(window)? else { break };
            used = used.saturating_add(n);
            self.on_frame(event, now);
        }
        if used > 0 {
            self.liveness.received(now);
        }
        if self.inbound.held >= self.config.session_receive_bytes && self.inbound.full_since.is_none() {
            self.inbound.full_since = Some(now);
            self.counters.pauses = self.counters.pauses.saturating_add(1);
        }
        Ok(used)
    }

    /// Whether the transport should be read. While it is not, the peer is held back.
    #[must_use]
    pub fn wants_input(&self) -> bool {
        !self.over && !self.outbound.is_full() && self.inbound.held < self.config.session_receive_bytes
    }

    /// Whether everything handled so far was whole frames.
    #[must_use]
    pub const fn is_at_boundary(&self) -> bool {
        self.inbound.decoder.is_at_boundary()
    }

    fn on_frame(&mut self, event: FrameEvent<'_>, now: Instant) {
        if !matches!(event, FrameEvent::Data { .. } | FrameEvent::Skipped { .. }) {
            self.counters.received_frames = self.counters.received_frames.saturating_add(1);
        }
        match event {
            FrameEvent::New { stream, port } => self.on_new(stream, port, now),
            FrameEvent::DataStart { stream, .. } => self.on_data_start(stream, now),
            FrameEvent::Data { stream, bytes, .. } => self.on_data(stream, bytes, now),
            FrameEvent::Close { stream } => self.on_close(stream, now),
            FrameEvent::Unknown { .. } => {
                self.counters.unknown_types = self.counters.unknown_types.saturating_add(1);
            }
            FrameEvent::Skipped { .. } => {}
        }
    }

    fn on_new(&mut self, id: StreamId, port: u16, now: Instant) {
        if self.role == Role::Proxy {
            self.counters.misdirected_opens = self.counters.misdirected_opens.saturating_add(1);
        } else if let Some(&serial) = self.ids.get(&id) {
            self.counters.duplicate_opens = self.counters.duplicate_opens.saturating_add(1);
            self.drop_received(serial);
            self.conclude(serial, StreamEnd::Duplicate, true);
        } else if self.ids.len() >= self.config.max_streams
            || self.streams.len() >= self.config.max_streams.saturating_mul(2)
        {
            // A proxy at its bound opens the next stream as soon as it has closed one, while that one's local side may still
            // be on its way out: only live ids count, and as many again may be leaving.
            self.counters.refused_full = self.counters.refused_full.saturating_add(1);
            self.highest = self.highest.max(Some(id));
            self.outbound.push_close(id);
        } else {
            let stream = self.insert(id, None, now);
            self.events.push_back(Event::Opened { stream, port });
        }
    }

    fn on_data_start(&mut self, id: StreamId, now: Instant) {
        if let Some(stream) = self.ids.get(&id).and_then(|serial| self.streams.get_mut(serial)) {
            stream.got_data = true;
        } else if self.highest.is_some_and(|highest| id <= highest) {
            self.counters.late_data = self.counters.late_data.saturating_add(1);
        } else {
            self.counters.unknown_ids = self.counters.unknown_ids.saturating_add(1);
            if self.inbound.may_answer(now) {
                self.outbound.push_close(id);
            } else {
                self.counters.unanswered = self.counters.unanswered.saturating_add(1);
            }
        }
    }

    fn on_data(&mut self, id: StreamId, bytes: &[u8], now: Instant) {
        self.counters.received_bytes = self.counters.received_bytes.saturating_add(count(bytes.len()));
        let Some(&serial) = self.ids.get(&id) else { return };
        let Some(stream) = self.streams.get_mut(&serial) else { return };
        stream.activity = now;
        if !stream.held {
            return;
        }
        if stream.received.is_empty() {
            // The clock of a reader who has stopped starts with the first byte that he leaves lying.
            stream.progress = now;
            self.events.push_back(Event::Readable { stream: StreamKey { serial, id } });
        }
        stream.received.push(bytes);
        self.inbound.held = self.inbound.held.saturating_add(bytes.len());
    }

    fn on_close(&mut self, id: StreamId, now: Instant) {
        let Some(&serial) = self.ids.get(&id) else {
            if id == StreamId::PROBE {
                self.counters.probes_received = self.counters.probes_received.saturating_add(1);
                self.liveness.probe_received(now);
            }
            return;
        };
        let Some(stream) = self.streams.get(&serial) else { return };
        let at_once = now.saturating_duration_since(stream.opened) <= self.config.refusal_window;
        let refused =
            self.role == Role::Proxy && !stream.got_data && stream.sending == Sending::Open && at_once;
        if refused {
            self.counters.refused_by_peer = self.counters.refused_by_peer.saturating_add(1);
        }
        let end = if refused { StreamEnd::Refused } else { StreamEnd::Peer };
        self.conclude(serial, end, self.role == Role::Agent);
    }

    fn drop_received(&mut self, serial: u64) {
        if let Some(stream) = self.streams.get_mut(&serial) {
            let freed = stream.received.clear();
            self.inbound.release(freed, &self.config);
        }
    }

    /// When the grace of a full budget is over.
    pub(super) fn pressure_deadline(&self) -> Option<Instant> {
        self.inbound.full_since.and_then(|since| since.checked_add(self.config.pause_limit))
    }

    /// The grace is over: if the budget is still used up, streams are closed until half of it is free, first those
    /// that did not move at all; if all moved, the one that holds most.
    pub(super) fn relieve(&mut self) {
        let Some(since) = self.inbound.full_since.take() else { return };
        if self.inbound.held.saturating_add(NEARLY) <= self.config.session_receive_bytes {
            return;
        }
        let mut closed = 0_usize;
        while self.inbound.held > self.config.session_receive_bytes / 2 {
            let Some((serial, stuck)) = self.victim(since) else { return };
            if closed > 0 && !stuck {
                return;
            }
            self.drop_received(serial);
            self.conclude(serial, StreamEnd::Overrun, true);
            self.counters.overruns = self.counters.overruns.saturating_add(1);
            closed = closed.saturating_add(1);
        }
    }

    /// The stream to close: over its soft bound if any is, unmoved if any is, holding most, unmoved for longest.
    fn victim(&self, since: Instant) -> Option<(u64, bool)> {
        let soft = self.config.stream_receive_bytes;
        self.streams
            .iter()
            .filter(|(_, stream)| !stream.received.is_empty())
            .max_by_key(|(serial, stream)| {
                let stuck = stream.progress <= since;
                let held = stream.received.len();
                (held > soft, stuck, held, std::cmp::Reverse(stream.progress), std::cmp::Reverse(**serial))
            })
            .map(|(&serial, stream)| (serial, stream.progress <= since))
    }
}
