//! Check-ins, page by page.

use jiff::Timestamp;
use jiff::tz::Offset;

use super::super::{Row, Sql, SqlError, Value};
use crate::net::Moment;
use crate::server::store::{Direction, Filter, PageRequest, Position, Record};

/// What of a check-in is read, and that it was sent in the period: `?3` to `?8`. A time without an offset is known by having no
/// instant and not being that of its arrival (Choice: CI-54).
macro_rules! page {
    ($from:literal, $after:literal, $order:literal) => {
        concat!(
            "SELECT c.id, c.at, c.instant, c.received_at, c.packet_hash, c.username, c.message, c.channel, c.timestamp, \
             c.source_bot, c.key_name, \
             (SELECT string_agg(octet_length(h.bot) || ' ' || h.at || ' ' || h.bot, '' ORDER BY h.at, h.bot) \
             FROM heard h WHERE h.check_in = c.id) FROM ",
            $from,
            " AND ",
            $after,
            " AND c.at >= ?3 AND c.at < ?4 AND CASE WHEN c.instant IS NULL AND c.at <> c.received_at \
             THEN c.at >= ?7 AND c.at < ?8 ELSE c.at >= ?5 AND c.at < ?6 END AND c.id <= ?9 ORDER BY ",
            $order,
            " LIMIT ?10"
        )
    };
}

/// The same list newest first and oldest first.
macro_rules! both_ways {
    ($from:literal) => {
        (
            page!($from, "(c.at, c.id) < (?1, ?2)", "c.at DESC, c.id DESC"),
            page!($from, "(c.at, c.id) > (?1, ?2)", "c.at, c.id"),
        )
    };
}

type BothWays = (&'static str, &'static str);

/// By the index on time.
const ALL: BothWays = both_ways!("check_ins c WHERE TRUE");
/// By the index on channel and time.
const OF_CHANNEL: BothWays = both_ways!("check_ins c WHERE lower(trim(c.channel)) = ?11");
/// By the index on channel, person and time.
const OF_PERSON: BothWays = both_ways!("check_ins c WHERE lower(trim(c.channel)) = ?11 AND c.username = ?12");
/// The channels are few: each is found by the index, and the person on each of them.
const OF_PERSON_ANYWHERE: BothWays = both_ways!(
    "check_ins c WHERE lower(trim(c.channel)) IN (WITH RECURSIVE k(name) AS (SELECT MIN(lower(trim(channel))) FROM check_ins \
     UNION ALL SELECT (SELECT MIN(lower(trim(channel))) FROM check_ins WHERE lower(trim(channel)) > k.name) FROM k \
     WHERE k.name IS NOT NULL) SELECT name FROM k WHERE name IS NOT NULL) AND c.username = ?11"
);
/// By the index on bots, in the order of arrival. SQLite takes the tables of a CROSS JOIN in the order in which they stand.
const OF_BOT: BothWays = (
    page!(
        "heard b CROSS JOIN check_ins c WHERE c.id = b.check_in AND b.bot = ?11 \
         AND (CAST(?12 AS TEXT) IS NULL OR lower(trim(c.channel)) = ?12) AND (CAST(?13 AS TEXT) IS NULL OR c.username = ?13)",
        "b.check_in < ?2 AND CAST(?1 AS BIGINT) IS NOT NULL",
        "b.check_in DESC"
    ),
    page!(
        "heard b CROSS JOIN check_ins c WHERE c.id = b.check_in AND b.bot = ?11 \
         AND (CAST(?12 AS TEXT) IS NULL OR lower(trim(c.channel)) = ?12) AND (CAST(?13 AS TEXT) IS NULL OR c.username = ?13)",
        "b.check_in > ?2 AND CAST(?1 AS BIGINT) IS NOT NULL",
        "b.check_in"
    ),
);

/// Every statement, for a test of how SQLite runs them.
#[cfg(all(test, feature = "sqlite"))]
pub(super) const STATEMENTS: [(&str, BothWays); 5] = [
    ("all", ALL),
    ("of a channel", OF_CHANNEL),
    ("of a person on a channel", OF_PERSON),
    ("of a person", OF_PERSON_ANYWHERE),
    ("of a bot", OF_BOT),
];

