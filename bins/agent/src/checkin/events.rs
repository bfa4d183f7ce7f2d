//! What happens to check-ins.

use std::fmt;
use std::time::Duration;

/// One thing that happened to check-ins. Its `Display` is a sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CheckInEvent {
    /// Check-ins are forwarded from now on.
    Forwarding {
        /// The receiver's name or address.
        receiver: String,
    },
    /// A check-in was taken from the spool folder; it is in the outbox.
    Taken {
        /// Which.
        packet_hash: String,
    },
    /// A file of the spool folder is no check-in; it was moved aside.
    FileRefused {
        /// The file's name.
        file: String,
        /// Why.
        reason: String,
    },
    /// A file of the spool folder can be neither taken nor moved. Said once.
    FileStuck {
        /// The file's name.
        file: String,
        /// Why.
        reason: String,
    },
    /// The receiver has a check-in.
    Delivered {
        /// Which.
        packet_hash: String,
        /// Whether it was new there; else another bot was faster.
        created: bool,
    },
    /// The receiver will never take this check-in; it was set aside.
    SetAside {
        /// Which; `None` when the file held none.
        packet_hash: Option<String>,
        /// Why.
        reason: String,
    },
    /// The receiver did not answer or was busy; the check-ins wait.
    Failed {
        /// Why.
        reason: String,
        /// When the next try is.
        retry_in: Duration,
    },
    /// The receiver takes nothing from here: key or address are wrong. The check-ins wait.
    Refused {
        /// The receiver's words.
        reason: String,
        /// When it is asked again.
        retry_in: Duration,
    },
}

impl fmt::Display for CheckInEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |wait: &Duration| format!("{:.0} s", wait.as_secs_f64().max(1.0));
        match self {
            Self::Forwarding { receiver } => write!(f, "forwarding check-ins to {receiver}"),
            Self::Taken { packet_hash } => write!(f, "check-in {packet_hash} taken from the spool"),
            Self::FileRefused { file, reason } => write!(f, "check-in file {file} moved aside: {reason}"),
            Self::FileStuck { file, reason } => write!(f, "check-in file {file} stays: {reason}"),
            Self::Delivered { packet_hash, created: true } => write!(f, "check-in {packet_hash} delivered"),
            Self::Delivered { packet_hash, created: false } => {
                write!(f, "check-in {packet_hash} delivered, another bot was faster")
            }
            Self::SetAside { packet_hash, reason } => {
                write!(f, "check-in {} set aside: {reason}", packet_hash.as_deref().unwrap_or("(unreadable)"))
            }
            Self::Failed { reason, retry_in } => {
                write!(f, "check-ins wait: {reason}; next try in {}", seconds(retry_in))
            }
            Self::Refused { reason, retry_in } => {
                let wait = seconds(retry_in);
                write!(f, "the receiver takes no check-ins from here: {reason}; next try in {wait}")
            }
        }
    }
}
