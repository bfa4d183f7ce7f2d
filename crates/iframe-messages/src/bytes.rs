use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes as pages send them.
///
/// Read as a typed array (`Uint8Array` through structured clone), as an array of numbers, or as an object with the keys `0`, `1` and so on, which
/// is what `JSON.stringify` makes of a typed array. Written as a typed array where the format has bytes, else as an array of numbers.
///
/// Source: iframe §2.10, §2.15. Choice: IF-5.
#[derive(Clone, PartialEq, Eq, Default, Hash)]
pub struct Bytes(Vec<u8>);

impl Bytes {
    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, without a copy.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }

    /// Writes an array of numbers whatever the format: `encodedData` is `number[]`. Source: iframe §2.10.
    pub(crate) fn serialize_as_numbers<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Bytes {
    /// The number of bytes: a document's content does not belong in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bytes({})", self.0.len())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BytesVisitor).map(Self)
    }
}

const EXPECTED: &str =
    "bytes: a typed array, an array of numbers from 0 to 255, or an object with the keys 0, 1 and so on";

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<u8>, A::Error> {
        // No capacity from a hint: only what has arrived is kept.
        let mut bytes = Vec::new();
        while let Some(Octet(byte)) = list.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }

    /// The keys in any order, since a sorted map writes 10 before 2.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<u8>, A::Error> {
        let mut entries = Vec::new();
        while let Some((Index(index), Octet(byte))) = map.next_entry()? {
            entries.push((index, byte));
        }
        if !entries.is_sorted() {
            entries.sort_unstable();
        }
        if entries.iter().enumerate().any(|(place, (index, _))| place != *index) {
            return Err(A::Error::invalid_value(Unexpected::Map, &EXPECTED));
        }
        Ok(entries.into_iter().map(|(_, byte)| byte).collect())
    }
}

/// One element: JavaScript has one kind of number, so that 1.0 is a byte too.
struct Octet(u8);

impl<'de> Deserialize<'de> for Octet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OctetVisitor)
    }
}

struct OctetVisitor;

impl Visitor<'_> for OctetVisitor {
    type Value = Octet;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number from 0 to 255")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Octet, E> {
        u8::try_from(number).map(Octet).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Octet, E> {
        u8::try_from(number).map(Octet).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number from 0 to 255"
    )]
    fn visit_f64<E: Error>(self, number: f64) -> Result<Octet, E> {
        if number.fract() == 0.0 && (0.0..=255.0).contains(&number) {
            return Ok(Octet(number as u8));
        }
        Err(E::invalid_value(Unexpected::Float(number), &self))
    }
}

/// A key of the object form: a number as JavaScript writes it.
struct Index(usize);

impl<'de> Deserialize<'de> for Index {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IndexVisitor;
        impl Visitor<'_> for IndexVisitor {
            type Value = Index;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(EXPECTED)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Index, E> {
                let digits = text.bytes().all(|byte| byte.is_ascii_digit());
                let canonical = digits && (text == "0" || !text.starts_with('0'));
                let index = text.parse().ok().filter(|_| canonical);
                index.map(Index).ok_or_else(|| E::invalid_value(Unexpected::Other("key"), &self))
            }
        }
        deserializer.deserialize_str(IndexVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<Vec<u8>> {
        serde_json::from_str::<Bytes>(json).ok().map(Bytes::into_vec)
    }

    #[test]
    fn an_array_and_an_object_are_the_same_bytes() {
        assert_eq!(read("[0,7,255]"), Some(vec![0, 7, 255]));
        assert_eq!(read(r#"{"0":0,"1":7.0,"2":255}"#), Some(vec![0, 7, 255]));
        assert_eq!(read("[]"), Some(vec![]));
        assert_eq!(read("{}"), Some(vec![]));
    }

    #[test]
    fn the_keys_may_be_sorted_as_texts() {
        let object: std::collections::BTreeMap<String, u8> =
            (0..120).map(|byte| (byte.to_string(), byte)).collect();
        let json = serde_json::to_string(&object).unwrap();
        assert!(json.starts_with(r#"{"0":0,"1":1,"10":10"#));
        assert_eq!(read(&json), Some((0..120).collect()));
    }

    #[test]
    fn what_is_no_byte_is_refused() {
        for wrong in [
            "[256]",
            "[-1]",
            "[1.5]",
            "[null]",
            "[[1]]",
            "null",
            "7",
            r#""AQ==""#,
            r#"{"1":1}"#,
            r#"{"0":1,"0":2}"#,
            r#"{"0":1,"2":2}"#,
            r#"{"00":1}"#,
            r#"{"+0":1}"#,
            r#"{"length":0}"#,
            r#"{"0":256}"#,
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn json_has_numbers() {
        assert_eq!(serde_json::to_string(&Bytes(vec![1, 2])).unwrap(), "[1,2]");
    }
}
