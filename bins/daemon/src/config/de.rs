//! The tree as a serde data format whose errors know the place and the path of what is wrong.

use super::tree::{Entry, Node, Origin, Value};
use serde::de::{self, DeserializeSeed, Expected, IntoDeserializer, Unexpected, Visitor};
use std::cell::RefCell;
use std::collections::btree_map;
use std::fmt;
use std::slice;

/// Newtypes of this name are secrets: errors below them show neither value nor line.
pub(crate) const SECRET_MARKER: &str = "$daemon::Secret";

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
    fn new(message: String) -> Self {
        let (help, origin, path) = (None, None, Vec::new());
        Self { message, help, origin, path, secret: false, about_key: false, missing: false }
    }

    fn at(mut self, node: &Node, secret: bool) -> Self {
        self.origin.get_or_insert_with(|| node.origin.clone());
        self.secret |= secret;
        self
    }

    fn below(mut self, key: String) -> Self {
        self.path.insert(0, key);
        self
    }

    fn unknown(what: &str, name: &str, known: &[&str]) -> Self {
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

/// Top-level names of the environment that no setting has; another program may own them, so they are not errors.
pub(crate) type Strays = RefCell<Vec<String>>;

/// A node being read.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'n> {
    node: &'n Node,
    strays: &'n Strays,
    top: bool,
    secret: bool,
}

impl<'n> Reader<'n> {
    pub(crate) fn new(node: &'n Node, strays: &'n Strays) -> Self {
        Self { node, strays, top: true, secret: false }
    }

    fn child(self, node: &'n Node) -> Self {
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
                let fields = Fields { reader: self, entries: table.iter(), value: None, known };
                visitor.visit_map(fields).map_err(|error| error.at(self.node, self.secret))
            }
            Value::Array(items) => visitor
                .visit_seq(Items { reader: self, items: items.iter(), index: 0 })
                .map_err(|error| error.at(self.node, self.secret)),
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
                let fields =
                    Fields { reader: self, entries: table_of(self.node).iter(), value: None, known: None };
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

fn table_of(node: &Node) -> &super::tree::Table {
    static EMPTY: super::tree::Table = super::tree::Table::new();
    match &node.value {
        Value::Table(table) => table,
        _ => &EMPTY,
    }
}

/// The keys of a table, one after the other.
struct Fields<'n> {
    reader: Reader<'n>,
    entries: btree_map::Iter<'n, String, Entry>,
    value: Option<(&'n String, &'n Node)>,
    known: Option<&'static [&'static str]>,
}

impl Fields<'_> {
    /// Whether to skip a key that the struct does not have, or the error that it deserves.
    fn check(&self, key: &str, entry: &Entry) -> Result<bool, DeError> {
        let Some(known) = self.known.filter(|known| !known.contains(&key)) else { return Ok(false) };
        if let (true, Origin::Environment(name), false) =
            (self.reader.top, &entry.key_origin, table_like(entry))
        {
            self.reader.strays.borrow_mut().push(name.clone());
            return Ok(true);
        }
        let mut error = DeError { about_key: true, ..DeError::unknown("key", key, known) };
        error.origin = Some(entry.key_origin.clone());
        Err(error.below(key.to_owned()))
    }
}

/// `AGENT_TUNEL__HOST` is meant for us, because nobody else writes two underscores; `AGENT_HOME` may be anybody's.
fn table_like(entry: &Entry) -> bool {
    matches!(entry.node.value, Value::Table(_))
}

impl<'de> de::MapAccess<'de> for Fields<'_> {
    type Error = DeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, DeError> {
        while let Some((key, entry)) = self.entries.next() {
            if self.check(key, entry)? {
                continue;
            }
            self.value = Some((key, &entry.node));
            return seed.deserialize(key.as_str().into_deserializer()).map(Some).map_err(
                |mut error: DeError| {
                    error.origin.get_or_insert_with(|| entry.key_origin.clone());
                    error.about_key = true;
                    error.below(key.clone())
                },
            );
        }
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, DeError> {
        let Some((key, node)) = self.value.take() else {
            return Err(DeError::new("a value was asked for before its key".into()));
        };
        seed.deserialize(self.reader.child(node))
            .map_err(|error| error.at(node, self.reader.secret).below(key.clone()))
    }
}

/// The items of a list, one after the other.
struct Items<'n> {
    reader: Reader<'n>,
    items: slice::Iter<'n, Node>,
    index: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = DeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, DeError> {
        let Some(node) = self.items.next() else { return Ok(None) };
        let index = self.index.to_string();
        self.index += 1;
        seed.deserialize(self.reader.child(node))
            .map(Some)
            .map_err(|error| error.at(node, self.reader.secret).below(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}
