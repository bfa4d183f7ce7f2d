use crate::{Call, IframeMessage, Origin};

/// A request that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(super) u64);

/// Something to do: the token was good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// To be given back with the outcome.
    pub ticket: Ticket,
    /// Who asks.
    pub origin: Origin,
    /// For what.
    pub call: Call,
}

/// A question to the user: may this origin be linked?
///
/// Source: iframe §2.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// To be given back with the decision.
    pub ticket: Ticket,
    /// Who asks; to be shown to the user as it is.
    pub origin: Origin,
}

/// What the user decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Link it.
    Granted,
    /// Do not.
    Denied,
}

/// A message to post: `event.source.postMessage(message, target_origin)`; the source is always the parent.
///
/// Source: iframe §1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The one origin that may receive it: that of the request (threat I2).
    pub target_origin: Origin,
    /// What to post.
    pub message: IframeMessage,
}

/// What came in and was not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// From an origin that is not allowed, or another window.
    pub strangers: u64,
    /// Not of this protocol, or a reply.
    pub not_ours: u64,
    /// Malformed, and answered with `ERROR`.
    pub malformed: u64,
    /// With a `messageId` that was used before.
    pub repeated: u64,
    /// With a token that is not valid.
    pub bad_tokens: u64,
    /// Beyond what may wait at one time.
    pub too_many: u64,
}
