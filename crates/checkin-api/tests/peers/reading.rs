//! Reading back from PostgreSQL: the same suite as SQLite's.

use sql_session::testing::Cluster;

use crate::postgres::connect;
use crate::reading_suite::{self, reading_cases};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; run by .ci/run"]
async fn every_case_of_reading_holds_on_postgres() {
    let cluster = Cluster::start("checkin");
    macro_rules! on_postgres {
        ($($case:ident,)+) => {$(
            eprintln!("{}", stringify!($case));
            reading_suite::$case(connect(&cluster.database()).await).await;
        )+};
    }
    reading_cases!(on_postgres);
}
