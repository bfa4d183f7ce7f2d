//! The keys of a table and the items of a list, as serde walks them; unknown keys are refused here.

use super::de::Reader;
use super::de_error::DeError;
use super::tree::{Entry, Node, Origin, Table, Value};
use serde::de::{self, DeserializeSeed, IntoDeserializer};
use std::collections::btree_map;
use std::slice;

/// The keys of a table, one after the other.
pub(super) struct Fields<'n> {
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

impl<'n> Fields<'n> {
    pub(super) fn new(reader: Reader<'n>, table: &'n Table, known: Option<&'static [&'static str]>) -> Self {
        Self { reader, entries: table.iter(), value: None, known }
    }
}

/// The items of a list, one after the other.
pub(super) struct Items<'n> {
    reader: Reader<'n>,
    items: slice::Iter<'n, Node>,
    index: usize,
}

impl<'n> Items<'n> {
    pub(super) fn new(reader: Reader<'n>, items: &'n [Node]) -> Self {
        Self { reader, items: items.iter(), index: 0 }
    }
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
