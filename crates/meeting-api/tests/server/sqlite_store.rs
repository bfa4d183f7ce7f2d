//! The SQLite store: all that is asked of every store, and what is its own: files, disks and other processes.

use std::path::Path;

use meeting_api::server::store::{DeviceChange, Devices, NewDevice, Store};
use meeting_api::server::{SqliteOptions, SqliteStore, StoreError};
use meeting_api::{DeviceKey, UtcTimestamp};

use crate::store_suite::{self, store_cases};

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(SqliteOptions::new(path)).expect("a store")
}

macro_rules! on_sqlite {
    ($($case:ident,)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("meeting.db");
            store_suite::$case(open(&path), open(&path)).await;
        }
    )+};
}
store_cases!(on_sqlite);

fn device(text: &str, note: Option<String>) -> NewDevice {
    NewDevice {
        device_key: text.parse().expect("a device key"),
        device_name: None,
        product_serial: None,
        device_type: None,
        distribution: None,
        authorized: false,
        token_code: None,
        token_count: 0,
        note,
        services: vec![],
        registered_at: time(),
    }
}

fn time() -> UtcTimestamp {
    UtcTimestamp::from_unix(1_770_000_000).expect("a time")
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("meeting.db");
    let store = open(&path);
    assert_eq!(store.create_device(device("kept", None)).await, Ok(true));
    drop(store);
    let store = open(&path);
    let kept: DeviceKey = "kept".parse().expect("a key");
    assert!(store.device(&kept).await.expect("read").is_some());
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_not_touched() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("meeting.db");
    drop(open(&path));
    let connection = rusqlite::Connection::open(&path).expect("opened");
    connection.pragma_update(None, "user_version", 99).expect("set");
    drop(connection);
    let refused = SqliteStore::open(SqliteOptions::new(&path)).expect_err("too new");
    assert_eq!(
        refused.to_string(),
        "the database holds what it should not: the schema is version 99, and this program knows up to 1"
    );
    assert!(!refused.is_retryable());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_broken_and_one_that_cannot_be_made_is_unavailable() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("poem.txt");
    std::fs::write(&path, "roses are red, and this is long enough to have a header of its own ".repeat(20))
        .expect("written");
    let broken = SqliteStore::open(SqliteOptions::new(&path)).expect_err("no database");
    assert!(matches!(broken, StoreError::Broken { .. }), "{broken}");
    let nowhere = SqliteStore::open(SqliteOptions::new(folder.path().join("no/such/folder/x.db")));
    assert!(nowhere.expect_err("no folder").is_retryable());
}

#[tokio::test]
async fn a_full_database_refuses_writes_and_recovers_when_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("meeting.db");
    let options = SqliteOptions::new(&path).with_max_bytes(400 * 1024);
    let store = SqliteStore::open(options).expect("a store");
    let mut stored = Vec::new();
    let full = loop {
        let key = format!("d{:05}", stored.len());
        match store.create_device(device(&key, Some("x".repeat(2000)))).await {
            Ok(made) => {
                assert!(made);
                stored.push(key);
            }
            Err(error) => break error,
        }
        assert!(stored.len() < 10_000, "the limit is never reached");
    };
    assert!(full.is_retryable(), "{full}");
    assert!(stored.len() > 50, "{} devices fit", stored.len());
    // Everything acknowledged can be read, and work that needs no room goes on.
    for key in &stored {
        let key = key.parse().expect("a key");
        assert!(store.device(&key).await.expect("read").is_some(), "{key}");
    }
    assert_eq!(store.check().await, Ok(()));
    for key in stored.iter().take(20) {
        assert_eq!(store.remove_device(&key.parse().expect("a key")).await, Ok(true));
    }
    assert_eq!(store.create_device(device("fits-again", Some("x".repeat(2000)))).await, Ok(true));
}

#[tokio::test]
async fn more_work_than_fits_the_queue_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("meeting.db");
    let store = SqliteStore::open(SqliteOptions::new(&path).with_queue(4)).expect("a store");
    store.create_device(device("busy", None)).await.expect("stored");
    // Another process holds the file: the writer waits, the queue fills.
    let other = rusqlite::Connection::open(&path).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let key: DeviceKey = "busy".parse().expect("a key");
    let jobs: Vec<_> = (0..32)
        .map(|n| {
            let (store, key) = (store.clone(), key.clone());
            tokio::spawn(async move { store.change_device(&key, DeviceChange::TokenCount(n), time()).await })
        })
        .collect();
    tokio::task::yield_now().await;
    other.execute_batch("COMMIT").expect("released");
    let (mut done, mut refused) = (0, 0);
    for job in jobs {
        match job.await.expect("no panic") {
            Ok(true) => done += 1,
            Err(error) => {
                assert_eq!(error.retry_after().as_secs(), 1, "{error}");
                refused += 1;
            }
            Ok(false) => panic!("the device is known"),
        }
    }
    assert_eq!(done + refused, 32);
    assert!(done >= 4 && refused >= 16, "{done} done, {refused} refused");
}
