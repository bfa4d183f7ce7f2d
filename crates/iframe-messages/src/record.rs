//! Values that the protocol passes through: `any` and `Record<string, any>`.

use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Number, Value};

use crate::Limits;

/// Keys by which an object of a page becomes something else than data. Source: iframe §2.11. Choice: IF-4.
pub(crate) const REFUSED_KEYS: [&str; 3] = ["__proto__", "constructor", "prototype"];

/// `any`: a value of any kind, at most [`Limits::MAX_DEPTH`] deep, whose objects have no key twice and none that changes a prototype.
///
/// Source: iframe §2.10. Choice: IF-4.
#[derive(Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Json(Value);

/// `Record<string, …>`: an object, checked like [`Json`].
///
/// What the document names without defining it (`Process`, `ProcessState`, `RoleDefinition`, `MerkleProofResult`) travels as a record too: each back
/// end has its own form of them.
///
/// Source: iframe §2.8, §2.9, §2.11, §2.12, §2.16. Choice: IF-4, IF-7.
#[derive(Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Record(Map<String, Value>);

impl Json {
    /// Checks a value.
    ///
    /// # Errors
    /// [`RefusedValue`] for a key that may not be, or when it is too deep.
    pub fn new(value: Value) -> Result<Self, RefusedValue> {
        check(&value, Limits::MAX_DEPTH)?;
        Ok(Self(value))
    }

    /// The value.
    #[must_use]
    pub const fn as_value(&self) -> &Value {
        &self.0
    }

    /// The value, without a copy.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.0
    }
}

impl Record {
    /// Checks an object.
    ///
    /// # Errors
    /// [`RefusedValue`] for a key that may not be, or when it is too deep.
    pub fn new(map: Map<String, Value>) -> Result<Self, RefusedValue> {
        match Json::new(Value::Object(map))?.0 {
            Value::Object(map) => Ok(Self(map)),
            _ => Ok(Self::default()),
        }
    }

    /// The object.
    #[must_use]
    pub const fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The object, without a copy.
    #[must_use]
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

/// Holds a value against the keys and so many levels.
pub(crate) fn check(value: &Value, depth_left: usize) -> Result<(), RefusedValue> {
    match value {
        Value::Object(map) => {
            let depth_left = depth_left.checked_sub(1).ok_or(RefusedValue::TooDeep)?;
            for (key, value) in map {
                if REFUSED_KEYS.contains(&key.as_str()) {
                    return Err(RefusedValue::Key);
                }
                check(value, depth_left)?;
            }
            Ok(())
        }
        Value::Array(list) => {
            let depth_left = depth_left.checked_sub(1).ok_or(RefusedValue::TooDeep)?;
            list.iter().try_for_each(|value| check(value, depth_left))
        }
        _ => Ok(()),
    }
}

/// Why a value cannot travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefusedValue {
    /// A key is `__proto__`, `constructor` or `prototype`.
    #[error("expected no key __proto__, constructor or prototype")]
    Key,
    /// Objects and lists are nested too deep.
    #[error("expected at most 64 levels")]
    TooDeep,
}

impl fmt::Debug for Json {
    /// No content: it may be private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Json(…)")
    }
}

impl fmt::Debug for Record {
    /// No content: it may be private.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({})", self.0.len())
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Checked { depth_left: Limits::MAX_DEPTH }.deserialize(deserializer).map(Self)
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RecordVisitor;
        impl<'de> Visitor<'de> for RecordVisitor {
            type Value = Record;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Record, A::Error> {
                Checked { depth_left: Limits::MAX_DEPTH }.object(map).map(Record)
            }
        }
        deserializer.deserialize_map(RecordVisitor)
    }
}

/// Reads a value and checks it on the way, so that nothing is built that will be refused.
#[derive(Clone, Copy)]
struct Checked {
    depth_left: usize,
}

impl Checked {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        let depth_left = self.depth_left.checked_sub(1);
        let depth_left = depth_left.ok_or_else(|| {
            E::invalid_value(Unexpected::Other("more"), &"at most 64 levels of objects and lists")
        })?;
        Ok(Self { depth_left })
    }

    fn object<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<Map<String, Value>, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if REFUSED_KEYS.contains(&key.as_str()) {
                let expected = "no key __proto__, constructor or prototype";
                return Err(A::Error::invalid_value(Unexpected::Other("key"), &expected));
            }
            if object.insert(key, map.next_value_seed(inner)?).is_some() {
                return Err(A::Error::invalid_value(Unexpected::Other("key"), &"each key once"));
            }
        }
        Ok(object)
    }
}

impl<'de> DeserializeSeed<'de> for Checked {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Checked {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    /// NaN and the infinities are null, as `JSON.stringify` writes them. Choice: IF-10.
    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    /// A typed array within a record is its numbers. Choice: IF-5.
    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Array(bytes.iter().map(|byte| Value::from(*byte)).collect()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(inner)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        self.object(map).map(Value::Object)
    }
}