pub(in crate::server::sql) fn records(
    sql: &mut dyn Sql,
    filter: &Filter,
    page: &PageRequest,
) -> Result<Vec<Record>, SqlError> {
    let Filter { channel, user, bot, period } = filter;
    let newest_first = page.direction == Direction::NewestFirst;
    let end = if newest_first { i64::MAX } else { i64::MIN };
    let after = page.after.unwrap_or(Position { at: end, id: end });
    let mut values = vec![
        Value::Integer(after.at),
        Value::Integer(after.id),
        Value::Integer(period.from.min(period.local_from)),
        Value::Integer(period.to.max(period.local_to)),
        Value::Integer(period.from),
        Value::Integer(period.to),
        Value::Integer(period.local_from),
        Value::Integer(period.local_to),
        Value::Integer(page.newest.unwrap_or(i64::MAX)),
        Value::Integer(page.limit.into()),
    ];
    let text = |text: &'_ Option<String>| text.as_deref().map(str::to_owned);
    let (channel, user, bot) = (text(channel), text(user), text(bot));
    let statements = match (&channel, &user, &bot) {
        (_, _, Some(bot)) => {
            values.push(Value::Text(bot));
            values.push(Value::optional_text(channel.as_deref()));
            values.push(Value::optional_text(user.as_deref()));
            OF_BOT
        }
        (Some(channel), Some(user), None) => {
            values.extend([Value::Text(channel), Value::Text(user)]);
            OF_PERSON
        }
        (Some(channel), None, None) => {
            values.push(Value::Text(channel));
            OF_CHANNEL
        }
        (None, Some(user), None) => {
            values.push(Value::Text(user));
            OF_PERSON_ANYWHERE
        }
        (None, None, None) => ALL,
    };
    let statement = if newest_first { statements.0 } else { statements.1 };
    sql.run(statement, &values)?.into_iter().map(record).collect()
}

fn record(mut row: Row) -> Result<Record, SqlError> {
    let (id, at) = (row.integer()?, row.integer()?);
    let (instant, received_at) = (row.optional_integer()?, row.integer()?);
    Ok(Record {
        position: Position { at, id },
        moment: moment(at, instant, received_at),
        packet_hash: as_sent(row.optional_shown()?.unwrap_or_default()),
        username: row.shown()?,
        message: row.shown()?,
        channel: row.shown()?,
        timestamp: row.shown()?,
        source_bot: row.optional_shown()?,
        key: row.shown()?,
        heard_by: hearings(&row.optional_shown()?.unwrap_or_default()),
        received_at: time(received_at),
    })
}

/// The hash without what makes an all-zero one unique in the store.
fn as_sent(mut identity: String) -> String {
    if let Some((zeros, digest)) = identity.split_once('/')
        && digest.len() == 32
        && !zeros.is_empty()
        && zeros.bytes().all(|byte| byte == b'0')
    {
        identity.truncate(zeros.len());
    }
    identity
}

pub(super) fn time(seconds: i64) -> Timestamp {
    let edge = if seconds > 0 { Timestamp::MAX } else { Timestamp::MIN };
    Timestamp::from_second(seconds).unwrap_or(edge)
}

/// Choice: CI-54.
pub(super) fn moment(at: i64, instant: Option<i64>, received_at: i64) -> Moment {
    if instant.is_none() && at != received_at {
        Moment::Local(Offset::UTC.to_datetime(time(at)))
    } else {
        Moment::Instant(time(at))
    }
}

/// Reads `<bytes> <seconds> <name>` again and again: names may hold whatever else could separate them.
fn hearings(mut text: &str) -> Vec<(String, Timestamp)> {
    let mut found = Vec::new();
    while let Some((length, rest)) = text.split_once(' ') {
        let Some((at, rest)) = rest.split_once(' ') else { break };
        let (Ok(length), Ok(at)) = (length.parse::<usize>(), at.parse()) else { break };
        // A name that was no text is longer or shorter as text; it is the last one that can be told.
        let (name, rest) = rest.split_at_checked(length).unwrap_or((rest, ""));
        found.push((name.to_owned(), time(at)));
        text = rest;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_bots_may_hold_anything() {
        let text = "3 7 a b0 8 4 9 📻2 10 9 ";
        let names: Vec<_> = hearings(text).into_iter().map(|(name, at)| (name, at.as_second())).collect();
        assert_eq!(
            names,
            [("a b".to_owned(), 7), (String::new(), 8), ("📻".to_owned(), 9), ("9 ".to_owned(), 10)]
        );
        assert_eq!(hearings("99 7 short"), [("short".to_owned(), time(7))]);
        for broken in ["", "7", "7 8", "x 8 a", "1 y a"] {
            assert_eq!(hearings(broken), [], "{broken}");
        }
    }

    #[test]
    fn a_hash_of_zeros_is_shown_as_it_was_sent() {
        let digest = "0123456789abcdef0123456789abcdef";
        for (held, sent) in [
            (format!("0000/{digest}"), "0000".to_owned()),
            (format!("000A/{digest}"), format!("000A/{digest}")),
            (format!("/{digest}"), format!("/{digest}")),
            ("0000/ab".to_owned(), "0000/ab".to_owned()),
            ("A1B2".to_owned(), "A1B2".to_owned()),
        ] {
            assert_eq!(as_sent(held), sent);
        }
    }
}
