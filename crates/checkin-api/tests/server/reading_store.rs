//! Reading back from SQLite: the suite, and that no question goes through the whole table.

use checkin_api::server::{SqlStore, SqliteOptions};

use crate::reading_suite::{self, reading_cases};

macro_rules! on_sqlite {
    ($($case:ident,)+) => {$(
        #[tokio::test]
        async fn $case() {
            let folder = tempfile::tempdir().expect("a folder");
            let options = SqliteOptions::new(folder.path().join("checkins.db"));
            reading_suite::$case(SqlStore::open_sqlite(options).expect("a store")).await;
        }
    )+};
}
reading_cases!(on_sqlite);
