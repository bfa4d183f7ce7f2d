//! The PostgreSQL store against a real server of its own: all that is asked of every store, and a database that goes away and comes back.

use ipwatch_mqtt::server::store::{Devices, NewDevice, Store};
use ipwatch_mqtt::server::{PostgresOptions, SqlStore};
use jiff::Timestamp;
use sql_session::testing::Cluster;

use crate::store_suite::{self, store_cases};

async fn connect(connection: &str) -> SqlStore {
    let options = PostgresOptions::new(connection).expect("a connection string");
    SqlStore::connect_postgres(options).await.expect("connected")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; run by .ci/run"]
async fn every_case_of_the_stores_holds() {
    let cluster = Cluster::start("ipwatch");
    macro_rules! on_postgres {
        ($($case:ident,)+) => {$(
            let database = cluster.database();
            // Both receivers start at once: one makes the tables, the other waits for it.
            let (store, rival) = tokio::join!(connect(&database), connect(&database));
            eprintln!("{}", stringify!($case));
            store_suite::$case(store, rival).await;
        )+};
    }
    store_cases!(on_postgres);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; run by .ci/run"]
async fn a_database_that_goes_away_is_unavailable_and_is_found_again() {
    let cluster = Cluster::start("ipwatch");
    let database = cluster.database();
    let store = connect(&database).await;
    let put = async |address: &str| {
        let address = address.parse().expect("an address");
        let device = NewDevice { address, name: "a".to_owned(), mac: None, groups: vec![], user: None };
        store.put_device(device, Timestamp::UNIX_EPOCH).await
    };
    assert_eq!(put("192.0.2.1").await, Ok(true));
    cluster.control("stop");
    for _ in 0..2 {
        assert!(put("192.0.2.2").await.is_err_and(|error| error.is_retryable()));
        assert!(store.check().await.is_err_and(|error| error.is_retryable()));
    }
    cluster.control("start");
    assert_eq!(store.check().await, Ok(()));
    assert_eq!(put("192.0.2.2").await, Ok(true));
    assert_eq!(put("192.0.2.1").await, Ok(false));
    let rows = cluster.query(&database, "SELECT address FROM devices ORDER BY id");
    assert_eq!(rows, [["192.0.2.1"], ["192.0.2.2"]]);
}
