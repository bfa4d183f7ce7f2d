//! A row that a statement gave, read from the left.

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
pub(crate) struct Row(std::vec::IntoIter<Cell>);

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

    pub(crate) fn integer(&mut self) -> Result<i64, StoreError> {
        self.optional_integer()?.ok_or_else(|| unexpected("a number", Some(&Cell::Null)))
    }

    /// Text. What the document's script left behind may be of another type; it is read as the text it shows as.
    pub(crate) fn optional_text(&mut self) -> Result<Option<String>, StoreError> {
        match self.0.next() {
            Some(Cell::Null) => Ok(None),
            Some(Cell::Text(text)) => Ok(Some(text)),
            Some(Cell::Integer(number)) => Ok(Some(number.to_string())),
            Some(Cell::Bytes(bytes)) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            None => Err(unexpected("text", None)),
        }
    }

    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        self.optional_text()?.ok_or_else(|| unexpected("text", Some(&Cell::Null)))
    }

    pub(crate) fn optional_time(&mut self) -> Result<Option<jiff::Timestamp>, StoreError> {
        self.optional_integer()?.map(time).transpose()
    }

    pub(crate) fn time(&mut self) -> Result<jiff::Timestamp, StoreError> {
        time(self.integer()?)
    }

    pub(crate) fn digest(&mut self) -> Result<[u8; 32], StoreError> {
        match self.0.next() {
            Some(Cell::Bytes(bytes)) => {
                bytes.try_into().map_err(|_| StoreError::broken("a digest is not 32 bytes long"))
            }
            other => Err(unexpected("bytes", other.as_ref())),
        }
    }
}

fn time(seconds: i64) -> Result<jiff::Timestamp, StoreError> {
    jiff::Timestamp::from_second(seconds)
        .map_err(|_| StoreError::broken(format!("the stored time {seconds} is out of range")))
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
