/// Why the bytes of a request or a reply are not what the protocol says.
///
/// The texts name fields and positions and never repeat a value, so that they may be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are not the JSON that is expected here.
    #[error("{reason}, line {line}, column {column}")]
    Json {
        /// What is wrong, without the value.
        reason: &'static str,
        /// Line, from 1; 0 where the position is unknown.
        line: usize,
        /// Column in bytes.
        column: usize,
    },
    /// A field is present and its value is not allowed.
    #[error("Invalid {field}")]
    Invalid {
        /// The field's name on the wire.
        field: &'static str,
    },
    /// A field that is required is absent, null or empty.
    #[error("Missing {field}")]
    Missing {
        /// The field's name on the wire.
        field: &'static str,
    },
    /// A text body is not UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
}

impl DecodeError {
    /// The field at fault, where there is one.
    #[must_use]
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid { field } | Self::Missing { field } => Some(field),
            Self::Json { .. } | Self::NotUtf8 => None,
        }
    }

    pub(crate) fn from_json(error: &serde_json::Error) -> Self {
        use serde_json::error::Category;
        let reason = match error.classify() {
            Category::Syntax => "not JSON",
            Category::Eof => "the JSON ends early",
            Category::Data => "JSON of another shape than expected",
            Category::Io => "the JSON cannot be read",
        };
        Self::Json { reason, line: error.line(), column: error.column() }
    }

    pub(crate) const fn not_an_object() -> Self {
        Self::Json { reason: "a JSON object is expected", line: 0, column: 0 }
    }
}
