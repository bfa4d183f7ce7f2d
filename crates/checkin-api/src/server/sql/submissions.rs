//! Statements that store check-ins.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Sql, SqlError, Value};
use crate::server::store::{Outcome, RejectedCount, Submission};

/// Check-ins that share a transaction, in the order in which they are written: by identity, so that two receivers on one
/// database that store the same ones lock them in the same order and never wait for each other in a circle.
pub(crate) struct Group<'a> {
    copies: Vec<(Cow<'a, str>, usize, &'a Submission)>,
}

impl<'a> Group<'a> {
    pub(super) fn of(copies: impl Iterator<Item = &'a Submission>) -> Self {
        let mut copies: Vec<_> =
            copies.enumerate().map(|(index, copy)| (copy.identity(), index, copy)).collect();
        // Copies of one check-in keep their order: the first one wins.
        copies.sort_by(|(a, i, _), (b, k, _)| a.cmp(b).then(i.cmp(k)));
        Self { copies }
    }

    /// Writes all of them; the outcomes are in the order in which the copies were given.
    pub(super) fn store(&self, sql: &mut dyn Sql) -> Result<Vec<Outcome>, SqlError> {
        let mut outcomes = vec![Outcome::Duplicate; self.copies.len()];
        let mut tallies = BTreeMap::new();
        for (identity, index, copy) in &self.copies {
            let outcome = store(sql, identity, copy)?;
            if let Some(slot) = outcomes.get_mut(*index) {
                *slot = outcome;
            }
            let tally: &mut Tally = tallies.entry(copy.bot()).or_default();
            tally.count(outcome, copy.received_at.as_second());
        }
        for (bot, tally) in tallies {
            add(sql, bot, &tally)?;
        }
        Ok(outcomes)
    }
}

fn store(sql: &mut dyn Sql, identity: &str, copy: &Submission) -> Result<Outcome, SqlError> {
    let (check_in, received_at) = (&copy.check_in, copy.received_at.as_second());
    let added = sql.first(
        "INSERT INTO check_ins (packet_hash, username, message, channel, timestamp, instant, at, received_at, \
         source_bot, key_name) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
         ON CONFLICT (packet_hash) DO NOTHING RETURNING id",
        &[
            Value::Text(identity),
            Value::Text(&check_in.username),
            Value::Text(&check_in.message),
            Value::Text(&check_in.channel),
            Value::Text(check_in.timestamp.as_str()),
            Value::optional_integer(check_in.timestamp.instant().map(jiff::Timestamp::as_second)),
            Value::Integer(copy.order_key()),
            Value::Integer(received_at),
            Value::optional_text(check_in.source_bot.as_deref()),
            Value::Text(&copy.key),
        ],
    )?;
    let (mut row, outcome) = match added {
        Some(row) => (row, Outcome::New),
        None => {
            let held =
                sql.first("SELECT id FROM check_ins WHERE packet_hash = ?1", &[Value::Text(identity)])?;
            let held = held.ok_or_else(|| SqlError::unavailable("a check-in is held and not found"))?;
            (held, Outcome::Duplicate)
        }
    };
    sql.run(
        "INSERT INTO heard (check_in, bot, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        &[Value::Integer(row.integer()?), Value::Text(copy.bot()), Value::Integer(received_at)],
    )?;
    Ok(outcome)
}

/// What one bot did in a transaction.
#[derive(Debug, Default)]
struct Tally {
    last_seen: i64,
    accepted: i64,
    duplicates: i64,
    rejected: i64,
}

impl Tally {
    fn count(&mut self, outcome: Outcome, at: i64) {
        self.last_seen = self.last_seen.max(at);
        match outcome {
            Outcome::New => self.accepted += 1,
            Outcome::Duplicate => self.duplicates += 1,
        }
    }
}

fn add(sql: &mut dyn Sql, bot: &str, tally: &Tally) -> Result<(), SqlError> {
    sql.run(
        "INSERT INTO bots (bot, last_seen, accepted, duplicates, rejected) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (bot) DO UPDATE SET \
         last_seen = CASE WHEN bots.last_seen > excluded.last_seen THEN bots.last_seen ELSE excluded.last_seen END, \
         accepted = bots.accepted + excluded.accepted, duplicates = bots.duplicates + excluded.duplicates, \
         rejected = bots.rejected + excluded.rejected",
        &[
            Value::Text(bot),
            Value::Integer(tally.last_seen),
            Value::Integer(tally.accepted),
            Value::Integer(tally.duplicates),
            Value::Integer(tally.rejected),
        ],
    )?;
    Ok(())
}

pub(super) fn add_rejected(sql: &mut dyn Sql, counts: &[RejectedCount]) -> Result<(), SqlError> {
    let by_bot: BTreeMap<_, _> = counts.iter().map(|count| (count.bot.as_str(), count)).collect();
    for (bot, count) in by_bot {
        let tally = Tally {
            last_seen: count.last_at.as_second(),
            rejected: i64::try_from(count.count).unwrap_or(i64::MAX),
            ..Tally::default()
        };
        add(sql, bot, &tally)?;
    }
    Ok(())
}

/// As much as a check-in alone writes into the log: a disk that has room for a byte is not ready.
const PROBE_BYTES: usize = 32 * 1024;

/// Writes something that means nothing.
pub(super) fn probe(sql: &mut dyn Sql, now: i64) -> Result<(), SqlError> {
    sql.run(
        "INSERT INTO probe (id, at, padding) VALUES (1, ?1, ?2) \
         ON CONFLICT (id) DO UPDATE SET at = excluded.at, padding = excluded.padding",
        &[Value::Integer(now), Value::Bytes(&[0; PROBE_BYTES])],
    )?;
    Ok(())
}
