//! The tree as a serde data format whose errors know the place and the path of what is wrong.

use super::access::{Fields, Items};
use super::de_error::DeError;
use super::tree::{Entry, Node, Origin, Table, Value};
use serde::de::{self, IntoDeserializer, Visitor};
use std::cell::RefCell;
use std::fmt;

/// Newtypes of this name are secrets: errors below them show neither value nor line.
pub(crate) const SECRET_MARKER: &str = "$daemon::Secret";

/// Top-level names of the environment that no setting has; another program may own them, so they are not errors.
pub(crate) type Strays = RefCell<Vec<String>>;

/// A node being read.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'n> {
    node: &'n Node,
    pub(super) strays: &'n Strays,
    pub(super) top: bool,
    pub(super) secret: bool,
}

impl<'n> Reader<'n> {
    pub(crate) fn new(node: &'n Node, strays: &'n Strays) -> Self {
        Self { node, strays, top: true, secret: false }
    }

    pub(super) fn child(self, node: &'n Node) -> Self {
        Self { node, top: false, ..self }
    }

    fn wrong(self, expected: impl fmt::Display) -> DeError {
        let found = match &self.node.value {
            _ if self.secret => self.node.value.noun().to_owned(),
            Value::Text(text) | Value::Loose(text) => format!("{text:?}"),
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Boolean(flag) => flag.to_string(),
            value => value.noun().to_owned(),
        };
        DeError::new(format!("expected {expected}, found {found}")).at(self.node, self.secret)
    }

    fn integer(self, low: i128, high: i128) -> Result<i128, DeError> {
        let number = match &self.node.value {
            Value::Integer(number) => Some(i128::from(*number)),
            Value::Loose(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.filter(|number| (low..=high).contains(number)).ok_or_else(|| {
            if high > i128::from(u32::MAX) && low == 0 {
                self.wrong("a whole number, 0 or more")
            } else if high > i128::from(u32::MAX) {
                self.wrong("a whole number")
            } else {
                self.wrong(format_args!("a whole number from {low} to {high}"))
            }
        })
    }

    fn float(self) -> Result<f64, DeError> {
        let number = match &self.node.value {
            Value::Float(number) => Some(*number),
            #[expect(
                clippy::cast_precision_loss,
                reason = "a setting above 2^53 with a fraction has no meaning"
            )]
            Value::Integer(number) => Some(*number as f64),
            Value::Loose(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| self.wrong("a number"))
    }

    /// Lists and tables; for a struct, `known` holds its fields and every other key is refused.
    fn container<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        known: Option<&'static [&'static str]>,
    ) -> Result<V::Value, DeError> {
        match &self.node.value {
            Value::Table(table) => {
                let fields = Fields::new(self, table, known);
                visitor.visit_map(fields).map_err(|error| error.at(self.node, self.secret))
            }
            Value::Array(items) => {
                visitor.visit_seq(Items::new(self, items)).map_err(|error| error.at(self.node, self.secret))
            }
            _ => Err(self.wrong("a list or a table")),
        }
    }

    /// Loose text of the form `[…]` or `{…}` is TOML; a list may also be `a,b,c`.
    fn structured<'de, V: Visitor<'de>>(
        self,
        text: &str,
        visitor: V,
        list: bool,
    ) -> Result<V::Value, DeError> {
        let trimmed = text.trim();
        let node = if trimmed.starts_with('[') || trimmed.starts_with('{') {
            let parsed = toml::de::DeValue::parse(trimmed)
                .map_err(|error| DeError::new(error.message().to_owned()).at(self.node, self.secret))?;
            loosen(parsed.get_ref(), &self.node.origin).ok_or_else(|| self.wrong("a list or a table"))?
        } else if list {
            let item = |text: &str| Node {
                value: Value::Loose(text.trim().to_owned()),
                origin: self.node.origin.clone(),
            };
            let items = trimmed.split(',').filter(|item| !item.trim().is_empty()).map(item).collect();
            Node { value: Value::Array(items), origin: self.node.origin.clone() }
        } else {
            return Err(self.wrong("a table"));
        };
        Reader { node: &node, strays: self.strays, top: false, secret: self.secret }.container(visitor, None)
    }
}

