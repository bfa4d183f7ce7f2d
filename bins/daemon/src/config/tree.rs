//! The merged settings before they become a struct: values that remember where they came from.

use std::collections::BTreeMap;
use std::ops::Range;
use zeroize::Zeroize;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nothing said it; only the table that holds everything has it.
    Default,
    /// Bytes of the file.
    File(Range<usize>),
    /// An environment variable of this name.
    Environment(String),
    /// A flag, as the person wrote it up to the equals sign.
    Flag(String),
}

/// A value and its origin.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// A key's value, with the place of the key itself.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key_origin: Origin,
    pub(crate) node: Node,
}

pub(crate) type Table = BTreeMap<String, Entry>;

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    /// Text of the environment or of a flag: the setting's type decides what it is.
    Loose(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Array(Vec<Node>),
    Table(Table),
}

impl Value {
    /// The noun used in `expected …, found …`.
    pub(crate) fn noun(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Loose(_) => "text",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number with a fraction",
            Self::Boolean(_) => "true or false",
            Self::Array(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl Node {
    pub(crate) fn empty() -> Self {
        Self { value: Value::Table(Table::new()), origin: Origin::Default }
    }

    /// Puts one value at a path of keys, over whatever is there; tables on the way are made.
    pub(crate) fn set(&mut self, path: &[String], value: Value, origin: &Origin) {
        let Some((first, rest)) = path.split_first() else {
            *self = Self { value, origin: origin.clone() };
            return;
        };
        if !matches!(self.value, Value::Table(_)) {
            *self = Self { value: Value::Table(Table::new()), origin: origin.clone() };
        }
        if let Value::Table(table) = &mut self.value {
            let entry = table.entry(first.clone()).or_insert_with(|| Entry {
                key_origin: origin.clone(),
                node: Self { value: Value::Table(Table::new()), origin: origin.clone() },
            });
            if rest.is_empty() {
                entry.key_origin = origin.clone();
            }
            entry.node.set(rest, value, origin);
        }
    }

    /// Empties every text, and hands over the places in the file where one stood.
    pub(crate) fn wipe(&mut self, wiped: &mut impl FnMut(&Range<usize>)) {
        match &mut self.value {
            Value::Text(text) | Value::Loose(text) => {
                text.zeroize();
                if let Origin::File(span) = &self.origin {
                    wiped(span);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| item.wipe(wiped)),
            Value::Table(table) => table.values_mut().for_each(|entry| entry.node.wipe(wiped)),
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => {}
        }
    }

    /// The deepest node on a dotted path, and whether the whole path was there.
    pub(crate) fn find(&self, path: &str) -> (&Self, bool) {
        let mut node = self;
        for key in path.split('.') {
            let next = match &node.value {
                Value::Table(table) => table.get(key).map(|entry| &entry.node),
                Value::Array(items) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
                _ => None,
            };
            match next {
                Some(next) => node = next,
                None => return (node, false),
            }
        }
        (node, true)
    }
}
