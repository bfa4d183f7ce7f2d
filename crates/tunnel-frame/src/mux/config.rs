//! What a user can set about a session.

use crate::limits::Limits;
use std::time::Duration;

/// What happens when the local side has sent its last byte but may still want to read.
///
/// The document has no half-close: `C` ends both directions.
///
/// Choice: TF-8.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum HalfClose {
    /// `C` goes out behind the bytes that are queued. Default for the agent, as the document says.
    Close,
    /// `C` is held back while bytes still flow, until the stream was idle for this long. Default for the proxy, with
    /// 30 s: a visitor who ends his request with a FIN still gets the reply.
    Linger(Duration),
}

/// When a peer from which nothing arrives is given up.
///
/// The document has no ping, and its peers answer nothing to a probe, so silence alone proves nothing.
///
/// Choice: TF-11.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DeadAfter {
    /// Never; the transport has to find out.
    Never,
    /// After this long, or three times the peer's own interval if that is longer, but only once the peer has shown
    /// that it sends probes itself. Default, with 45 s.
    IfPeerProbes(Duration),
    /// After this long, whatever the peer is.
    Always(Duration),
}

/// Bounds and habits of a [`Session`](super::Session).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MuxConfig {
    pub(super) limits: Limits,
    pub(super) max_streams: usize,
    pub(super) max_stream_id: u32,
    pub(super) send_queue_bytes: usize,
    pub(super) max_frame_bytes: usize,
    pub(super) stream_receive_bytes: usize,
    pub(super) session_receive_bytes: usize,
    pub(super) pause_limit: Duration,
    pub(super) half_close: Option<HalfClose>,
    pub(super) refusal_window: Duration,
    pub(super) probe_after: Option<Duration>,
    pub(super) dead_after: DeadAfter,
}

impl Default for MuxConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            max_streams: 256,
            max_stream_id: u32::MAX - 1,
            send_queue_bytes: 256 * 1024,
            max_frame_bytes: 16 * 1024,
            stream_receive_bytes: 256 * 1024,
            session_receive_bytes: 16 * 1024 * 1024,
            pause_limit: Duration::from_secs(2),
            half_close: None,
            refusal_window: Duration::from_secs(1),
            probe_after: Some(Duration::from_secs(15)),
            dead_after: DeadAfter::IfPeerProbes(Duration::from_secs(45)),
        }
    }
}

impl MuxConfig {
    /// Sets what the reader of frames accepts. Default [`Limits::default`].
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets how many streams may be live at once (threat T6). Default 256. At the agent, as many again may have ended on the
    /// wire and not yet at their local side.
    #[must_use]
    pub const fn with_max_streams(mut self, streams: usize) -> Self {
        self.max_streams = streams;
        self
    }

    /// Sets the last id that the proxy role uses in a connection, 1 to 4,294,967,294, which is the default. A lower
    /// one makes it renew connections sooner.
    #[must_use]
    pub const fn with_max_stream_id(mut self, id: u32) -> Self {
        self.max_stream_id = match id {
            0 => 1,
            u32::MAX => u32::MAX - 1,
            id => id,
        };
        self
    }

    /// Sets how many bytes of one stream may wait to be sent, at least 1; beyond it the local side is not read
    /// (threat T9). Default 256 KiB.
    #[must_use]
    pub const fn with_send_queue_bytes(mut self, bytes: usize) -> Self {
        self.send_queue_bytes = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// Sets the longest `D` payload that is sent, at least 1. Default 16 KiB: a strict peer must never be left waiting
    /// inside a frame, so frames are small and written whole.
    #[must_use]
    pub const fn with_max_frame_bytes(mut self, bytes: u16) -> Self {
        // A u16 fits a usize on every target.
        self.max_frame_bytes = if bytes == 0 { 1 } else { bytes as usize };
        self
    }

    /// Sets the soft bound of received bytes that one stream may hold. Streams under it are spared when the session's
    /// budget runs out. Default 256 KiB.
    #[must_use]
    pub const fn with_stream_receive_bytes(mut self, bytes: usize) -> Self {
        self.stream_receive_bytes = bytes;
        self
    }

    /// Sets how many received bytes all streams together may hold, at least 1: a hard bound. Default 16 MiB.
    #[must_use]
    pub const fn with_session_receive_bytes(mut self, bytes: usize) -> Self {
        self.session_receive_bytes = if bytes == 0 { 1 } else { bytes };
        self
    }

    /// Sets for how long the session stops reading when the budget is used up, before it closes a stream. Default 2 s.
    #[must_use]
    pub const fn with_pause_limit(mut self, limit: Duration) -> Self {
        self.pause_limit = limit;
        self
    }

    /// Sets the half-close habit of every stream that says nothing else. Default: [`HalfClose::Close`] for the agent,
    /// [`HalfClose::Linger`] of 30 s for the proxy.
    #[must_use]
    pub const fn with_half_close(mut self, half_close: HalfClose) -> Self {
        self.half_close = Some(half_close);
        self
    }

    /// Sets how soon after `N` a `C` without data counts as a refusal by the device. Default 1 s.
    #[must_use]
    pub const fn with_refusal_window(mut self, window: Duration) -> Self {
        self.refusal_window = window;
        self
    }

    /// Sets after how long without sending anything a probe goes out; `None` for never. Default 15 s.
    #[must_use]
    pub const fn with_probe_after(mut self, silence: Option<Duration>) -> Self {
        self.probe_after = silence;
        self
    }

    /// Sets when a silent peer is given up. Default [`DeadAfter::IfPeerProbes`] of 45 s.
    #[must_use]
    pub const fn with_dead_after(mut self, dead_after: DeadAfter) -> Self {
        self.dead_after = dead_after;
        self
    }
}