/// TOML inside an environment variable or a flag, every part with the origin of the whole.
fn loosen(value: &toml::de::DeValue<'_>, origin: &Origin) -> Option<Node> {
    use toml::de::DeValue as Toml;
    let value = match value {
        Toml::String(text) => Value::Text(text.clone().into_owned()),
        Toml::Integer(number) => Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()?),
        Toml::Float(number) => Value::Float(number.as_str().parse().ok()?),
        Toml::Boolean(flag) => Value::Boolean(*flag),
        Toml::Datetime(_) => return None,
        Toml::Array(items) => {
            Value::Array(items.iter().map(|item| loosen(item.get_ref(), origin)).collect::<Option<_>>()?)
        }
        Toml::Table(table) => Value::Table(
            table
                .iter()
                .map(|(key, value)| {
                    let node = loosen(value.get_ref(), origin)?;
                    Some((key.get_ref().clone().into_owned(), Entry { key_origin: origin.clone(), node }))
                })
                .collect::<Option<_>>()?,
        ),
    };
    Some(Node { value, origin: origin.clone() })
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
            let number = self.integer(<$type>::MIN.into(), <$type>::MAX.into())?;
            let number = <$type>::try_from(number).map_err(|_| self.wrong("a whole number"))?;
            visitor.$visit(number).map_err(|error: DeError| error.at(self.node, self.secret))
        }
    )*};
}

/// Strings are always copied, so that any lifetime will do for the visitor.
impl<'de> de::Deserializer<'de> for Reader<'_> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let result = match &self.node.value {
            Value::Loose(text) if !self.secret && text.trim_start().starts_with(['[', '{']) => {
                return self.structured(text, visitor, true);
            }
            Value::Text(text) | Value::Loose(text) => visitor.visit_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Boolean(flag) => visitor.visit_bool(*flag),
            Value::Array(_) | Value::Table(_) => return self.container(visitor, None),
        };
        result.map_err(|error: DeError| error.at(self.node, self.secret))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let flag = match &self.node.value {
            Value::Boolean(flag) => *flag,
            Value::Loose(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => true,
                "false" | "no" | "off" | "0" => false,
                _ => return Err(self.wrong("true or false")),
            },
            _ => return Err(self.wrong("true or false")),
        };
        visitor.visit_bool(flag).map_err(|error: DeError| error.at(self.node, self.secret))
    }

    integers!(
        deserialize_u8 visit_u8 u8, deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64, deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32, deserialize_i64 visit_i64 i64
    );

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_f64(self.float()?).map_err(|error: DeError| error.at(self.node, self.secret))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match &self.node.value {
            Value::Text(text) | Value::Loose(text) => {
                visitor.visit_str(text).map_err(|error: DeError| error.at(self.node, self.secret))
            }
            _ => Err(self.wrong("text in quotes")),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        visitor.visit_newtype_struct(Self { secret: self.secret || name == SECRET_MARKER, ..self })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match &self.node.value {
            Value::Array(_) => self.container(visitor, None),
            Value::Loose(text) => self.structured(text, visitor, true),
            _ => Err(self.wrong("a list")),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, DeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match &self.node.value {
            Value::Table(_) => self.container(visitor, None),
            Value::Loose(text) => self.structured(text, visitor, false),
            _ => Err(self.wrong("a table")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        match &self.node.value {
            Value::Table(_) => self.container(visitor, Some(fields)),
            _ => self.deserialize_map(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        match &self.node.value {
            Value::Text(text) | Value::Loose(text) => visitor
                .visit_enum(text.trim().into_deserializer())
                .map_err(|error: DeError| error.at(self.node, self.secret)),
            Value::Table(_) => {
                let fields = Fields::new(self, table_of(self.node), None);
                visitor
                    .visit_enum(de::value::MapAccessDeserializer::new(fields))
                    .map_err(|error| error.at(self.node, self.secret))
            }
            _ => Err(self.wrong(format_args!("one of {}", variants.join(", ")))),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_str(visitor)
    }

    serde::forward_to_deserialize_any! { bytes byte_buf unit unit_struct ignored_any }
}

fn table_of(node: &Node) -> &Table {
    static EMPTY: Table = Table::new();
    match &node.value {
        Value::Table(table) => table,
        _ => &EMPTY,
    }
}
