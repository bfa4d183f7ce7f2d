//! How times stand in the tables: as seconds since 1970.

use sql_session::{Row, SqlError};

use crate::UtcTimestamp;

pub(super) trait Times {
    fn optional_time(&mut self) -> Result<Option<UtcTimestamp>, SqlError>;
    fn time(&mut self) -> Result<UtcTimestamp, SqlError>;
}

impl Times for Row {
    fn optional_time(&mut self) -> Result<Option<UtcTimestamp>, SqlError> {
        self.optional_integer()?.map(read).transpose()
    }

    fn time(&mut self) -> Result<UtcTimestamp, SqlError> {
        read(self.integer()?)
    }
}

fn read(seconds: i64) -> Result<UtcTimestamp, SqlError> {
    UtcTimestamp::from_unix(seconds)
        .ok_or_else(|| SqlError::broken(format!("the stored time {seconds} is out of range")))
}
