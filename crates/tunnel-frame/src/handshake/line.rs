//! One line of JSON at the front of a stream, within a cap.

use serde::de::DeserializeOwned;
use std::fmt;

/// Why the bytes at the front of a stream are not the line that was expected.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LineError {
    /// The first byte starts neither a JSON object nor, where that is allowed, a frame.
    NotJson {
        /// The byte found.
        first: u8,
    },
    /// The line has no end within the cap.
    TooLong {
        /// The cap in bytes, line end included.
        limit: usize,
    },
    /// The line is not an object with the fields that the document asks for. The text says where; it never quotes a
    /// value.
    Malformed {
        /// Column of the line at which reading stopped, from 1; 0 if unknown.
        column: usize,
        /// What kind of mistake it is.
        problem: &'static str,
    },
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotJson { first } => write!(f, "expected a JSON line, found byte {first:#04x}"),
            Self::TooLong { limit } => write!(f, "handshake line is longer than {limit} bytes"),
            Self::Malformed { column, problem } => write!(f, "handshake line: {problem} at column {column}"),
        }
    }
}

impl std::error::Error for LineError {}

/// The line at the front of `input` without its end, and the bytes that it takes with it.
fn split(input: &[u8], limit: usize) -> Result<Option<(&[u8], usize)>, LineError> {
    let blanks = input.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    if let Some(&first) = input.get(blanks).filter(|&&first| first != b'{') {
        return Err(LineError::NotJson { first });
    }
    let within = input.get(..limit.min(input.len())).unwrap_or(input);
    match within.iter().position(|&byte| byte == b'\n') {
        Some(end) => Ok(Some((within.get(..end).unwrap_or(within), end.saturating_add(1)))),
        None if input.len() >= limit => Err(LineError::TooLong { limit }),
        None => Ok(None),
    }
}

/// Reads one line as JSON.
pub(super) fn decode<T: DeserializeOwned>(
    input: &[u8],
    limit: usize,
) -> Result<Option<(T, usize)>, LineError> {
    let Some((line, used)) = split(input, limit)? else { return Ok(None) };
    match serde_json::from_slice(line) {
        Ok(value) => Ok(Some((value, used))),
        Err(error) => Err(LineError::Malformed {
            column: error.column(),
            problem: match error.classify() {
                serde_json::error::Category::Data => "a field is missing or not what it should be",
                _ => "not JSON",
            },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_within_the_cap_or_not_at_all() {
        assert_eq!(split(b"{}\nN", 16), Ok(Some((&b"{}"[..], 3))));
        assert_eq!(split(b"{}", 3), Ok(None));
        assert_eq!(split(b"{}\n", 3), Ok(Some((&b"{}"[..], 3))));
        assert_eq!(split(b"{ }\n", 3), Err(LineError::TooLong { limit: 3 }));
        assert_eq!(split(b"", 3), Ok(None));
        assert_eq!(split(b"\x16\x03\x01", 64), Err(LineError::NotJson { first: 0x16 }));
    }
}
