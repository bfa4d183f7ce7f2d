use std::fmt;

/// A field of a check-in, by its name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Field {
    /// `packet_hash`
    PacketHash,
    /// `username`
    Username,
    /// `message`
    Message,
    /// `channel`
    Channel,
    /// `timestamp`
    Timestamp,
    /// `source_bot`
    SourceBot,
}

impl Field {
    /// All of them, in the order of the document.
    pub const ALL: [Self; 6] =
        [Self::PacketHash, Self::Username, Self::Message, Self::Channel, Self::Timestamp, Self::SourceBot];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PacketHash => "packet_hash",
            Self::Username => "username",
            Self::Message => "message",
            Self::Channel => "channel",
            Self::Timestamp => "timestamp",
            Self::SourceBot => "source_bot",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Problem {
    /// It is absent or null.
    Missing,
    /// It is a text with nothing in it, where something must be.
    Empty,
    /// It is no text but another kind of JSON.
    NotText,
    /// It occurs twice: two readers could take different ones.
    Twice,
    /// It is longer than allowed.
    TooLong,
    /// It holds a control character, where none may be.
    ControlCharacter,
}

impl Problem {
    const fn words(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Empty => "empty",
            Self::NotText => "not a text",
            Self::Twice => "given twice",
            Self::TooLong => "too long",
            Self::ControlCharacter => "with a control character",
        }
    }
}

/// A field at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FieldError {
    /// Which.
    pub field: Field,
    /// What is wrong with it.
    pub problem: Problem,
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.problem.words())
    }
}

/// Why bytes are no check-in.
///
/// The texts name fields and positions and never repeat a value, so that they may be logged.
///
/// Source: checkin §3.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are no JSON object in UTF-8.
    Json {
        /// What is wrong, without the value.
        reason: &'static str,
        /// Line, from 1; 0 where the position is unknown.
        line: usize,
        /// Column in bytes.
        column: usize,
    },
    /// Fields are missing or wrong: every one of them, in the document's order.
    Fields(Vec<FieldError>),
}

impl DecodeError {
    /// The fields at fault, in the document's order; none where the bytes are no JSON.
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        match self {
            Self::Json { .. } => &[],
            Self::Fields(fields) => fields,
        }
    }

    pub(crate) fn from_json(error: &serde_json::Error) -> Self {
        use serde_json::error::Category;
        let reason = match error.classify() {
            Category::Syntax => "not JSON",
            Category::Eof => "the JSON ends early",
            Category::Data => "a JSON object is expected",
            Category::Io => "the JSON cannot be read",
        };
        Self::Json { reason, line: error.line(), column: error.column() }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { reason, line: 0, .. } => f.write_str(reason),
            Self::Json { reason, line, column } => write!(f, "{reason}, line {line}, column {column}"),
            Self::Fields(fields) => {
                for (index, field) in fields.iter().enumerate() {
                    let between = if index == 0 { "" } else { ", " };
                    write!(f, "{between}{field}")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for DecodeError {}
