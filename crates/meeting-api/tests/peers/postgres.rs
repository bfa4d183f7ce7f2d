//! The PostgreSQL store against a real server of its own: all that is asked of every store, and a database that goes
//! away and comes back.

use meeting_api::server::store::{Devices, Store};
use meeting_api::server::{PostgresOptions, PostgresStore};
use sql_session::testing::Cluster;

use crate::store_suite::{self, store_cases};

async fn connect(connection: &str) -> PostgresStore {
    let options = PostgresOptions::new(connection).expect("a connection string").with_connections(4);
    PostgresStore::connect(options).await.expect("connected")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; run by .ci/run"]
async fn every_case_of_the_stores_holds() {
    let cluster = Cluster::start("meeting");
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
    let cluster = Cluster::start("meeting");
    let store = connect(&cluster.database()).await;
    let nobody = "nobody".parse().expect("a key");
    assert_eq!(store.device(&nobody).await, Ok(None));
    cluster.control("stop");
    let gone = store.check().await.expect_err("the server is down");
    assert!(gone.is_retryable(), "{gone}");
    cluster.control("start");
    // Every connection was lost, and each is made again when work comes to it.
    for _ in 0..8 {
        assert_eq!(store.check().await, Ok(()));
        assert_eq!(store.device(&nobody).await, Ok(None));
    }
    cluster.control("restart");
    assert_eq!(store.device(&nobody).await, Ok(None));
}

#[tokio::test]
#[ignore = "needs PostgreSQL; run by .ci/run"]
async fn a_database_that_does_not_exist_is_unavailable() {
    let cluster = Cluster::start("meeting");
    let options = PostgresOptions::new(&cluster.connection("absent")).expect("a connection string");
    let refused = PostgresStore::connect(options).await.expect_err("there is no such database");
    assert!(refused.is_retryable(), "{refused}");
    assert!(refused.to_string().contains("database \"absent\" does not exist"), "{refused}");
}
