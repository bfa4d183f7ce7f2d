//! The SQLite store: all that is asked of every store, and what is its own: files, disks and other processes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use checkin_api::server::store::{CheckInStore, Outcome, Submission, Submissions};
use checkin_api::server::{SqlStore, SqliteOptions, StoreError};
use proptest::prelude::*;

use crate::store_suite::{self, Peek, copy, store_cases};
use crate::support::{poll_once, rows};

fn open(path: &Path) -> SqlStore {
    SqlStore::open_sqlite(SqliteOptions::new(path)).expect("a store")
}

struct File(PathBuf);

impl Peek for File {
    fn rows(&self, query: &str) -> Vec<Vec<String>> {
        let nothing = |text: String| if text == "NULL" { String::new() } else { text };
        rows(&self.0, query).into_iter().map(|row| row.into_iter().map(nothing).collect()).collect()
    }
}

macro_rules! on_sqlite {
    ($($case:ident,)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("checkins.db");
            store_suite::$case(open(&path), open(&path), &File(path.clone())).await;
        }
    )+};
}
store_cases!(on_sqlite);

#[tokio::test]
async fn c3_what_was_acknowledged_is_there_after_reopening_and_the_log_is_synced() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkins.db");
    let store = open(&path);
    assert_eq!(store.submit(vec![copy("AA", "HOWL", None, "k")]).await, Ok(vec![Outcome::New]));
    drop(store);
    assert_eq!(rows(&path, "PRAGMA journal_mode"), [["wal"]]);
    let store = open(&path);
    assert_eq!(store.submit(vec![copy("AA", "HOWL", None, "k")]).await, Ok(vec![Outcome::Duplicate]));
}

#[tokio::test]
async fn a_database_of_a_newer_program_or_of_another_one_is_not_touched() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkins.db");
    drop(open(&path));
    let connection = rusqlite::Connection::open(&path).expect("opened");
    connection.pragma_update(None, "user_version", 99).expect("set");
    drop(connection);
    let refused = SqlStore::open_sqlite(SqliteOptions::new(&path)).expect_err("too new");
    let words =
        "the database holds what it should not: the schema is version 99, and this program knows up to 1";
    assert_eq!((refused.to_string().as_str(), refused.is_retryable()), (words, false));

    let foreign = folder.path().join("foreign.db");
    let connection = rusqlite::Connection::open(&foreign).expect("opened");
    connection.execute_batch("CREATE TABLE devices (id); PRAGMA user_version = 1").expect("made");
    drop(connection);
    let refused = SqlStore::open_sqlite(SqliteOptions::new(&foreign)).expect_err("not ours");
    assert_eq!(refused, StoreError::broken("the file is another program's database"));
    assert_eq!(rows(&foreign, "SELECT name FROM sqlite_schema"), [["devices"]]);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_broken_and_one_that_cannot_be_made_is_unavailable() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("poem.txt");
    std::fs::write(&path, "roses are red, and this is long enough to have a header of its own ".repeat(20))
        .expect("written");
    let broken = SqlStore::open_sqlite(SqliteOptions::new(&path)).expect_err("no database");
    assert!(matches!(broken, StoreError::Broken { .. }), "{broken}");
    let nowhere = SqlStore::open_sqlite(SqliteOptions::new(folder.path().join("no/such/folder/x.db")));
    assert!(nowhere.expect_err("no folder").is_retryable());
}

fn large(number: usize) -> Submission {
    let mut large = copy(&format!("{number:06}"), "HOWL", None, "k");
    large.check_in.message = "x".repeat(2000);
    large
}

#[tokio::test]
async fn c4_a_full_database_refuses_and_says_so_and_recovers_when_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkins.db");
    let store = SqlStore::open_sqlite(SqliteOptions::new(&path).with_max_bytes(400 * 1024)).expect("a store");
    let mut stored = 0;
    let full = loop {
        match store.submit(vec![large(stored)]).await {
            Ok(outcomes) => assert_eq!(outcomes, [Outcome::New]),
            Err(error) => break error,
        }
        stored += 1;
        assert!(stored < 10_000, "the limit is never reached");
    };
    assert_eq!(full, StoreError::unavailable("database or disk is full"));
    assert!(stored > 50, "{stored} check-ins fit");
    assert_eq!(rows(&path, "SELECT COUNT(*) FROM check_ins"), [[stored.to_string()]]);
    // A duplicate needs no room; what needs some goes on being refused, the ready check tells.
    assert!(store.submit(vec![large(stored)]).await.is_err());
    let connection = rusqlite::Connection::open(&path).expect("opened");
    connection.execute("DELETE FROM check_ins WHERE id <= 20", []).expect("room");
    assert_eq!(store.check().await, Ok(()));
    assert_eq!(store.submit(vec![large(stored)]).await, Ok(vec![Outcome::New]));
}

