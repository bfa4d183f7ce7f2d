//! The database of the document's script, opened in place.

use std::path::Path;

use checkin_api::server::store::{Outcome, Submissions};
use checkin_api::server::{SqlStore, SqliteOptions, StoreError};

use crate::store_suite::copy;
use crate::support::rows;

/// The table as the script makes it.
const TABLE: &str = "CREATE TABLE checkins (packet_hash TEXT PRIMARY KEY, username TEXT NOT NULL, \
    message TEXT NOT NULL, channel TEXT NOT NULL, timestamp TEXT NOT NULL, source_bot TEXT, updated_at TEXT NOT NULL)";

/// What a script that checks nothing leaves behind over a year.
const ROWS: &str = "INSERT INTO checkins VALUES
    ('A1B2C3D4E5F67890', 'HOWL', 'check in', '#meshmonday', '2025-03-03T14:30:00-07:00', 'meshcore-bot', '2025-03-03T21:30:10.123456+00:00'),
    (NULL, 'NOBODY', 'no key', '#meshmonday', '2025-03-03T14:31:00-07:00', '', '2025-03-03T21:31:00+00:00'),
    (NULL, 'NOBODY ELSE', 'no key either', '#meshmonday', '2025-03-03T14:31:00-07:00', NULL, '2025-03-03T21:31:00+00:00'),
    (12345, 7, 1.5, '#meshmonday', 1741037400, 8, '2025-03-03T21:32:00+00:00'),
    (CAST(x'410042' AS TEXT), CAST(x'4e00554c' AS TEXT), CAST(x'00' AS TEXT), '#meshmonday', 'yesterday', '', 'never'),
    (x'deadbeef', x'ff', x'', x'23', x'00', x'b07b', x'00'),
    ('0000000000000000', 'ZERO', 'm', '#other', '', 'meshcore-bot', '2025-03-03T21:33:00+00:00'),
    ('', '', '', '', '', '', '')";

fn script_database(path: &Path, more: &str) {
    let connection = rusqlite::Connection::open(path).expect("opened");
    connection.execute_batch(TABLE).expect("made");
    connection.execute_batch(ROWS).expect("filled");
    connection.execute_batch(more).expect("changed");
}

fn open(path: &Path) -> Result<SqlStore, StoreError> {
    SqlStore::open_sqlite(SqliteOptions::new(path))
}

const EVERYTHING: &str = "SELECT hex(packet_hash), typeof(packet_hash), hex(username), typeof(username), hex(message), \
    typeof(message), hex(channel), typeof(channel), hex(timestamp), typeof(timestamp), hex(COALESCE(source_bot, '')) \
    FROM checkins ORDER BY username, message";

#[tokio::test]
async fn every_row_is_kept_odd_ones_included() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkins.db");
    script_database(&path, "");
    let before = rows(&path, EVERYTHING);
    assert_eq!(before.len(), 8);
    let store = open(&path).expect("taken over");
    // The same columns, now a view, show the same bytes and the same types.
    assert_eq!(rows(&path, EVERYTHING), before);
    assert_eq!(rows(&path, "SELECT type FROM sqlite_schema WHERE name = 'checkins'"), [["view"]]);
    let times = rows(
        &path,
        "SELECT quote(packet_hash), instant, at, received_at, source_bot, key_name FROM check_ins \
         WHERE received_at < 1750000000 ORDER BY id",
    );
    let expected = [
        ["'A1B2C3D4E5F67890'", "1741037400", "1741037400", "1741037410", "meshcore-bot", "imported"],
        ["NULL", "1741037460", "1741037460", "1741037460", "NULL", "imported"],
        ["NULL", "1741037460", "1741037460", "1741037460", "NULL", "imported"],
        ["'12345'", "NULL", "1741037520", "1741037520", "8", "imported"],
        ["'0000000000000000'", "NULL", "1741037580", "1741037580", "meshcore-bot", "imported"],
    ];
    assert_eq!(times, expected);
    let updated = rows(&path, "SELECT updated_at FROM checkins WHERE username = 'HOWL'");
    assert_eq!(updated, [["2025-03-03T21:30:10+00:00"]]);
    let bots = rows(
        &path,
        "SELECT quote(bot), accepted, last_seen FROM bots WHERE last_seen < 1750000000 ORDER BY 1",
    );
    assert_eq!(bots, [["'8'", "1", "1741037520"], ["'meshcore-bot'", "2", "1741037580"]]);
    // What the script holds already is a duplicate, and stays as the script had it.
    let again = copy("A1B2C3D4E5F67890", "SOMEBODY ELSE", Some("west"), "k");
    assert_eq!(store.submit(vec![again]).await, Ok(vec![Outcome::Duplicate]));
    assert_eq!(
        rows(&path, "SELECT username FROM check_ins WHERE packet_hash = 'A1B2C3D4E5F67890'"),
        [["HOWL"]]
    );
}

#[tokio::test]
async fn it_happens_once_and_again_when_the_script_was_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkins.db");
    script_database(&path, "");
    drop(open(&path).expect("taken over"));
    drop(open(&path).expect("opened again"));
    assert_eq!(rows(&path, "SELECT COUNT(*) FROM check_ins"), [["8"]]);
    // Whoever goes back to the script drops the view first.
    let connection = rusqlite::Connection::open(&path).expect("opened");
    connection.execute_batch("DROP VIEW checkins").expect("dropped");
    drop(connection);
    script_database(
        &path,
        "UPDATE checkins SET username = 'REWRITTEN'; DELETE FROM checkins WHERE packet_hash = ''",
    );
    drop(open(&path).expect("taken over again"));
    // The two rows without a key are new ones; the others are held, and as they were first.
    assert_eq!(rows(&path, "SELECT COUNT(*) FROM check_ins"), [["10"]]);
    assert_eq!(rows(&path, "SELECT COUNT(*) FROM check_ins WHERE username = 'REWRITTEN'"), [["2"]]);
}

#[tokio::test]
async fn a_table_with_more_columns_is_put_away_and_one_with_fewer_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("more.db");
    script_database(&path, "ALTER TABLE checkins ADD COLUMN region TEXT DEFAULT 'west'");
    drop(open(&path).expect("taken over"));
    let away =
        rows(&path, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'checkins_before_%'");
    assert_eq!(away.len(), 1, "{away:?}");
    let kept = rows(&path, &format!("SELECT COUNT(*), MIN(region) FROM {}", away[0][0]));
    assert_eq!(kept, [["8", "west"]]);
    assert_eq!(rows(&path, "SELECT COUNT(*) FROM checkins"), [["8"]]);

    let path = folder.path().join("fewer.db");
    script_database(&path, "ALTER TABLE checkins DROP COLUMN channel");
    let refused = open(&path).expect_err("another program's table");
    assert_eq!(refused, StoreError::broken("the table checkins has no column channel"));
    assert_eq!(rows(&path, "SELECT name FROM sqlite_schema WHERE type = 'table'"), [["checkins"]]);
    assert_eq!(rows(&path, "SELECT COUNT(*) FROM checkins"), [["8"]]);
}
