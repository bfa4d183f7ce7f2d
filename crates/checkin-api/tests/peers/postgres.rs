//! The PostgreSQL store against a real server of its own: all that is asked of every store, and a database that goes
//! away and comes back.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use checkin_api::server::store::{CheckInStore, Outcome, Submissions};
use checkin_api::server::{PostgresOptions, SqlStore};

use crate::store_suite::{self, Peek, copy, store_cases};

/// A cluster in a temporary folder, reached through a socket in it.
pub(crate) struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
    databases: std::cell::Cell<u32>,
}

/// PostgreSQL refuses to run as root; then its own user runs it.
fn as_unprivileged(program: &OsStr) -> Command {
    let root = Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout == b"0\n");
    if root {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .expect("PostgreSQL is installed: apt-get install postgresql")
            .map(|entry| entry.expect("an entry").path().join("bin"))
            .collect();
        versions.sort();
        let programs = versions.pop().expect("a version of PostgreSQL");
        let folder = tempfile::tempdir().expect("a folder");
        let cluster = Self { folder, programs, databases: std::cell::Cell::new(0) };
        let root = Command::new("chown").arg("postgres").arg(cluster.folder.path()).status();
        // Not being root, or not needing to be, the folder is ours already.
        let _ = root;
        let data = cluster.data();
        cluster.run("initdb", &["-D", &data, "-A", "trust", "-U", "checkin", "-E", "UTF8", "--no-sync"]);
        cluster.control("start");
        cluster
    }

    fn data(&self) -> String {
        self.folder.path().join("data").to_str().expect("text").to_owned()
    }

    fn socket(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let status = as_unprivileged(self.programs.join(program).as_os_str())
            .args(arguments)
            .current_dir("/")
            .stdout(std::process::Stdio::null())
            .status()
            .expect("the program runs");
        assert!(status.success(), "{program} {arguments:?}: {status}");
    }

    fn control(&self, action: &str) {
        let (data, log) = (self.data(), self.folder.path().join("log").to_str().expect("text").to_owned());
        let options = format!("-k {} -h '' -c max_connections=200", self.socket().display());
        self.run("pg_ctl", &["-w", "-s", "-D", &data, "-l", &log, "-o", &options, "-m", "fast", action]);
    }

    fn connection(&self, database: &str) -> String {
        format!("host={} user=checkin dbname={database}", self.socket().display())
    }

    /// A fresh database.
    pub(crate) fn database(&self) -> String {
        let number = self.databases.get() + 1;
        self.databases.set(number);
        let name = format!("checkin_{number}");
        let socket = self.socket().to_str().expect("text");
        self.run("createdb", &["-h", socket, "-U", "checkin", &name]);
        self.connection(&name)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.data();
        let _ = as_unprivileged(self.programs.join("pg_ctl").as_os_str())
            .args(["-s", "-D", &data, "-m", "immediate", "stop"])
            .current_dir("/")
            .status();
    }
}

/// Reads through PostgreSQL's own client.
struct Psql<'a> {
    cluster: &'a Cluster,
    database: String,
}

impl Peek for Psql<'_> {
    fn rows(&self, query: &str) -> Vec<Vec<String>> {
        let output = as_unprivileged(self.cluster.programs.join("psql").as_os_str())
            .args(["-X", "-A", "-t", "-F", "\u{1f}", "-R", "\u{1e}", "-d", &self.database, "-c", query])
            .current_dir("/")
            .output()
            .expect("psql runs");
        assert!(output.status.success(), "{query}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("text");
        let rows = text.trim_end_matches('\n').split('\u{1e}').filter(|row| !row.is_empty());
        rows.map(|row| row.split('\u{1f}').map(str::to_owned).collect()).collect()
    }
}

pub(crate) async fn connect(connection: &str) -> SqlStore {
    let options = PostgresOptions::new(connection).expect("a connection string");
    SqlStore::connect_postgres(options).await.expect("connected")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; run by .ci/run"]
async fn every_case_of_the_stores_holds() {
    let cluster = Cluster::start();
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
    let cluster = Cluster::start();
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
    let cluster = Cluster::start();
    let options = PostgresOptions::new(&cluster.connection("absent")).expect("a connection string");
    let refused = SqlStore::connect_postgres(options).await.expect_err("there is no such database");
    assert!(refused.is_retryable(), "{refused}");
    assert!(refused.to_string().contains("database \"absent\" does not exist"), "{refused}");
}
