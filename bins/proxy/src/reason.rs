//! Why an agent is refused, or its session ended: the words of the error line, the logs and the metrics.

use std::fmt;

/// Why an agent may not serve its device. The text of [`as_str`](Self::as_str) is the `reason` of the error line.
///
/// Source: meeting §4.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// The first line is not the document's JSON line, or too long.
    MalformedHello,
    /// The first line did not come in time. No line is sent.
    HandshakeTimeout,
    /// The proxy takes agents over TLS only.
    TlsRequired,
    /// The TLS handshake failed, for instance for want of a client certificate. No line is sent.
    TlsFailed,
    /// The client certificate is not that of this device.
    CertificateMismatch,
    /// Meeting does not know the device.
    DeviceNotFound,
    /// Meeting has not authorised the device.
    NotAuthorized,
    /// The token is not the device's.
    InvalidToken,
    /// Meeting does not tell this proxy the token, so that it cannot be checked.
    TokenCheckUnavailable,
    /// The device has sent no heartbeat of late.
    NoRecentHeartbeat,
    /// Too many wrong tokens; this one was not looked at.
    LockedOut,
    /// Sessions of this device replace each other too often.
    TooManyTakeovers,
    /// Meeting cannot be asked now. Trying again later is right.
    MeetingUnavailable,
    /// The proxy has as many devices as it may have.
    TooManyDevices,
    /// The proxy stops.
    Stopping,
}

impl Reason {
    /// Every reason, in the order of the documentation.
    pub const ALL: [Self; 15] = [
        Self::MalformedHello,
        Self::HandshakeTimeout,
        Self::TlsRequired,
        Self::TlsFailed,
        Self::CertificateMismatch,
        Self::DeviceNotFound,
        Self::NotAuthorized,
        Self::InvalidToken,
        Self::TokenCheckUnavailable,
        Self::NoRecentHeartbeat,
        Self::LockedOut,
        Self::TooManyTakeovers,
        Self::MeetingUnavailable,
        Self::TooManyDevices,
        Self::Stopping,
    ];

    /// The word for it on the wire, in logs and in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MalformedHello => "malformed_hello",
            Self::HandshakeTimeout => "handshake_timeout",
            Self::TlsRequired => "tls_required",
            Self::TlsFailed => "tls_failed",
            Self::CertificateMismatch => "certificate_mismatch",
            Self::DeviceNotFound => "device_not_found",
            Self::NotAuthorized => "not_authorized",
            Self::InvalidToken => "invalid_token",
            Self::TokenCheckUnavailable => "token_check_unavailable",
            Self::NoRecentHeartbeat => "no_recent_heartbeat",
            Self::LockedOut => "locked_out",
            Self::TooManyTakeovers => "too_many_takeovers",
            Self::MeetingUnavailable => "meeting_unavailable",
            Self::TooManyDevices => "too_many_devices",
            Self::Stopping => "stopping",
        }
    }

    /// Whether the agent is told in an error line before the connection is closed.
    #[must_use]
    pub const fn is_told(self) -> bool {
        !matches!(self, Self::HandshakeTimeout | Self::TlsFailed)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a session that was accepted ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Ended {
    /// The agent closed the connection.
    ByAgent,
    /// The connection broke or fell silent.
    Lost,
    /// The agent broke the rules of the frames.
    Protocol,
    /// All stream ids of the connection were used; the agent comes again.
    IdsExhausted,
    /// Another connection of the same device has taken over.
    Replaced,
    /// Meeting does not know the device any more.
    DeviceDeleted,
    /// Meeting has withdrawn the device's authorisation.
    Revoked,
    /// The device's token is another one now.
    TokenChanged,
    /// The proxy stops.
    Stopping,
}

impl Ended {
    /// The word for it in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByAgent => "closed_by_agent",
            Self::Lost => "lost",
            Self::Protocol => "protocol_error",
            Self::IdsExhausted => "ids_exhausted",
            Self::Replaced => "replaced",
            Self::DeviceDeleted => "device_deleted",
            Self::Revoked => "revoked",
            Self::TokenChanged => "token_changed",
            Self::Stopping => "stopping",
        }
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_distinct_and_plain() {
        let mut words: Vec<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Reason::ALL.len());
        for word in words {
            assert!(word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{word}");
        }
    }
}
