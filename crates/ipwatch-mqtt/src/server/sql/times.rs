//! How times stand in the tables: as seconds since 1970.

use jiff::Timestamp;
use sql_session::{Row, SqlError};

pub(super) trait Times {
    fn optional_time(&mut self) -> Result<Option<Timestamp>, SqlError>;
    fn time(&mut self) -> Result<Timestamp, SqlError>;
}

impl Times for Row {
    fn optional_time(&mut self) -> Result<Option<Timestamp>, SqlError> {
        self.optional_integer()?.map(read).transpose()
    }

    fn time(&mut self) -> Result<Timestamp, SqlError> {
        read(self.integer()?)
    }
}

fn read(seconds: i64) -> Result<Timestamp, SqlError> {
    Timestamp::from_second(seconds)
        .map_err(|_| SqlError::broken(format!("the stored time {seconds} is out of range")))
}