#[tokio::test]
async fn c4_a_locked_file_lets_some_wait_and_refuses_the_rest_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkins.db");
    let store = SqlStore::open_sqlite(SqliteOptions::new(&path).with_queue(4)).expect("a store");
    // Another process holds the file: the writer waits, the queue fills.
    let other = rusqlite::Connection::open(&path).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let mut waiting: Vec<_> =
        (0..4).map(|n| Box::pin(store.submit(vec![copy(&format!("{n}"), "HOWL", None, "k")]))).collect();
    for submission in &mut waiting {
        assert_eq!(poll_once(submission.as_mut()), None);
    }
    for n in 4..32 {
        assert_eq!(store.submit(vec![copy(&format!("{n}"), "HOWL", None, "k")]).await, Err(StoreError::Busy));
    }
    other.execute_batch("COMMIT").expect("released");
    for submission in waiting {
        assert_eq!(submission.await, Ok(vec![Outcome::New]));
    }
    assert_eq!(rows(&path, "SELECT COUNT(*) FROM check_ins"), [["4"]]);
    // A batch that is larger than the queue passes when nothing waits.
    let batch: Vec<_> = (100..110).map(|n| copy(&format!("{n}"), "HOWL", None, "k")).collect();
    assert_eq!(store.submit(batch).await, Ok(vec![Outcome::New; 10]));
}

#[tokio::test]
async fn what_was_accepted_is_stored_before_the_store_is_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkins.db");
    let store = open(&path);
    let mut accepted: Vec<_> =
        (0..100).map(|n| Box::pin(store.submit(vec![copy(&format!("{n}"), "HOWL", None, "k")]))).collect();
    for submission in &mut accepted {
        assert_eq!(poll_once(submission.as_mut()), None);
    }
    // Nobody waits for the answers any more.
    drop(accepted);
    drop(store);
    assert_eq!(rows(&path, "SELECT COUNT(*) FROM check_ins"), [["100"]]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Storing in any order, in any groups, with any repeats, gives the same set.
    #[test]
    fn c2_any_order_with_any_repeats_gives_the_same_set(
        order in proptest::collection::vec((0_usize..12, 0_usize..3), 1..40),
        cuts in proptest::collection::vec(1_usize..9, 1..20),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("checkins.db");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        // A third of them without a hash of their own.
        let one = |n: usize, bot: usize| {
            let hash = if n.is_multiple_of(3) { "00000000".to_owned() } else { format!("hash {n}") };
            copy(&hash, &format!("station {n}"), Some(&format!("bot {bot}")), "k")
        };
        let mut left = order.as_slice();
        let store = open(&path);
        let mut new = 0;
        for cut in cuts.iter().cycle() {
            let (now, later) = left.split_at((*cut).min(left.len()));
            let copies: Vec<_> = now.iter().map(|(n, bot)| one(*n, *bot)).collect();
            let outcomes = runtime.block_on(store.submit(copies)).expect("stored");
            new += outcomes.iter().filter(|outcome| **outcome == Outcome::New).count();
            left = later;
            if left.is_empty() {
                break;
            }
        }
        drop(store);
        let expected: BTreeSet<_> = order.iter().map(|(n, _)| format!("station {n}")).collect();
        let found = rows(&path, "SELECT username FROM check_ins ORDER BY username");
        prop_assert_eq!(found.len(), new);
        prop_assert_eq!(found.into_iter().flatten().collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>());
        let heard: BTreeSet<_> = order.iter().map(|(n, bot)| format!("station {n} bot {bot}")).collect();
        let found = rows(&path, "SELECT username || ' ' || bot FROM heard JOIN check_ins ON id = check_in");
        prop_assert_eq!(found.into_iter().flatten().collect::<BTreeSet<_>>(), heard);
    }
}
