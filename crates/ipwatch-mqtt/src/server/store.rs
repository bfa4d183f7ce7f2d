//! What the server asks of a database: one small trait a role, and the records that pass between them.
//!
//! [`Store`] is the sum of the roles. Two implementations come with this crate, behind the features `sqlite` and `postgres`; both run the
//! same statements and pass the same tests. Every function is atomic, and what it reports as done is on disk.

mod devices;
mod history;
mod keys;
mod log;
mod schedules;

use std::future::Future;
use std::time::Duration;

pub use devices::{DeviceRecord, Devices, GroupRecord, NewDevice};
pub use history::{History, Point, Sample, Span};
pub use keys::{KeyRecord, Keys, NewKey, Role, UnknownRole};
pub use log::{Begun, CommandLog, Ended, LogEntry, LogFilter, Origin, Outcome, UnknownOutcome};
pub use schedules::{NewSchedule, ScheduleRecord, ScheduleRun, Schedules};

/// A database fit to stand behind an [`IpWatchServer`](super::IpWatchServer).
pub trait Store: Devices + History + CommandLog + Schedules + Keys + Clone + Send + Sync + 'static {
    /// Asks whether the database answers; the readiness of a receiver.
    ///
    /// # Errors
    /// [`StoreError`] when it does not.
    fn check(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Why the store did not do what it was asked. The server answers 503 with `Retry-After` to all kinds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Locked, out of space, failing disk, lost connection, too much work: the same request may succeed later.
    #[error("the database is not available: {message}")]
    Unavailable {
        /// What the database said. For operators, never for callers.
        message: String,
    },
    /// The database holds, or was given, something that it should not: trying again does not help.
    #[error("the database holds what it should not: {message}")]
    Broken {
        /// What was found. For operators, never for callers.
        message: String,
    },
}

impl StoreError {
    /// A passing failure.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable { message: message.into() }
    }

    /// A lasting failure.
    pub fn broken(message: impl Into<String>) -> Self {
        Self::Broken { message: message.into() }
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// How long a client is told to wait: 5 or 60 seconds.
    #[must_use]
    pub const fn retry_after(&self) -> Duration {
        match self {
            Self::Unavailable { .. } => Duration::from_secs(5),
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
