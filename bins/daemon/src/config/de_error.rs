//! What serde's own complaints become: words for a person, and the place they are about.

use super::tree::{Node, Origin};
use serde::de::{self, Expected, Unexpected};
use std::fmt;

/// An error on its way up: the innermost node that knows its place fills it in.
#[derive(Debug)]
pub(crate) struct DeError {
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) origin: Option<Origin>,
    pub(crate) path: Vec<String>,
    pub(crate) secret: bool,
    /// The key itself is wrong, not its value.
    pub(crate) about_key: bool,
    /// The setting is required and nobody gave it.
    pub(crate) missing: bool,
}

impl DeError {
    pub(super) fn new(message: String) -> Self {
        let (help, origin, path) = (None, None, Vec::new());
        Self { message, help, origin, path, secret: false, about_key: false, missing: false }
    }

    pub(super) fn at(mut self, node: &Node, secret: bool) -> Self {
        self.origin.get_or_insert_with(|| node.origin.clone());
        self.secret |= secret;
        self
    }

    pub(super) fn below(mut self, key: String) -> Self {
        self.path.insert(0, key);
        self
    }

    pub(super) fn unknown(what: &str, name: &str, known: &[&str]) -> Self {
        let mut error = Self::new(match nearest(name, known) {
            Some(near) => format!("unknown {what} `{name}`; did you mean `{near}`?"),
            None => format!("unknown {what} `{name}`"),
        });
        if !known.is_empty() {
            error.help = Some(format!("one of {}", known.join(", ")));
        }
        error
    }
}

/// The known name that a person most likely meant.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let lower = name.to_lowercase().replace('-', "_");
    let distance = |candidate: &str| strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
    let best = known.iter().min_by_key(|candidate| distance(candidate))?;
    // A third of the letters wrong is still a slip; more is another word.
    (distance(best) <= (best.chars().count() / 3).max(1)).then_some(*best)
}

impl fmt::Display for DeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DeError {}

impl de::Error for DeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!("expected {expected}, found {found}"))
    }

    fn unknown_variant(name: &str, known: &'static [&'static str]) -> Self {
        Self::unknown("value", name, known)
    }

    fn unknown_field(name: &str, known: &'static [&'static str]) -> Self {
        Self { about_key: true, ..Self::unknown("key", name, known) }
    }

    fn missing_field(field: &'static str) -> Self {
        let mut error = Self::new(format!("`{field}` is not set")).below(field.to_owned());
        error.missing = true;
        error
    }
}
