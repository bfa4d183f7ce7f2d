//! Threat C3: `kill -9` in a loop, under load.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use crate::child::{child, said};

const ROUNDS: usize = 500;
/// Rounds that share a file; then a new one is begun, so that the checks stay quick.
const ROUNDS_PER_FILE: usize = 25;

/// One process's life: what it acknowledged before it was killed.
fn round(path: &Path, number: usize) -> Vec<String> {
    let mut process = child(&[], path, &number.to_string(), 8, None).spawn().expect("a child");
    let mut output = BufReader::new(process.stdout.take().expect("its words"));
    let mut line = String::new();
    // The test program says something of its own on the same line.
    while !line.trim().ends_with("open") {
        line.clear();
        assert!(output.read_line(&mut line).expect("words") > 0, "the child ended before it was killed");
    }
    // From the very first write to a dozen commits later.
    let spread = Duration::from_micros((number as u64 * 7919) % 30_000);
    let killer = std::thread::spawn(move || {
        std::thread::sleep(spread);
        process.kill().expect("killed");
        process.wait().expect("ended");
    });
    let mut acknowledged = Vec::new();
    let mut bytes = Vec::new();
    while output.read_until(b'\n', &mut bytes).expect("words") > 0 {
        // A line without an end is no word.
        if let Some(whole) = bytes.strip_suffix(b"\n")
            && let Some((hash, true)) = said(std::str::from_utf8(whole).expect("text"))
        {
            acknowledged.push(hash.to_owned());
        }
        bytes.clear();
    }
    killer.join().expect("no panic");
    acknowledged
}

#[test]
#[ignore = "takes a minute; run by .ci/run"]
fn c3_kill_9_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut total, mut fruitful) = (0, 0);
    let mut all: Vec<String> = Vec::new();
    for number in 0..ROUNDS {
        if number % ROUNDS_PER_FILE == 0 {
            all.clear();
        }
        let path = folder.path().join(format!("{}.db", number / ROUNDS_PER_FILE));
        let acknowledged = round(&path, number);
        fruitful += usize::from(!acknowledged.is_empty());
        total += acknowledged.len();
        all.extend(acknowledged);
        let file = Connection::open(&path).expect("opened");
        let whole: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checked");
        assert_eq!(whole, "ok", "round {number}");
        let mut held =
            file.prepare("SELECT COUNT(*) FROM check_ins WHERE packet_hash = ?1").expect("a query");
        let lost: Vec<_> = all
            .iter()
            .filter(|hash| held.query_row([hash], |row| row.get::<_, i64>(0)).expect("counted") != 1)
            .collect();
        assert!(lost.is_empty(), "round {number}: acknowledged and lost: {lost:?}");
        // A check-in and who heard it stand or fall together.
        let half: i64 = file
            .query_row(
                "SELECT (SELECT COUNT(*) FROM check_ins) - (SELECT COUNT(*) FROM heard) \
                 + (SELECT COUNT(*) FROM check_ins) - (SELECT COALESCE(SUM(accepted), 0) FROM bots)",
                [],
                |row| row.get(0),
            )
            .expect("counted");
        assert_eq!(half, 0, "round {number}");
    }
    eprintln!("{ROUNDS} rounds, {fruitful} of them with acknowledged check-ins, {total} in all, 0 lost");
    assert!(fruitful > ROUNDS / 2, "{fruitful} rounds acknowledged anything");
}
