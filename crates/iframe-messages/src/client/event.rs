use crate::{DecodeError, HostMessage, Origin, Refusal, Reply};

/// A request by its number, for its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(super) u64);

/// A message to post: `iframe.contentWindow.postMessage(message, target_origin)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The one origin that may receive it.
    pub target_origin: Origin,
    /// What to post.
    pub message: HostMessage,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The iframe is there.
    Listening,
    /// The iframe was loaded again; what was pending has failed.
    Reloaded,
    /// There are new tokens, for the caller who keeps them ([`Client::tokens`](super::Client::tokens)).
    TokensChanged,
    /// A request has ended.
    Finished {
        /// Which.
        request: RequestId,
        /// The reply that answers it, or why there is none.
        outcome: Result<Reply, Failure>,
    },
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The iframe never said that it is there.
    #[error("the iframe did not say LISTENING in time")]
    NotListening,
    /// The answer did not come in time.
    #[error("the iframe did not answer in time")]
    TimedOut,
    /// The iframe was loaded again while the request was pending. Whether it had an effect is unknown.
    #[error("the iframe was loaded again before it answered")]
    Reloaded,
    /// The iframe answered with `ERROR`.
    #[error("{0}")]
    Refused(Refusal),
    /// The iframe's answer cannot be understood.
    #[error("the iframe's answer is malformed: {0}")]
    Malformed(DecodeError),
    /// Meanwhile the tokens were dropped.
    #[error("not linked any more")]
    Unlinked,
}

impl Failure {
    /// Whether the same request may succeed later, and repeating it can do no harm.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::NotListening)
    }
}

/// Why a request is not even tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unable {
    /// There are no tokens: link first.
    #[error("not linked: ask for a link first")]
    NotLinked,
    /// As many requests wait as may.
    #[error("too many requests wait for an answer")]
    TooMany,
}

/// What came in and was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// From another origin or window.
    pub strangers: u64,
    /// Not of this protocol, or a request.
    pub not_ours: u64,
    /// Answers that nobody waits for: never asked for, given twice, too late, or of another kind.
    pub unsolicited: u64,
    /// Malformed, and not to be assigned to a request.
    pub malformed: u64,
}
