//! The database of the document's script, taken over in place.
//!
//! The script keeps a table `checkins`. Its rows move into `check_ins`, whatever they hold: the script never checked types, and
//! SQLite lets a key be NULL and a text be bytes. In the table's place stays a view of the same name and columns, so that what
//! people wrote to read it goes on working. Choice: CI-24.

use rusqlite::Connection;
use rusqlite::types::{ToSqlOutput, ValueRef};
use sql_session::SqlError;
use sql_session::sqlite::failure;

use crate::Timestamp;
use crate::server::store::order_key;

/// The name that stands for the key of what the script stored.
const KEY_NAME: &str = "imported";
/// The script's columns.
const COLUMNS: [&str; 7] =
    ["packet_hash", "username", "message", "channel", "timestamp", "source_bot", "updated_at"];

/// What `checkins` is from now on.
const VIEW: &str = "CREATE VIEW checkins AS SELECT packet_hash, username, message, channel, timestamp, \
     COALESCE(source_bot, '') AS source_bot, \
     strftime('%Y-%m-%dT%H:%M:%S+00:00', received_at, 'unixepoch') AS updated_at FROM check_ins";

const INSERT: &str = "INSERT INTO check_ins (packet_hash, username, message, channel, timestamp, instant, at, \
     received_at, source_bot, key_name) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
     ON CONFLICT (packet_hash) DO NOTHING RETURNING id";

const HEARD: &str = "INSERT INTO heard (check_in, bot, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";

const COUNT: &str = "INSERT INTO bots (bot, last_seen, accepted, duplicates, rejected) \
     SELECT h.bot, MAX(h.at), COUNT(*), 0, 0 FROM heard h JOIN check_ins c ON c.id = h.check_in \
     WHERE c.key_name = 'imported' AND c.id > ?1 GROUP BY h.bot \
     ON CONFLICT (bot) DO UPDATE SET accepted = accepted + excluded.accepted, \
     last_seen = MAX(last_seen, excluded.last_seen)";

/// Whether the script's table is there.
pub(super) fn is_wanted(connection: &Connection) -> Result<bool, SqlError> {
    let found = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'checkins')";
    connection.query_row(found, [], |row| row.get(0)).map_err(|error| failure(&error))
}

/// Moves the rows. Runs in the caller's transaction.
pub(super) fn run(connection: &Connection) -> Result<(), SqlError> {
    let columns = columns(connection).map_err(|error| failure(&error))?;
    if let Some(absent) = COLUMNS.iter().find(|name| !columns.iter().any(|column| column == *name)) {
        return Err(SqlError::broken(format!("the table checkins has no column {absent}")));
    }
    let now = jiff::Timestamp::now().as_second();
    let moved = move_rows(connection, now).map_err(|error| failure(&error))?;
    // What somebody added to the table stays where it is, out of the way of the view.
    let put_away = if columns.len() == COLUMNS.len() {
        "DROP TABLE checkins".to_owned()
    } else {
        format!("ALTER TABLE checkins RENAME TO checkins_before_{now}")
    };
    let finish = || {
        connection.execute_batch(&put_away)?;
        connection.execute_batch(VIEW)
    };
    finish().map_err(|error| failure(&error))?;
    tracing::info!(rows = moved, "took over the check-ins of the script");
    Ok(())
}

fn columns(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut names = connection.prepare("SELECT name FROM pragma_table_info('checkins')")?;
    let names = names.query_map([], |row| row.get(0))?;
    names.collect()
}

fn move_rows(connection: &Connection, now: i64) -> rusqlite::Result<u64> {
    let last_id: i64 =
        connection.query_row("SELECT COALESCE(MAX(id), 0) FROM check_ins", [], |row| row.get(0))?;
    let mut insert = connection.prepare(INSERT)?;
    let mut heard = connection.prepare(HEARD)?;
    let select = format!("SELECT {} FROM checkins ORDER BY rowid", COLUMNS.join(", "));
    let mut rows = connection.prepare(&select)?;
    let mut rows = rows.query([])?;
    let mut moved = 0;
    while let Some(row) = rows.next()? {
        let cells: Vec<ValueRef<'_>> =
            (0..COLUMNS.len()).map(|index| row.get_ref(index)).collect::<Result<_, _>>()?;
        let [hash, username, message, channel, timestamp, bot, updated] = cells.as_slice() else { continue };
        let sent = Timestamp::new(shown(*timestamp));
        let received = Timestamp::new(shown(*updated)).instant().or_else(|| sent.instant());
        let received = received.map_or(now, jiff::Timestamp::as_second);
        let bot = if is_empty(*bot) { ValueRef::Null } else { *bot };
        let values = [
            *hash,
            present(*username),
            present(*message),
            present(*channel),
            present(*timestamp),
            sent.instant().map_or(ValueRef::Null, |at| ValueRef::Integer(at.as_second())),
            ValueRef::Integer(order_key(&sent, received)),
            ValueRef::Integer(received),
            bot,
            ValueRef::Text(KEY_NAME.as_bytes()),
        ];
        let values = values.into_iter().map(ToSqlOutput::Borrowed);
        let id: Option<i64> =
            insert.query(rusqlite::params_from_iter(values))?.next()?.map(|row| row.get(0)).transpose()?;
        let Some(id) = id else { continue };
        let heard_by = if bot == ValueRef::Null { ValueRef::Text(KEY_NAME.as_bytes()) } else { bot };
        heard.execute(rusqlite::params![id, ToSqlOutput::Borrowed(heard_by), received])?;
        moved += 1;
    }
    connection.execute(COUNT, [last_id])?;
    Ok(moved)
}

/// The text that a value shows as.
fn shown(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// The script's table holds no NULL here; a table that somebody made by hand may.
fn present(value: ValueRef<'_>) -> ValueRef<'_> {
    if value == ValueRef::Null { ValueRef::Text(b"") } else { value }
}

fn is_empty(value: ValueRef<'_>) -> bool {
    matches!(value, ValueRef::Null | ValueRef::Text(b""))
}
