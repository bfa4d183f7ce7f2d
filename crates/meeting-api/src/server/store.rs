//! What the server asks of a database: one small trait a role, and the records that pass between them.
//!
//! [`Store`] is the sum of the roles. Two implementations come with this crate, behind the features `sqlite` and
//! `postgres`; both run the same statements and pass the same tests. Every function is atomic, and what it reports as
//! done is on disk; a heartbeat within a second of it.

mod credentials;
mod devices;
mod keys;
mod logs;
mod tunnels;

use std::future::Future;
use std::time::Duration;

pub use credentials::{CredentialRecord, Credentials, NewCredential, Role};
pub use devices::{Beat, Beaten, DeviceChange, DevicePage, DeviceRecord, Devices, NewDevice, PageRequest};
pub use keys::{Decision, KeyRecord, KeyStatus, Keys, OperatorKey, Publication, PublishedKey};
pub use logs::{LogRecord, Logs};
pub use tunnels::{Reservation, Reserved, TunnelRecord, Tunnels};

/// A database fit to stand behind a [`MeetingServer`](super::MeetingServer).
pub trait Store: Devices + Keys + Tunnels + Credentials + Logs + Clone + Send + Sync + 'static {
    /// Asks the database for a trivial answer; the readiness of a receiver.
    ///
    /// # Errors
    /// [`StoreError`] when the database does not answer.
    fn check(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Why the store did not do what it was asked. The server answers 503 with `Retry-After` to both kinds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Busy, out of space, failing disk, lost connection: the same request may succeed later.
    #[error("the database is not available: {message}")]
    Unavailable {
        /// How long a client should wait before it tries again.
        retry_after: Duration,
        /// What the database said. For logs, never for clients.
        message: String,
    },
    /// The database holds something that this program did not write: trying again does not help.
    #[error("the database holds what it should not: {message}")]
    Broken {
        /// What was found. For logs, never for clients.
        message: String,
    },
}

impl StoreError {
    /// A passing failure, to be tried again after five seconds.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable { retry_after: Duration::from_secs(5), message: message.into() }
    }

    /// A lasting failure.
    pub fn broken(message: impl Into<String>) -> Self {
        Self::Broken { message: message.into() }
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// How long a client is told to wait.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            Self::Broken { .. } => Duration::from_secs(60),
        }
    }
}

#[cfg(any(feature = "sqlite", feature = "postgres"))]
impl From<sql_session::SqlError> for StoreError {
    fn from(error: sql_session::SqlError) -> Self {
        match error {
            sql_session::SqlError::Broken(words) => Self::broken(words),
            sql_session::SqlError::Unavailable(words) => Self::unavailable(words),
            // Whatever may come to be told apart there may pass.
            error => Self::unavailable(error.to_string()),
        }
    }
}
