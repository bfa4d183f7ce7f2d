use std::fmt;

use crate::Limits;
use crate::decode::Found;

/// Why a message of this protocol cannot be understood.
///
/// The text names a field and what is expected there, and never repeats a value, so that it may be logged and sent back.
///
/// Choice: IF-11.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    field: Option<String>,
    problem: String,
}

/// Longest name of a field in an error: names come from the peer.
const MAX_FIELD_CHARS: usize = 64;

impl DecodeError {
    /// The field at fault, where one is.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    pub(crate) fn too_large(limits: Limits) -> Self {
        let problem = format!("expected at most {} bytes", limits.max_message_bytes());
        Self { field: None, problem }
    }

    /// The texts of the JSON reader hold the value at fault, in front of what is expected there; only the latter is kept.
    pub(crate) fn from_json(error: &serde_json::Error, found: &Found<'_>) -> Self {
        let text = error.to_string();
        let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
        let named = |problem: &str| {
            let rest = text.strip_prefix(problem)?;
            let name = rest.strip_prefix(" field `")?.strip_suffix('`')?;
            Some(Self { field: Some(name.to_owned()), problem: format!("{problem} field") })
        };
        if let Some(error) = named("missing").or_else(|| named("duplicate")) {
            return error;
        }
        let field = found.last_field().map(|name| name.chars().take(MAX_FIELD_CHARS).collect());
        let expected = text.rsplit_once(", expected ").or_else(|| text.rsplit_once("expected "));
        let problem = match expected {
            Some((_, expected)) => format!("expected {expected}"),
            None => "not JSON".to_owned(),
        };
        Self { field, problem }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.problem),
            None => f.write_str(&self.problem),
        }
    }
}

impl std::error::Error for DecodeError {}
