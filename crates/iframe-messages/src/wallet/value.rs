//! What of a value is hashed.

use serde_json::{Map, Number, Value};

use super::hash::{Digest, Domain};
use crate::request::FileBlob;

/// The hash of a document under a label, for a commitment: what `HASH_VALUE` gives, and the leaf of the attribute of that name.
///
/// Source: iframe §2.15. Choice: IF-61.
#[must_use]
pub fn document_hash(commited_in: &str, label: &str, document: &FileBlob) -> Digest {
    hash(commited_in, label, &document.kind, document.data.as_slice())
}

/// The hash of an attribute. A value that is a file, `{type, data}`, is hashed as that document; any other as its JSON.
pub(super) fn attribute_hash(commited_in: &str, name: &str, value: &Value) -> Digest {
    if let Some(file) = as_file(value) {
        return document_hash(commited_in, name, &file);
    }
    hash(commited_in, name, "application/json", &canonical(value))
}

fn hash(commited_in: &str, label: &str, kind: &str, bytes: &[u8]) -> Digest {
    Digest::of(Domain::Value, &[commited_in.as_bytes(), label.as_bytes(), kind.as_bytes(), bytes])
}

fn as_file(value: &Value) -> Option<FileBlob> {
    let object = value.as_object().filter(|object| object.len() == 2)?;
    let (kind, data) = (object.get("type")?.as_str()?, object.get("data")?);
    let data = serde_json::from_value(data.clone()).ok()?;
    Some(FileBlob { kind: kind.to_owned(), data })
}

/// One JSON for one value: keys sorted, no blanks, whole numbers without a fraction, as JavaScript cannot tell 1 from 1.0.
pub(super) fn canonical(value: &Value) -> Vec<u8> {
    serde_json::to_vec(&ordered(value)).unwrap_or_default()
}

fn ordered(value: &Value) -> Value {
    match value {
        Value::Array(list) => Value::Array(list.iter().map(ordered).collect()),
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            Value::Object(
                entries.into_iter().map(|(key, value)| (key.clone(), ordered(value))).collect::<Map<_, _>>(),
            )
        }
        Value::Number(number) => Value::Number(whole(number).unwrap_or_else(|| number.clone())),
        other => other.clone(),
    }
}

/// The largest number up to which JavaScript counts in ones.
const MAX_WHOLE: f64 = 9_007_199_254_740_991.0;

#[expect(clippy::cast_possible_truncation, reason = "a whole number that an i64 holds")]
fn whole(number: &Number) -> Option<Number> {
    let float = number.as_f64().filter(|_| number.is_f64())?;
    (float.fract() == 0.0 && float.abs() <= MAX_WHOLE).then(|| Number::from(float as i64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_value_has_one_form() {
        assert_eq!(
            canonical(&json!({"b": [1.0, -2.0, 0.5], "a": {"d": null, "c": "é"}})),
            canonical(&json!({"a": {"c": "é", "d": null}, "b": [1, -2, 0.5]}))
        );
        assert_eq!(canonical(&json!({"b": 1.0, "a": -0.0})), br#"{"a":0,"b":1}"#);
        assert_eq!(canonical(&json!(1e300)), b"1e+300".to_vec());
    }

    /// Computed with Python's hashlib and struct: SHA-256 over the parts behind their lengths.
    #[test]
    fn the_hash_is_the_one_that_others_compute() {
        let document = FileBlob { kind: "text/plain".into(), data: b"hello".to_vec().into() };
        let hash = document_hash("c0", "report", &document);
        assert_eq!(hash.to_string(), "ae08b5b05e736754db946bd59e31951254fb780e48ecf491e8d44f0e62b99221");
        assert_eq!(
            attribute_hash("c0", "report", &json!({"type": "text/plain", "data": [104, 101, 108, 108, 111]})),
            hash
        );
        // Moving a byte from one part to the next changes it.
        assert_ne!(document_hash("c", "0report", &document), hash);
        assert_ne!(document_hash("c0", "repor", &document), hash);
    }
}
