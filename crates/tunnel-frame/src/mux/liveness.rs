//! Time: probes, silent peers, held-back closes and the grace of a full budget.

use super::config::{DeadAfter, MuxConfig};
use super::session::{Session, SessionError};
use crate::frame::StreamId;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Liveness {
    last_sent: Instant,
    last_received: Instant,
    last_probe: Option<Instant>,
    /// Shortest time between two probes of the peer.
    interval: Option<Duration>,
}

impl Liveness {
    pub(super) const fn new(now: Instant) -> Self {
        Self { last_sent: now, last_received: now, last_probe: None, interval: None }
    }

    pub(super) const fn sent(&mut self, now: Instant) {
        self.last_sent = now;
    }

    pub(super) const fn received(&mut self, now: Instant) {
        self.last_received = now;
    }

    pub(super) fn probe_received(&mut self, now: Instant) {
        if let Some(last) = self.last_probe.replace(now) {
            let gap = now.saturating_duration_since(last);
            self.interval = Some(self.interval.map_or(gap, |shortest| shortest.min(gap)));
        }
    }

    fn patience(&self, config: &MuxConfig) -> Option<Duration> {
        match config.dead_after {
            DeadAfter::Never => None,
            DeadAfter::Always(silence) => Some(silence),
            DeadAfter::IfPeerProbes(silence) => {
                self.interval.map(|interval| silence.max(interval.saturating_mul(3)))
            }
        }
    }
}

impl Session {
    /// When [`Session::handle_timeout`] is to be called next, if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let lingers = self.streams.values().filter_map(super::stream::Stream::linger_deadline);
        let probe = self.config.probe_after.and_then(|after| self.liveness.last_sent.checked_add(after));
        let dead = self.dead_deadline();
        lingers.chain(probe).chain(dead).chain(self.pressure_deadline()).min()
    }

    /// Does what is due: sends the `C` of streams that fell idle, closes streams that hold too much, probes.
    ///
    /// Bytes that have already arrived are to be passed to [`Session::handle`] first.
    ///
    /// # Errors
    /// [`SessionError::Silent`]: the peer is gone, and the connection must be closed.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        if self.over {
            return Ok(());
        }
        if !self.wants_input() {
            // Who is not read cannot be heard.
            self.liveness.received(now);
        }
        if self.dead_deadline().is_some_and(|deadline| deadline <= now) {
            let silence = now.saturating_duration_since(self.liveness.last_received);
            return Err(SessionError::Silent(silence));
        }
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        let mut idle: Vec<u64> = self
            .streams
            .iter()
            .filter(|(_, stream)| due(stream.linger_deadline()))
            .map(|(&serial, _)| serial)
            .collect();
        idle.sort_unstable();
        for serial in idle {
            self.counters.lingers_elapsed = self.counters.lingers_elapsed.saturating_add(1);
            self.close_behind_queue(serial);
        }
        if due(self.pressure_deadline()) {
            self.relieve();
        }
        if due(self.config.probe_after.and_then(|after| self.liveness.last_sent.checked_add(after))) {
            self.probe(now);
        }
        Ok(())
    }

    fn dead_deadline(&self) -> Option<Instant> {
        let patience = self.liveness.patience(&self.config)?;
        self.liveness.last_received.checked_add(patience)
    }

    fn probe(&mut self, now: Instant) {
        self.liveness.sent(now);
        // A proxy that opened this very id would take the probe for a close.
        if !self.ids.contains_key(&StreamId::PROBE) && !self.outbound.is_full() {
            self.counters.probes_sent = self.counters.probes_sent.saturating_add(1);
            self.outbound.push_close(StreamId::PROBE);
        }
    }
}
