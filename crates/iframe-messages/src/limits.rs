/// What one message may cost before anything of it is kept.
///
/// Choice: IF-3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    max_message_bytes: usize,
}

impl Limits {
    /// The most bytes of a message, as JSON: 1 MiB.
    pub const MAX_MESSAGE_BYTES: usize = 1 << 20;

    /// The most levels of objects and lists in one field.
    pub const MAX_DEPTH: usize = 64;

    /// A smaller limit on a message's bytes; more than [`Limits::MAX_MESSAGE_BYTES`] counts as that.
    #[must_use]
    pub fn with_max_message_bytes(self, bytes: usize) -> Self {
        Self { max_message_bytes: bytes.min(Self::MAX_MESSAGE_BYTES) }
    }

    /// The most bytes of a message.
    #[must_use]
    pub const fn max_message_bytes(&self) -> usize {
        self.max_message_bytes
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_message_bytes: Self::MAX_MESSAGE_BYTES }
    }
}
