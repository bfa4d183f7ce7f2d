//! The SQLite store: all that is asked of every store, and what is a file's own.

use ipwatch_mqtt::server::store::{Devices, Store};
use ipwatch_mqtt::server::{SqlStore, SqliteOptions, StoreError};

use crate::store_suite::{self, store_cases};
use crate::support::{START, new_device, store, time};

macro_rules! on_sqlite {
    ($($case:ident,)+) => {$(
        #[tokio::test]
        async fn $case() {
            let folder = tempfile::tempdir().unwrap();
            store_suite::$case(store(&folder), store(&folder)).await;
        }
    )+};
}
store_cases!(on_sqlite);

#[tokio::test]
async fn a_file_is_found_again_and_anothers_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let first = store(&folder);
    first.put_device(new_device("192.0.2.7", &[]), time(START)).await.unwrap();
    drop(first);
    assert_eq!(store(&folder).devices().await.unwrap().len(), 1);

    let path = folder.path().join("other.db");
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 3").unwrap();
    let refused = SqlStore::open_sqlite(SqliteOptions::new(&path)).unwrap_err();
    assert_eq!(refused, StoreError::broken("the file is another program's database"));
    let newer = folder.path().join("ipwatch.db");
    rusqlite::Connection::open(&newer).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    assert!(matches!(SqlStore::open_sqlite(SqliteOptions::new(&newer)), Err(StoreError::Broken { .. })));
    assert!(
        SqlStore::open_sqlite(SqliteOptions::new(folder.path().join("no/such.db")))
            .is_err_and(|e| e.is_retryable())
    );
}

#[tokio::test]
async fn a_full_file_is_unavailable_and_says_so_until_it_is_well_again() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        SqliteOptions::new(folder.path().join("ipwatch.db")).with_max_bytes(200 * 1024).with_readers(1);
    let store = SqlStore::open_sqlite(options).unwrap();
    let put = async |name: String| {
        let mut device = new_device("192.0.2.7", &[]);
        device.name = name;
        store.put_device(device, time(START)).await
    };
    let refused = put("x".repeat(400 * 1024)).await.unwrap_err();
    assert!(refused.is_retryable(), "{refused}");
    assert_eq!(put("small".to_owned()).await, Ok(true));
    assert_eq!(store.check().await, Ok(()));
}
