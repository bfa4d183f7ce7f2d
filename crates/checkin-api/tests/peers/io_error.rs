//! Threat C4: a disk that fails to sync, made by strace.

use std::io::Read;

use rusqlite::Connection;

use crate::child::{child, said};

fn run(wrapper: &[&str], path: &std::path::Path, clients: usize, each: usize) -> Vec<(String, bool)> {
    let mut process = child(wrapper, path, "x", clients, Some(each))
        .spawn()
        .expect("strace is installed: apt-get install strace");
    let mut words = String::new();
    process.stdout.take().expect("its words").read_to_string(&mut words).expect("text");
    assert!(process.wait().expect("ended").success(), "{words}");
    words.lines().filter_map(said).map(|(hash, stored)| (hash.to_owned(), stored)).collect()
}

fn count(path: &std::path::Path, query: &str) -> i64 {
    Connection::open(path).expect("opened").query_row(query, [], |row| row.get(0)).expect("a number")
}

#[test]
#[ignore = "needs strace; run by .ci/run"]
fn c4_a_sync_that_fails_is_no_acknowledgement_and_the_store_recovers() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkins.db");
    // The file exists, so that the syncs of the run are those of check-ins.
    assert_eq!(run(&[], &path, 1, 1).len(), 1);
    let trace = folder.path().join("trace");
    let inject = "inject=fsync,fdatasync:error=EIO:when=6..12";
    let wrapper = [
        "strace",
        "-f",
        "-qq",
        "-o",
        trace.to_str().expect("text"),
        "-e",
        "trace=fsync,fdatasync",
        "-e",
        inject,
    ];
    let answers = run(&wrapper, &path, 1, 41);
    let refused = answers.iter().filter(|(_, stored)| !stored).count();
    eprintln!("{} answers, {refused} refused", answers.len());
    assert!((1..=12).contains(&refused), "{answers:?}");
    // After the last refusal the others were stored: nothing had to be started anew.
    assert!(answers.iter().rev().take(20).all(|(_, stored)| *stored), "{answers:?}");
    for (hash, stored) in &answers {
        if *stored {
            let held = count(&path, &format!("SELECT COUNT(*) FROM check_ins WHERE packet_hash = '{hash}'"));
            assert_eq!(held, 1, "{hash} was acknowledged and is lost");
        }
    }
    assert_eq!(count(&path, "SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
}

/// Power loss cannot be made here; that every commit is synced before it is acknowledged can be seen.
#[test]
#[ignore = "needs strace; run by .ci/run"]
fn c3_each_commit_is_synced_before_it_is_acknowledged() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkins.db");
    assert_eq!(run(&[], &path, 1, 1).len(), 1);
    let trace = folder.path().join("trace");
    let wrapper =
        ["strace", "-f", "-qq", "-o", trace.to_str().expect("text"), "-e", "trace=fsync,fdatasync,write"];
    let answers = run(&wrapper, &path, 1, 31);
    assert!(answers.iter().all(|(_, stored)| *stored));
    // Between two acknowledgements of one client lies a sync that returned 0.
    let trace = std::fs::read_to_string(&trace).expect("a trace");
    let (mut synced, mut acknowledged) = (false, 0);
    for line in trace.lines() {
        if line.contains("sync(") && line.ends_with("= 0")
            || line.contains("sync resumed") && line.ends_with("= 0")
        {
            synced = true;
        } else if line.contains("write(1, \"stored ") {
            assert!(synced, "acknowledged without a sync: {line}");
            synced = false;
            acknowledged += 1;
        }
    }
    // The first of them was held already.
    assert_eq!(acknowledged, 31);
}
