//! The PostgreSQL store against a real server of its own: all that is asked of every store, and a database that goes
//! away and comes back.

use checkin_api::server::store::{CheckInStore, Outcome, Submissions};
use checkin_api::server::{PostgresOptions, SqlStore};
use sql_session::testing::Cluster;

use crate::store_suite::{self, Peek, copy, store_cases};

/// Reads through PostgreSQL's own client.
struct Psql<'a> {
    cluster: &'a Cluster,
    database: String,
}

impl Peek for Psql<'_> {
    fn rows(&self, query: &str) -> Vec<Vec<String>> {
        self.cluster.query(&self.database, query)
    }
}

pub(crate) async fn connect(connection: &str) -> SqlStore {
    let options = PostgresOptions::new(connection).expect("a connection string");
    SqlStore::connect_postgres(options).await.expect("connected")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; run by .ci/run"]
async fn every_case_of_the_stores_holds() {
    let cluster = Cluster::start("checkin");
    macro_rules! on_postgres {
        ($($case:ident,)+) => {$(
            let database = cluster.database();
            // Both receivers start at once: one makes the tables, the other waits for it.
            let (store, rival) = tokio::join!(connect(&database), connect(&database));
            eprintln!("{}", stringify!($case));
            store_suite::$case(store, rival, &Psql { cluster: &cluster, database }).await;
        )+};
    }
    store_cases!(on_postgres);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; run by .ci/run"]
async fn a_database_that_goes_away_is_unavailable_and_is_found_again() {
    let cluster = Cluster::start("checkin");
    let database = cluster.database();
    let store = connect(&database).await;
    let one = |hash: &str| vec![copy(hash, "HOWL", None, "k")];
    assert_eq!(store.submit(one("before")).await, Ok(vec![Outcome::New]));
    assert_eq!(store.check().await, Ok(()));
    cluster.control("stop");
    for _ in 0..2 {
        let gone = store.submit(one("meanwhile")).await.expect_err("the server is down");
        assert!(gone.is_retryable(), "{gone}");
        let gone = store.check().await.expect_err("and so it is not ready");
        assert!(gone.is_retryable(), "{gone}");
    }
    cluster.control("start");
    assert_eq!(store.check().await, Ok(()));
    assert_eq!(store.submit(one("after")).await, Ok(vec![Outcome::New]));
    assert_eq!(store.submit(one("before")).await, Ok(vec![Outcome::Duplicate]));
    // A connection that was lost unnoticed is made again for the next piece of work.
    cluster.control("restart");
    let mut again = store.submit(one("restarted")).await;
    if again.is_err() {
        again = store.submit(one("restarted")).await;
    }
    assert_eq!(again, Ok(vec![Outcome::New]));
    let psql = Psql { cluster: &cluster, database };
    let hashes = psql.rows("SELECT packet_hash FROM check_ins ORDER BY id");
    assert_eq!(hashes, [["before"], ["after"], ["restarted"]]);
}

#[tokio::test]
#[ignore = "needs PostgreSQL; run by .ci/run"]
async fn a_database_that_does_not_exist_is_unavailable() {
    let cluster = Cluster::start("checkin");
    let options = PostgresOptions::new(&cluster.connection("absent")).expect("a connection string");
    let refused = SqlStore::connect_postgres(options).await.expect_err("there is no such database");
    assert!(refused.is_retryable(), "{refused}");
    assert!(refused.to_string().contains("database \"absent\" does not exist"), "{refused}");
}
