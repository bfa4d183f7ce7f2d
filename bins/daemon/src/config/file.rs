//! A TOML file read into the tree, and places in it shown to people.

use super::error::{ConfigError, Place};
use super::tree::{Entry, Node, Origin, Table, Value};
use crate::exit::Exit;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A configuration file larger than this is a mistake (a device, a log): 1 MiB.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A file's name and text, kept to point at lines.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Document {
    /// Reads a file; `Ok(None)` when it does not exist.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, ConfigError> {
        let fail =
            |exit, message: String| ConfigError::at(Place::File(path.to_owned()), message).with_exit(exit);
        let mut bytes = Vec::new();
        let read =
            std::fs::File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
        match read {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fail(Exit::for_io(&error), format!("cannot be read: {error}"))),
            Ok(_) => {}
        }
        if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_FILE_BYTES {
            return Err(fail(Exit::Configuration, "is larger than 1 MiB".into()));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(Self { path: path.to_owned(), text })),
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let lines = error.as_bytes().iter().take(valid).filter(|byte| **byte == b'\n').count();
                Err(fail(Exit::Configuration, format!("line {} is not UTF-8 text", lines + 1)))
            }
        }
    }

    /// The whole file as a tree.
    pub(crate) fn parse(&self) -> Result<Node, ConfigError> {
        let table = DeTable::parse(&self.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            ConfigError::at(self.place(&span), error.message().replace('\n', "; "))
                .with_snippet(self.snippet(&span, true))
        })?;
        let span = table.span();
        Ok(Node { value: Value::Table(self.table(table.get_ref())?), origin: Origin::File(span) })
    }

    fn table(&self, table: &DeTable<'_>) -> Result<Table, ConfigError> {
        let mut entries = Table::new();
        for (key, value) in table {
            let entry = Entry { key_origin: Origin::File(key.span()), node: self.node(value)? };
            entries.insert(key.get_ref().clone().into_owned(), entry);
        }
        Ok(entries)
    }

    fn node(&self, value: &Spanned<DeValue<'_>>) -> Result<Node, ConfigError> {
        let span = value.span();
        let refuse = |message: &str| {
            ConfigError::at(self.place(&span), message.to_owned()).with_snippet(self.snippet(&span, true))
        };
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.clone().into_owned()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map(Value::Integer)
                .map_err(|_| refuse("this number is too large"))?,
            DeValue::Float(number) => {
                number.as_str().parse().map(Value::Float).map_err(|_| refuse("this is not a number"))?
            }
            DeValue::Boolean(flag) => Value::Boolean(*flag),
            DeValue::Datetime(_) => return Err(refuse("no setting is a date; did you mean text in quotes?")),
            DeValue::Array(items) => {
                Value::Array(items.iter().map(|item| self.node(item)).collect::<Result<_, _>>()?)
            }
            DeValue::Table(table) => Value::Table(self.table(table)?),
        };
        Ok(Node { value, origin: Origin::File(span) })
    }

    /// Overwrites a value with as many spaces as it has bytes; lines stay where they are.
    pub(crate) fn wipe(&mut self, span: &Range<usize>) {
        let Some(value) = self.text.get(span.clone()) else { return };
        let blank: String = value.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
        self.text.replace_range(span.clone(), &blank);
    }

    pub(crate) fn place(&self, span: &Range<usize>) -> Place {
        let (line, column) = self.line_and_column(span.start);
        Place::Line { path: self.path.clone(), line, column }
    }

    fn line_and_column(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset.min(self.text.len())).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (line, column)
    }

    /// The line with the span underlined. A value is shown only if it cannot be a secret.
    pub(crate) fn snippet(&self, span: &Range<usize>, show_value: bool) -> String {
        let (line, column) = self.line_and_column(span.start);
        let source = self.text.lines().nth(line - 1).unwrap_or("").replace('\t', " ");
        let visible = match source.split_once('=') {
            Some((key, _)) if !show_value || may_be_secret(key) => format!("{key}= …"),
            None if may_be_secret(&source) => "…".to_owned(),
            _ => source,
        };
        let spanned = self.text.get(span.clone()).unwrap_or("").lines().next().unwrap_or("").chars().count();
        let room = visible.chars().count().saturating_sub(column - 1);
        let carets = "^".repeat(spanned.clamp(1, room.max(1)));
        let number = line.to_string();
        let margin = " ".repeat(number.len());
        let indent = " ".repeat((column - 1).min(visible.chars().count()));
        format!("{margin} |\n{number} | {visible}\n{margin} | {indent}{carets}")
    }
}

/// Whether a line with this key may hold a secret, judged by its name, because the line may be too broken to parse.
fn may_be_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["token", "secret", "password", "passwd", "bearer", "credential"].iter().any(|word| key.contains(word))
}
