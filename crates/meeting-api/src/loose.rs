//! JSON read tolerantly: a scalar of any type, decided on afterwards.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::DecodeError;

/// Any JSON value, of which only the scalars are kept.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) enum Loose<'a> {
    #[default]
    Null,
    Bool(bool),
    Integer(i64),
    Text(Cow<'a, str>),
    /// A fraction, a huge number, a list or an object.
    Other,
}

impl<'a> Loose<'a> {
    /// The text; `None` for null and the empty text.
    pub(crate) fn text(self, field: &'static str) -> Result<Option<Cow<'a, str>>, DecodeError> {
        match self {
            Self::Null => Ok(None),
            Self::Text(text) if text.is_empty() => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            Self::Bool(_) | Self::Integer(_) | Self::Other => Err(DecodeError::Invalid { field }),
        }
    }

    /// The text parsed; `None` for null and the empty text.
    pub(crate) fn parsed<T: std::str::FromStr>(self, field: &'static str) -> Result<Option<T>, DecodeError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| DecodeError::Invalid { field })
    }

    /// The same by a conversion.
    pub(crate) fn converted<T: TryFrom<String>>(self, field: &'static str) -> Result<Option<T>, DecodeError> {
        let Some(text) = self.text(field)? else { return Ok(None) };
        T::try_from(text.into_owned()).map(Some).map_err(|_| DecodeError::Invalid { field })
    }

    /// A boolean in one of its forms.
    pub(crate) fn flag(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            Self::Integer(0) | Self::Null => Some(false),
            Self::Integer(1) => Some(true),
            Self::Text(text) => match text.as_ref() {
                "1" | "true" => Some(true),
                "0" | "false" | "" => Some(false),
                _ => None,
            },
            Self::Integer(_) | Self::Other => None,
        }
    }

    /// An integer, also when it is written as a text.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            Self::Null | Self::Bool(_) | Self::Other => None,
        }
    }

    /// What can be written as a text: texts and integers.
    fn into_string(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.into_owned()),
            Self::Integer(number) => Some(number.to_string()),
            Self::Null | Self::Bool(_) | Self::Other => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Loose<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Loose::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Loose::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Loose::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(value).map_or(Loose::Other, Loose::Integer))
    }

    #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53 is exact in both types")]
    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        // To JSON, 1.0 is the integer 1.
        let whole = value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0;
        Ok(if whole { Loose::Integer(value as i64) } else { Loose::Other })
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Loose::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Loose::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Loose::Other)
    }
}

/// A text that may be absent, null, or a number.
pub(crate) fn string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Loose::deserialize(deserializer)?.into_string())
}

/// A value read from its text; what does not parse counts as absent.
pub(crate) fn value<'de, T: TryFrom<String>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(string(deserializer)?.and_then(|text| T::try_from(text).ok()))
}

/// An address; what does not parse counts as absent.
pub(crate) fn address<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<std::net::IpAddr>, D::Error> {
    Ok(string(deserializer)?.and_then(|text| text.parse().ok()))
}

/// A secret text.
pub(crate) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<crate::Secret>, D::Error> {
    Ok(string(deserializer)?.map(crate::Secret::new))
}

/// A count; what is negative or no number counts as 0.
pub(crate) fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = Loose::deserialize(deserializer)?.integer().unwrap_or(0);
    Ok(u32::try_from(number.max(0)).unwrap_or(u32::MAX))
}

/// A list of texts; anything else counts as empty.
pub(crate) fn strings<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let serde_json::Value::Array(items) = value else { return Ok(Vec::new()) };
    Ok(items
        .into_iter()
        .filter_map(|item| match item {
            serde_json::Value::String(text) => Some(text),
            _ => None,
        })
        .collect())
}

/// Decodes a request body: an object, where nothing at all and the empty list (an empty PHP array) are `{}`.
///
/// Choice: MA-7.
pub(crate) fn request<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    let trimmed = bytes.trim_ascii();
    let bytes = if trimmed.is_empty() || trimmed == b"[]" { b"{}" } else { bytes };
    reply(bytes)
}

/// Decodes a reply body: an object.
pub(crate) fn reply<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    // serde would read a list as the fields of a struct in their order.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(not_an_object(bytes));
    }
    serde_json::from_slice(bytes).map_err(|error| DecodeError::from_json(&error))
}

/// The syntax error if there is one, so that garbage is called garbage.
fn not_an_object(bytes: &[u8]) -> DecodeError {
    match serde_json::from_slice::<IgnoredAny>(bytes) {
        Ok(_) => DecodeError::not_an_object(),
        Err(error) => DecodeError::from_json(&error),
    }
}

/// Decodes a list of objects, of which those that cannot be read are left out and counted.
pub(crate) fn readable<T: DeserializeOwned>(items: Vec<serde_json::Value>) -> (Vec<T>, usize) {
    let total = items.len();
    let read: Vec<T> = items
        .into_iter()
        .filter(serde_json::Value::is_object)
        .filter_map(|item| serde_json::from_value(item).ok())
        .collect();
    let unreadable = total - read.len();
    (read, unreadable)
}

/// Encodes a wire value. Its types have string keys and finite numbers only, so that this cannot fail.
pub(crate) fn encode(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
