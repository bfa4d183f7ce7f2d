//! Threat C4: a disk without space, and its return. A file system of 1 MiB is mounted for it, which needs root.

use std::path::Path;
use std::process::Command;

use checkin_api::server::store::{CheckInStore, Outcome, Submission, Submissions};
use checkin_api::server::{SqlStore, SqliteOptions, StoreError};
use rusqlite::Connection;

use crate::store_suite::copy;

/// A file system in memory, unmounted when it is dropped.
pub(crate) struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    pub(crate) fn mount(size: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
            .arg(folder.path())
            .status()
            .expect("mount runs");
        assert!(mounted.success(), "mounting needs root");
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

fn large(number: usize) -> Submission {
    let mut large = copy(&format!("{number:06}"), "HOWL", None, "k");
    large.check_in.message = "x".repeat(2000);
    large
}

#[tokio::test]
#[ignore = "needs root for a small file system; run by .ci/run"]
async fn c4_a_full_disk_refuses_loses_nothing_and_recovers_when_space_returns() {
    let disk = SmallDisk::mount("1m");
    let ballast = disk.path().join("ballast");
    std::fs::write(&ballast, vec![0_u8; 300 * 1024]).expect("ballast fits");
    let path = disk.path().join("checkins.db");
    let store = SqlStore::open_sqlite(SqliteOptions::new(&path)).expect("a store");
    let mut stored = 0;
    let full = loop {
        match store.submit(vec![large(stored)]).await {
            Ok(outcomes) => assert_eq!(outcomes, [Outcome::New]),
            Err(error) => break error,
        }
        stored += 1;
        assert!(stored < 10_000, "the disk never fills");
    };
    assert!(full.is_retryable(), "{full}");
    assert!(stored > 10, "{stored} check-ins fit");
    assert!(store.submit(vec![large(stored)]).await.is_err(), "the disk is still full");
    let unready = store.check().await.expect_err("and said to be");
    assert_eq!(unready, StoreError::unavailable("database or disk is full"));
    let count = || -> i64 {
        let file = Connection::open(&path).expect("opened");
        file.query_row("SELECT COUNT(*) FROM check_ins", [], |row| row.get(0)).expect("reading goes on")
    };
    assert_eq!(count(), i64::try_from(stored).expect("few"));
    std::fs::remove_file(&ballast).expect("removed");
    assert_eq!(store.check().await, Ok(()), "space is back");
    assert_eq!(store.submit(vec![large(stored)]).await, Ok(vec![Outcome::New]));
    let whole: String = Connection::open(&path)
        .expect("opened")
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("checked");
    assert_eq!(whole, "ok");
    eprintln!("{stored} check-ins fitted; the next one was refused, and stored when space was back: {full}");
    // The file is unmounted after the store is closed.
    drop(store);
}
