//! The fields of a check-in as they come in, before they are judged: all of them are looked at, so that all faults are named.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::{CheckIn, DecodeError, Field, FieldError, InvalidPacketHash, PacketHash, Problem, Timestamp};

/// A field's value as far as a check-in can hold it.
#[derive(Debug, Default)]
enum Value {
    #[default]
    Absent,
    Text(String),
    Other,
    Twice,
}

/// The six fields, in the order of [`Field::ALL`].
#[derive(Debug, Default)]
pub(crate) struct Fields([Value; 6]);

impl Fields {
    /// Reads JSON. Half of a surrogate pair in an escape (Python writes them for bytes that are no UTF-8) becomes U+FFFD instead of
    /// refusing the check-in. Choice: CI-6.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, DecodeError> {
        if std::str::from_utf8(json).is_err() {
            return Err(DecodeError::Json { reason: "not UTF-8", line: 0, column: 0 });
        }
        let read = || {
            let mut deserializer = serde_json::Deserializer::from_slice(json);
            let fields = deserializer.deserialize_map(FieldsVisitor(PhantomData::<&RawValue>))?;
            deserializer.end()?;
            Ok(fields)
        };
        read().map_err(|error| DecodeError::from_json(&error))
    }

    pub(crate) fn into_check_in(self) -> Result<CheckIn, DecodeError> {
        let [hash, username, message, channel, timestamp, source_bot] = self.0;
        let mut faults = Faults(Vec::new());
        let packet_hash = faults.required(Field::PacketHash, hash).map(PacketHash::new);
        let packet_hash = packet_hash.and_then(|hash| faults.packet_hash(hash));
        let username = faults.required(Field::Username, username);
        let username = username.and_then(|text| faults.not_empty(Field::Username, text));
        let message = faults.required(Field::Message, message);
        let channel = faults.required(Field::Channel, channel);
        let channel = channel.and_then(|text| faults.not_empty(Field::Channel, text));
        let timestamp = faults.required(Field::Timestamp, timestamp).map(Timestamp::new);
        let source_bot = faults.optional(Field::SourceBot, source_bot);
        let Faults(faults) = faults;
        match (packet_hash, username, message, channel, timestamp) {
            (Some(packet_hash), Some(username), Some(message), Some(channel), Some(timestamp))
                if faults.is_empty() =>
            {
                Ok(CheckIn { packet_hash, username, message, channel, timestamp, source_bot })
            }
            _ => Err(DecodeError::Fields(faults)),
        }
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor(PhantomData::<Loose>))
    }
}

struct Faults(Vec<FieldError>);

impl Faults {
    fn add<T>(&mut self, field: Field, problem: Problem) -> Option<T> {
        self.0.push(FieldError { field, problem });
        None
    }

    fn required(&mut self, field: Field, value: Value) -> Option<String> {
        match value {
            Value::Text(text) => Some(text),
            Value::Absent => self.add(field, Problem::Missing),
            Value::Other => self.add(field, Problem::NotText),
            Value::Twice => self.add(field, Problem::Twice),
        }
    }

    /// Absent, null and empty are all "not given".
    fn optional(&mut self, field: Field, value: Value) -> Option<String> {
        match value {
            Value::Absent => None,
            value => self.required(field, value).filter(|text| !text.is_empty()),
        }
    }

    fn not_empty(&mut self, field: Field, text: String) -> Option<String> {
        if text.is_empty() { self.add(field, Problem::Empty) } else { Some(text) }
    }

    fn packet_hash(&mut self, hash: Result<PacketHash, InvalidPacketHash>) -> Option<PacketHash> {
        let problem = match hash {
            Ok(hash) => return Some(hash),
            Err(InvalidPacketHash::Empty) => Problem::Empty,
            Err(InvalidPacketHash::TooLong) => Problem::TooLong,
            Err(InvalidPacketHash::ControlCharacter) => Problem::ControlCharacter,
        };
        self.add(Field::PacketHash, problem)
    }
}

struct FieldsVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de> + Into<Value>> Visitor<'de> for FieldsVisitor<V> {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a check-in")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some(name) = map.next_key::<Name>()? {
            let slot = name.0.and_then(|index| fields.0.get_mut(index));
            match slot {
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
                Some(slot) => {
                    let value = map.next_value::<V>()?.into();
                    // Null beside a value is a second value too, but null and null say the same.
                    *slot = if matches!(slot, Value::Absent) { value } else { Value::Twice };
                }
            }
        }
        Ok(fields)
    }
}

/// A key: the index of a field, or another name.
struct Name(Option<usize>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl Visitor<'_> for NameVisitor {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(Field::ALL.iter().position(|field| field.name() == name)))
            }

            fn visit_bytes<E>(self, name: &[u8]) -> Result<Name, E> {
                Ok(Name(Field::ALL.iter().position(|field| field.name().as_bytes() == name)))
            }
        }
        // As bytes, so that half a surrogate pair in a name that means nothing here refuses nothing.
        deserializer.deserialize_bytes(NameVisitor)
    }
}

impl From<&RawValue> for Value {
    fn from(raw: &RawValue) -> Self {
        match raw.get().as_bytes().first() {
            Some(b'"') => serde_json::from_str(raw.get()).map_or(Self::Other, |Lossy(text)| Self::Text(text)),
            Some(b'n') => Self::Absent,
            _ => Self::Other,
        }
    }
}

/// A JSON text of which what is no Unicode is replaced.
struct Lossy(String);

impl<'de> Deserialize<'de> for Lossy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LossyVisitor;
        impl Visitor<'_> for LossyVisitor {
            type Value = Lossy;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Lossy, E> {
                let mut text = String::with_capacity(bytes.len());
                for chunk in bytes.utf8_chunks() {
                    text.push_str(chunk.valid());
                    // The rest of the JSON is UTF-8, so that only a half can be invalid: ED and two bytes more.
                    if chunk.invalid().first() == Some(&0xed) {
                        text.push(char::REPLACEMENT_CHARACTER);
                    }
                }
                Ok(Lossy(text))
            }
        }
        deserializer.deserialize_bytes(LossyVisitor)
    }
}

/// Any value of any format, of which texts are kept.
struct Loose(Value);

impl From<Loose> for Value {
    fn from(loose: Loose) -> Self {
        loose.0
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor).map(Loose)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Absent)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Absent)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}
