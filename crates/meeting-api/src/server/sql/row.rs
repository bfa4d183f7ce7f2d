//! A row that a statement gave, read from the left.

use std::str::FromStr;

use crate::UtcTimestamp;
use crate::server::store::StoreError;

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Nothing.
    Null,
    /// A number.
    Integer(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// One row. Each call takes the next value; a value of another kind than expected is a broken database.
#[derive(Debug)]
pub struct Row(std::vec::IntoIter<Cell>);

impl Row {
    pub(crate) fn new(cells: Vec<Cell>) -> Self {
        Self(cells.into_iter())
    }

    pub(crate) fn optional_integer(&mut self) -> Result<Option<i64>, StoreError> {
        match self.0.next() {
            Some(Cell::Null) => Ok(None),
            Some(Cell::Integer(number)) => Ok(Some(number)),
            other => Err(unexpected("a number", other.as_ref())),
        }
    }

    pub(super) fn integer(&mut self) -> Result<i64, StoreError> {
        self.optional_integer()?.ok_or_else(|| unexpected("a number", Some(&Cell::Null)))
    }

    pub(super) fn number<N: TryFrom<i64>>(&mut self) -> Result<N, StoreError> {
        let number = self.integer()?;
        N::try_from(number).map_err(|_| StoreError::broken(format!("{number} is out of range")))
    }

    pub(super) fn truth(&mut self) -> Result<bool, StoreError> {
        Ok(self.integer()? != 0)
    }

    pub(super) fn optional_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.0.next() {
            Some(Cell::Null) => Ok(None),
            Some(Cell::Text(text)) => Ok(Some(text)),
            other => Err(unexpected("text", other.as_ref())),
        }
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        self.optional_text()?.ok_or_else(|| unexpected("text", Some(&Cell::Null)))
    }

    pub(super) fn optional_parsed<T: FromStr>(&mut self) -> Result<Option<T>, StoreError> {
        self.optional_text()?.map(|text| parse(&text)).transpose()
    }

    pub(super) fn parsed<T: FromStr>(&mut self) -> Result<T, StoreError> {
        parse(&self.text()?)
    }

    pub(super) fn optional_time(&mut self) -> Result<Option<UtcTimestamp>, StoreError> {
        self.optional_integer()?.map(time).transpose()
    }

    pub(super) fn time(&mut self) -> Result<UtcTimestamp, StoreError> {
        time(self.integer()?)
    }

    pub(super) fn digest(&mut self) -> Result<[u8; 32], StoreError> {
        match self.0.next() {
            Some(Cell::Bytes(bytes)) => {
                bytes.try_into().map_err(|_| StoreError::broken("a digest is not 32 bytes long"))
            }
            other => Err(unexpected("bytes", other.as_ref())),
        }
    }
}

fn parse<T: FromStr>(text: &str) -> Result<T, StoreError> {
    // The text may be a secret, so the message does without it.
    text.parse().map_err(|_| StoreError::broken(format!("a stored {} is malformed", short_name::<T>())))
}

fn short_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    name.rsplit("::").next().unwrap_or(name)
}

fn time(seconds: i64) -> Result<UtcTimestamp, StoreError> {
    UtcTimestamp::from_unix(seconds)
        .ok_or_else(|| StoreError::broken(format!("the stored time {seconds} is out of range")))
}

fn unexpected(wanted: &str, found: Option<&Cell>) -> StoreError {
    let found = match found {
        None => "the end of the row",
        Some(Cell::Null) => "nothing",
        Some(Cell::Integer(_)) => "a number",
        Some(Cell::Text(_)) => "text",
        Some(Cell::Bytes(_)) => "bytes",
    };
    StoreError::broken(format!("{wanted} expected, {found} found"))
}
