//! What was read from the transport and not yet taken as frames.

use std::ops::Range;

/// Room at first, and again after a silence.
const QUIET_BYTES: usize = 64 * 1024;

/// Room once a read has filled it: bulk data then wakes its readers less often.
const BUSY_BYTES: usize = 256 * 1024;

#[derive(Debug)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
    filled: usize,
}

impl Inbox {
    /// An inbox that holds these bytes already.
    pub(super) fn holding(early: &[u8]) -> Self {
        let mut bytes = early.to_vec();
        bytes.resize(QUIET_BYTES.max(early.len()), 0);
        Self { bytes, filled: early.len() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.filled == 0
    }

    pub(super) fn filled(&self) -> &[u8] {
        self.get(0..self.filled)
    }

    pub(super) fn get(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    pub(super) const fn len(&self) -> usize {
        self.filled
    }

    /// Where the next bytes go; empty while nobody takes what is there.
    pub(super) fn room(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.filled..).unwrap_or_default()
    }

    /// So many bytes of the room are now filled.
    pub(super) fn fill(&mut self, count: usize) {
        self.filled = self.filled.saturating_add(count).min(self.bytes.len());
        if self.filled == self.bytes.len() && self.filled < BUSY_BYTES {
            self.bytes.resize(BUSY_BYTES, 0);
        }
    }

    /// The first bytes were taken.
    pub(super) fn consume(&mut self, count: usize) {
        let count = count.min(self.filled);
        self.bytes.copy_within(count..self.filled, 0);
        self.filled = self.filled.saturating_sub(count);
    }

    /// Gives back what only bulk data needs.
    pub(super) fn shrink(&mut self) {
        if self.filled <= QUIET_BYTES && self.bytes.len() > QUIET_BYTES {
            self.bytes.truncate(QUIET_BYTES);
            self.bytes.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_when_a_read_fills_it_and_shrinks_when_told() {
        let mut inbox = Inbox::holding(b"early");
        assert_eq!(inbox.filled(), b"early");
        assert_eq!(inbox.room().len(), QUIET_BYTES - 5);
        inbox.room().fill(b'x');
        inbox.fill(QUIET_BYTES - 5);
        assert_eq!((inbox.len(), inbox.room().len()), (QUIET_BYTES, BUSY_BYTES - QUIET_BYTES));
        inbox.shrink();
        assert_eq!((inbox.len(), inbox.room().len()), (QUIET_BYTES, 0), "what is there stays");
        inbox.fill(0);
        inbox.consume(QUIET_BYTES - 1);
        assert_eq!(inbox.filled(), b"x");
        inbox.shrink();
        assert_eq!(inbox.filled(), b"x");
        assert_eq!(inbox.room().len(), QUIET_BYTES - 1);
        inbox.consume(1);
        assert!(inbox.is_empty());
    }

    #[test]
    fn more_early_bytes_than_room_are_kept() {
        let early = vec![7; QUIET_BYTES + 1];
        let mut inbox = Inbox::holding(&early);
        assert_eq!(inbox.filled(), early);
        assert!(inbox.room().is_empty());
        inbox.consume(2);
        assert_eq!((inbox.len(), inbox.room().len()), (QUIET_BYTES - 1, 2));
    }
}
