//! Times of day on the wire: RFC 3339, as `2025-12-23T10:30:00Z`.

use jiff::{Timestamp, civil::DateTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Reads what peers write: RFC 3339 with `Z` or an offset; without one, as Python's `utcnow().isoformat()` writes it, UTC is
/// meant. Anything else is no time.
///
/// Source: ipwatch §2.2.
/// Choice: IM-4.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let local: DateTime = text.parse().ok()?;
    // A date alone would be midnight of some place.
    if !text.contains(':') {
        return None;
    }
    jiff::tz::Offset::UTC.to_timestamp(local).ok()
}

/// A field that may be absent or of any shape: a time that cannot be read is none, and no reason to drop the rest.
pub(crate) fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?;
    Ok(value.as_ref().and_then(Value::as_str).and_then(read))
}

/// Writes whole seconds, as the document's examples have them: a peer that reads no fraction is not lost.
pub(crate) fn whole<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    let whole = at.and_then(|at| Timestamp::from_second(at.as_second()).ok());
    whole.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_peers_write() {
        let table = [
            ("2025-12-23T10:30:00Z", Some("2025-12-23T10:30:00Z")),
            ("2025-12-23T11:30:00+01:00", Some("2025-12-23T10:30:00Z")),
            ("2025-12-23T10:30:00", Some("2025-12-23T10:30:00Z")),
            ("2025-12-23T10:30:00.123456", Some("2025-12-23T10:30:00.123456Z")),
            ("2025-12-23 10:30:00", Some("2025-12-23T10:30:00Z")),
            ("2025-12-23", None),
            ("yesterday", None),
            ("", None),
            ("1766485800", None),
        ];
        for (text, expected) in table {
            assert_eq!(read(text).map(|at| at.to_string()).as_deref(), expected, "{text}");
        }
    }
}
