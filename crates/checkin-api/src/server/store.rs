//! What the server asks of a database: one small trait a role, and the records that pass between them.
//!
//! [`CheckInStore`] is the sum of the roles. Two implementations come with this crate, behind the features `sqlite` and
//! `postgres`; both run the same statements and pass the same tests. Every function is atomic, and what it reports as done
//! is on disk.

mod keys;
mod reading;
mod submissions;

use std::future::Future;
use std::time::Duration;

pub use keys::{KeyRecord, Keys, NewKey, Role, UnknownRole};
pub use reading::{
    BotRecord, Direction, Filter, MAX_WEEKS, PageRequest, Period, PersonSheet, Position, Rank, Reading,
    Record, Scope, Sheet, Standing, State, WeekCount,
};
#[cfg(feature = "sqlite")]
pub(crate) use submissions::order_key;
pub use submissions::{Outcome, RejectedCount, Submission, Submissions};

/// A database fit to stand behind a [`CheckInServer`](super::CheckInServer).
pub trait CheckInStore: Submissions + Reading + Keys + Clone + Send + Sync + 'static {
    /// Asks whether check-ins can be stored now; the readiness of a receiver. After a failed write it tries another one.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot.
    fn check(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Why the store did not do what it was asked. The server answers 503 with `Retry-After` to all kinds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// More check-ins wait for the disk than may: the same request succeeds when they are stored.
    #[error("too much work waits for the database")]
    Busy,
    /// Locked, out of space, failing disk, lost connection: the same request may succeed later.
    #[error("the database is not available: {message}")]
    Unavailable {
        /// What the database said. For operators, never for bots.
        message: String,
    },
    /// The database holds, or was given, something that it should not: trying again does not help.
    #[error("the database holds what it should not: {message}")]
    Broken {
        /// What was found. For operators, never for bots.
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
        !matches!(self, Self::Broken { .. })
    }

    /// How long a client is told to wait: 1, 5 or 60 seconds.
    #[must_use]
    pub const fn retry_after(&self) -> Duration {
        match self {
            Self::Busy => Duration::from_secs(1),
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
