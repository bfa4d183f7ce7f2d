//! Where a list goes on: a place in its order, which stays right whatever arrives meanwhile. Choice: CI-62.

use crate::net::Streaks;
use crate::server::store::{Position, Rank};

/// The last check-in of a page: `<seconds>.<id>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListCursor(pub(crate) Position);

impl ListCursor {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('.')?;
        let cursor = Self(Position { at: at.parse().ok()?, id: id.parse().ok()? });
        // One place has one name.
        (cursor.write() == text).then_some(cursor)
    }

    pub(crate) fn write(&self) -> String {
        format!("{}.{}", self.0.at, self.0.id)
    }
}

/// The last person of a page: `<weeks>.<current>.<longest>.<name>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeaderCursor(pub(crate) Rank);

impl LeaderCursor {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(4, '.');
        let mut number = || parts.next()?.parse().ok();
        let streaks = Streaks { weeks: number()?, current: number()?, longest: number()? };
        let cursor = Self(Rank { streaks, username: parts.next()?.to_owned() });
        (cursor.write() == text).then_some(cursor)
    }

    pub(crate) fn write(&self) -> String {
        let Rank { streaks: Streaks { weeks, current, longest }, username } = &self.0;
        format!("{weeks}.{current}.{longest}.{username}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_one_name() {
        for text in ["0.0", "-5.7", "1741037410.17", "9223372036854775807.-9223372036854775808"] {
            assert_eq!(ListCursor::parse(text).unwrap().write(), text);
        }
        for text in ["", ".", "1", "1.", "01.1", "+1.1", "1.1.1", "1.1 ", "9223372036854775808.1"] {
            assert_eq!(ListCursor::parse(text), None, "{text}");
        }
        for text in ["1.1.1.", "12.3.5.a.b", "1.0.1.📻 x"] {
            assert_eq!(LeaderCursor::parse(text).unwrap().write(), text);
        }
        for text in ["", "1.1.1", "1.1.x.a", "01.1.1.a", "-1.1.1.a", "4294967296.1.1.a"] {
            assert_eq!(LeaderCursor::parse(text), None, "{text}");
        }
    }
}
