//! What a session counts.

/// Totals of one session since it began, and what it holds now. For metrics.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[non_exhaustive]
pub struct Counters {
    /// Payload bytes received in `D` frames, those that were dropped included.
    pub received_bytes: u64,
    /// Payload bytes sent in `D` frames.
    pub sent_bytes: u64,
    /// Frames received, of every type.
    pub received_frames: u64,
    /// Frames sent, of every type.
    pub sent_frames: u64,
    /// Streams opened, by `N` in either direction.
    pub opened: u64,
    /// `N` refused because there were too many streams.
    pub refused_full: u64,
    /// Streams that the peer closed at once and without data: no service behind the port, or not allowed.
    pub refused_by_peer: u64,
    /// `N` for an id in use.
    pub duplicate_opens: u64,
    /// `N` received by the proxy, which nobody may send to it.
    pub misdirected_opens: u64,
    /// `D` for an id that is over: late data, dropped.
    pub late_data: u64,
    /// `D` for an id that was never opened.
    pub unknown_ids: u64,
    /// Answers to [`Counters::unknown_ids`] that the rate limit kept back.
    pub unanswered: u64,
    /// Frames of types that the document does not define, skipped.
    pub unknown_types: u64,
    /// Probes sent.
    pub probes_sent: u64,
    /// Probes received.
    pub probes_received: u64,
    /// Times that the session stopped reading because its budget was used up.
    pub pauses: u64,
    /// Streams closed because they held too much for too long.
    pub overruns: u64,
    /// Streams whose held-back `C` went out because nothing came any more.
    pub lingers_elapsed: u64,
    /// Streams that exist now.
    pub streams: u64,
    /// Received bytes that wait for the local side now.
    pub held_bytes: u64,
}

/// A count as a `u64`.
pub(super) fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
