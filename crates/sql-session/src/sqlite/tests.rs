#![allow(clippy::unwrap_used, reason = "tests may be blunt")]

use super::*;
use crate::{Connection as _, Mode, Sql, Value};

const SETTINGS: Settings = Settings { checkpoint_pages: 1000, log_bytes_kept: 1 << 20, cache_kib: Some(512) };

const STEPS: &[Migration] = &[
    Migration { version: 1, sqlite: "CREATE TABLE things (name TEXT)", postgres: "" },
    Migration { version: 2, sqlite: "ALTER TABLE things ADD COLUMN size INTEGER", postgres: "" },
];

fn names(connection: &mut Connection) -> Vec<String> {
    let rows = connection.run("SELECT name FROM things ORDER BY name", &[]).unwrap();
    rows.into_iter().map(|mut row| row.text().unwrap()).collect()
}

#[test]
fn a_file_is_brought_up_to_date_step_by_step_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("things.db");
    let first = open_writer(&path, &SETTINGS).unwrap();
    migrate(&first, &STEPS[..1], |_| Ok(())).unwrap();
    assert_eq!(version(&first), Ok(1));
    let refused = migrate(&first, STEPS, |_| Err(SqlError::unavailable("on purpose")));
    assert_eq!((refused, version(&first)), (Err(SqlError::unavailable("on purpose")), Ok(1)));
    migrate(&first, STEPS, |_| Ok(())).unwrap();
    assert_eq!(version(&first), Ok(2));
    assert!(matches!(migrate(&first, &STEPS[..1], |_| Ok(())), Err(SqlError::Broken(_))));
}

#[test]
fn a_transaction_counts_whole_or_not_at_all_and_a_reader_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("things.db");
    let mut writer = open_writer(&path, &SETTINGS).unwrap();
    migrate(&writer, STEPS, |_| Ok(())).unwrap();
    let insert = "INSERT INTO things (name, size) VALUES (?1, ?2)";
    writer.begin(Mode::Write).unwrap();
    writer.run(insert, &[Value::Text("lost"), Value::Null]).unwrap();
    writer.rollback();
    writer.begin(Mode::Write).unwrap();
    writer.run(insert, &[Value::Text("kept"), Value::Integer(3)]).unwrap();
    writer.commit().unwrap();

    let mut reader = open_reader(&path, &SETTINGS).unwrap();
    assert_eq!(names(&mut reader), ["kept"]);
    assert!(reader.run(insert, &[Value::Text("no"), Value::Null]).is_err());
}

#[test]
fn failures_are_sorted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("things.db");
    assert!(matches!(open_reader(&path, &SETTINGS), Err(SqlError::Unavailable(_))));
    std::fs::write(&path, "this is no database, whatever its name may say about it".repeat(40)).unwrap();
    assert!(matches!(open_writer(&path, &SETTINGS), Err(SqlError::Broken(_))));

    let mut full = open_writer(&folder.path().join("full.db"), &SETTINGS).unwrap();
    migrate(&full, STEPS, |_| Ok(())).unwrap();
    limit_size(&full, 64 * 1024).unwrap();
    let much = "x".repeat(100_000);
    let refused = full.run("INSERT INTO things (name) VALUES (?1)", &[Value::Text(&much)]);
    assert!(matches!(refused, Err(SqlError::Unavailable(_))), "{refused:?}");
}

#[cfg(unix)]
#[test]
fn a_new_file_is_for_its_owner_and_an_old_one_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("things.db");
    let connection = open_writer(&path, &SETTINGS).unwrap();
    migrate(&connection, STEPS, |_| Ok(())).unwrap();
    assert_eq!([mode(&path), mode(&folder.path().join("things.db-wal"))], [0o600, 0o600]);
    drop(connection);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    drop(open_writer(&path, &SETTINGS).unwrap());
    assert_eq!(mode(&path), 0o640);
}
