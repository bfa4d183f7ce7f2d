//! The file of the document's script, with what collects in such a file over the years, under `receiver checkin`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::wire::Wire;
use super::{DropIn, check_in};
use crate::program::{peer, run_command};

#[test]
#[ignore = "needs python3; run by .ci/run"]
fn the_scripts_file_is_taken_over_in_place_with_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("checkins.db");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/script_file.py");
    run_command(Command::new(peer("python3")).arg(script).arg(&file));
    let receiver = DropIn::with(folder, file, &[]);
    // What the script had, a bot that sends it again is told.
    let mut bot = Wire::connect(receiver.port);
    assert_eq!(bot.post(&check_in("A1B2C3D4E5F67890", "HOWL", "north")).unwrap(), 200);

    let printed = receiver.command(&["export", "--jsonl"]);
    let rows: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    let mut kept: Vec<_> = rows
        .iter()
        .map(|row| (text(row, "packet_hash"), text(row, "username"), text(row, "message")))
        .collect();
    kept.sort();
    let expected = [
        ("", "no hash", ""),
        ("12", "34", "5.5"),
        ("A1B2C3D4E5F67890", "HOWL", "check in"),
        ("B1", "nul\0byte", "x"),
    ];
    assert_eq!(kept, expected.map(|(hash, name, said)| (hash.to_owned(), name.to_owned(), said.to_owned())));
    let howl = rows.iter().find(|row| row["username"] == "HOWL").unwrap();
    let bots: Vec<_> = howl["heard_by"].as_array().unwrap().iter().map(|by| text(by, "bot")).collect();
    assert_eq!(bots, ["meshcore-bot", "north"]);
    // Old queries go on working.
    let count = "import sqlite3, sys; print(*sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM checkins').fetchone())";
    let counted = run_command(Command::new(peer("python3")).args(["-c", count]).arg(&receiver.file));
    assert_eq!(counted.trim(), "4");
}
