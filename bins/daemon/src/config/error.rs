//! One kind of error for everything that can be wrong with settings.

use super::file::Document;
use super::tree::Origin;
use crate::exit::{Exit, Failure};
use std::fmt;
use std::path::PathBuf;

/// Where the wrong thing stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// A line (from 1) and a column (from 1, in characters) of a file.
    Line {
        /// The file, as it was named.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// A file as a whole.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A flag of the command line.
    Flag(String),
    /// Nowhere: a setting that nobody gave.
    Unset,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "environment variable {name}"),
            Self::Flag(flag) => f.write_str(flag),
            Self::Unset => f.write_str("settings"),
        }
    }
}

impl Place {
    pub(crate) fn of(origin: &Origin, document: Option<&Document>) -> Self {
        match (origin, document) {
            (Origin::File(span), Some(document)) => document.place(span),
            (Origin::Default, Some(document)) => Self::File(document.path.clone()),
            (Origin::Environment(name), _) => Self::Environment(name.clone()),
            (Origin::Flag(flag), _) => Self::Flag(flag.clone()),
            (Origin::File(_) | Origin::Default, None) => Self::Unset,
        }
    }
}

/// A setting that cannot be used: where it stands, what is wrong with it, what to try.
///
/// Its text never holds the value of a secret setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    place: Place,
    message: String,
    snippet: Option<String>,
    help: Option<String>,
    exit: Exit,
}

impl ConfigError {
    pub(crate) fn at(place: Place, message: String) -> Self {
        Self { place, message, snippet: None, help: None, exit: Exit::Configuration }
    }

    pub(crate) fn with_snippet(mut self, snippet: String) -> Self {
        self.snippet = Some(snippet);
        self
    }

    pub(crate) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Adds what to try.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Where it stands.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// What is wrong, without place and help.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        if let Some(snippet) = &self.snippet {
            write!(f, "\n{snippet}")?;
        }
        match &self.help {
            Some(help) => write!(f, "\n  try: {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConfigError {}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(error.exit, error.to_string())
    }
}
