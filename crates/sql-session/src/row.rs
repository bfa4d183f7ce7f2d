use std::str::FromStr;

use crate::SqlError;

/// One value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A number.
    Integer(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// A row that a statement gave, read from the left. Each call takes the next value.
///
/// # Errors
/// Each reader: [`SqlError::Broken`], for a value of another kind than expected is a broken database.
#[derive(Debug)]
pub struct Row(std::vec::IntoIter<Cell>);

#[expect(clippy::missing_errors_doc, reason = "all of them have the error that the type describes")]
impl Row {
    /// A row of these values.
    #[must_use]
    pub fn new(cells: Vec<Cell>) -> Self {
        Self(cells.into_iter())
    }

    /// A number, or nothing.
    pub fn optional_integer(&mut self) -> Result<Option<i64>, SqlError> {
        match self.0.next() {
            Some(Cell::Null) => Ok(None),
            Some(Cell::Integer(number)) => Ok(Some(number)),
            other => Err(unexpected("a number", other.as_ref())),
        }
    }

    /// A number.
    pub fn integer(&mut self) -> Result<i64, SqlError> {
        self.optional_integer()?.ok_or_else(|| unexpected("a number", Some(&Cell::Null)))
    }

    /// A number of another type, in whose range it must be.
    pub fn number<N: TryFrom<i64>>(&mut self) -> Result<N, SqlError> {
        let number = self.integer()?;
        N::try_from(number).map_err(|_| SqlError::broken(format!("{number} is out of range")))
    }

    /// A truth, kept as a number.
    pub fn truth(&mut self) -> Result<bool, SqlError> {
        Ok(self.integer()? != 0)
    }

    /// Text, or nothing.
    pub fn optional_text(&mut self) -> Result<Option<String>, SqlError> {
        match self.0.next() {
            Some(Cell::Null) => Ok(None),
            Some(Cell::Text(text)) => Ok(Some(text)),
            other => Err(unexpected("text", other.as_ref())),
        }
    }

    /// Text.
    pub fn text(&mut self) -> Result<String, SqlError> {
        self.optional_text()?.ok_or_else(|| unexpected("text", Some(&Cell::Null)))
    }

    /// Whatever is there, as the text it shows as; for columns into which other programs wrote.
    pub fn optional_shown(&mut self) -> Result<Option<String>, SqlError> {
        match self.0.next() {
            Some(Cell::Null) => Ok(None),
            Some(Cell::Text(text)) => Ok(Some(text)),
            Some(Cell::Integer(number)) => Ok(Some(number.to_string())),
            Some(Cell::Bytes(bytes)) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            None => Err(unexpected("text", None)),
        }
    }

    /// The same where there must be something.
    pub fn shown(&mut self) -> Result<String, SqlError> {
        self.optional_shown()?.ok_or_else(|| unexpected("text", Some(&Cell::Null)))
    }

    /// A value that is kept as text, or nothing.
    pub fn optional_parsed<T: FromStr>(&mut self) -> Result<Option<T>, SqlError> {
        self.optional_text()?.map(|text| parse(&text)).transpose()
    }

    /// A value that is kept as text.
    pub fn parsed<T: FromStr>(&mut self) -> Result<T, SqlError> {
        parse(&self.text()?)
    }

    /// Bytes of this very length.
    pub fn bytes<const N: usize>(&mut self) -> Result<[u8; N], SqlError> {
        match self.0.next() {
            Some(Cell::Bytes(bytes)) => {
                let length = bytes.len();
                bytes.try_into().map_err(|_| SqlError::broken(format!("{N} bytes expected, {length} found")))
            }
            other => Err(unexpected("bytes", other.as_ref())),
        }
    }
}

fn parse<T: FromStr>(text: &str) -> Result<T, SqlError> {
    // The text may be a secret, so the message does without it.
    text.parse().map_err(|_| SqlError::broken(format!("a stored {} is malformed", short_name::<T>())))
}

fn short_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    name.rsplit("::").next().unwrap_or(name)
}

fn unexpected(wanted: &str, found: Option<&Cell>) -> SqlError {
    let found = match found {
        None => "the end of the row",
        Some(Cell::Null) => "nothing",
        Some(Cell::Integer(_)) => "a number",
        Some(Cell::Text(_)) => "text",
        Some(Cell::Bytes(_)) => "bytes",
    };
    SqlError::broken(format!("{wanted} expected, {found} found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cell: Cell) -> Row {
        Row::new(vec![cell])
    }

    #[test]
    fn values_are_read_as_what_they_are() {
        let mut row = Row::new(vec![
            Cell::Integer(7),
            Cell::Null,
            Cell::Text("x".to_owned()),
            Cell::Integer(1),
            Cell::Text("192.0.2.1".to_owned()),
            Cell::Bytes(vec![1, 2]),
            Cell::Integer(5),
        ]);
        assert_eq!(row.number::<u8>(), Ok(7));
        assert_eq!(row.optional_text(), Ok(None));
        assert_eq!(row.text().as_deref(), Ok("x"));
        assert_eq!(row.truth(), Ok(true));
        assert_eq!(row.parsed(), Ok(std::net::Ipv4Addr::new(192, 0, 2, 1)));
        assert_eq!(row.bytes(), Ok([1, 2]));
        assert_eq!(row.optional_shown(), Ok(Some("5".to_owned())));
        assert_eq!(row.integer(), Err(SqlError::broken("a number expected, the end of the row found")));
    }

    #[test]
    fn what_they_are_not_is_a_broken_database() {
        let broken = |words: &str| Some(SqlError::broken(words));
        assert_eq!(row(Cell::Null).integer().err(), broken("a number expected, nothing found"));
        assert_eq!(row(Cell::Integer(300)).number::<u8>().err(), broken("300 is out of range"));
        assert_eq!(row(Cell::Integer(1)).text().err(), broken("text expected, a number found"));
        assert_eq!(row(Cell::Bytes(vec![0])).bytes::<2>().err(), broken("2 bytes expected, 1 found"));
        let secret = row(Cell::Text("hunter2".to_owned())).parsed::<std::net::Ipv4Addr>().err();
        assert_eq!(secret, broken("a stored Ipv4Addr is malformed"));
    }
}
