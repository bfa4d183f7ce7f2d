/// Why a database did not do what it was asked. The words are for logs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// Locked, out of space, failing disk, lost connection: the same may succeed later.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database holds, or was given, something that it should not: trying again does not help.
    #[error("the database holds what it should not: {0}")]
    Broken(String),
}

impl SqlError {
    /// A passing failure.
    pub fn unavailable(words: impl Into<String>) -> Self {
        Self::Unavailable(words.into())
    }

    /// A lasting failure.
    pub fn broken(words: impl Into<String>) -> Self {
        Self::Broken(words.into())
    }
}
