//! A PostgreSQL server of a test's own, for the stores that are built on this crate.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot start its database has failed")]

use std::cell::Cell;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A PostgreSQL cluster in a temporary folder, reached through a socket in it and through nothing else. It is stopped when it is
/// dropped.
#[derive(Debug)]
pub struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
    user: &'static str,
    databases: Cell<u32>,
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
    /// Makes a cluster owned by this user and starts it; Debian's newest PostgreSQL runs it.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn start(user: &'static str) -> Self {
        let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .expect("PostgreSQL is installed: apt-get install postgresql")
            .map(|entry| entry.expect("an entry").path().join("bin"))
            .collect();
        versions.sort();
        let programs = versions.pop().expect("a version of PostgreSQL");
        let folder = tempfile::tempdir().expect("a folder");
        let cluster = Self { folder, programs, user, databases: Cell::new(0) };
        // Not being root, or not needing to be, the folder is ours already.
        let _ = Command::new("chown").arg("postgres").arg(cluster.folder.path()).status();
        let data = cluster.path("data");
        cluster.run("initdb", &["-D", &data, "-A", "trust", "-U", user, "-E", "UTF8", "--no-sync"]);
        cluster.control("start");
        cluster
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn socket(&self) -> String {
        self.folder.path().display().to_string()
    }

    /// A program of the cluster's version, run as the user that may.
    fn program(&self, name: &str) -> Command {
        let mut command = as_unprivileged(self.programs.join(name).as_os_str());
        command.current_dir("/");
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let status = self.program(program).args(arguments).stdout(Stdio::null()).status();
        let status = status.expect("the program runs");
        assert!(status.success(), "{program} {arguments:?}: {status}");
    }

    /// `start`, `stop` or `restart`, and returns when it is done.
    ///
    /// # Panics
    /// When it cannot be done.
    pub fn control(&self, action: &str) {
        let (data, log) = (self.path("data"), self.path("log"));
        let options = format!("-k {} -h '' -c max_connections=200", self.socket());
        self.run("pg_ctl", &["-w", "-s", "-D", &data, "-l", &log, "-o", &options, "-m", "fast", action]);
    }

    /// How a database of this name is reached, whether it is there or not.
    #[must_use]
    pub fn connection(&self, database: &str) -> String {
        format!("host={} user={} dbname={database}", self.socket(), self.user)
    }

    /// Makes a fresh database, and says how it is reached.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn database(&self) -> String {
        let number = self.databases.get() + 1;
        self.databases.set(number);
        let name = format!("{}_{number}", self.user);
        self.run("createdb", &["-h", &self.socket(), "-U", self.user, &name]);
        self.connection(&name)
    }

    /// What a query gives in a database, as PostgreSQL's own client shows it.
    ///
    /// # Panics
    /// When it fails.
    #[must_use]
    pub fn query(&self, connection: &str, query: &str) -> Vec<Vec<String>> {
        let output = self
            .program("psql")
            .args(["-X", "-A", "-t", "-F", "\u{1f}", "-R", "\u{1e}", "-d", connection, "-c", query])
            .output()
            .expect("psql runs");
        assert!(output.status.success(), "{query}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("text");
        let rows = text.trim_end_matches('\n').split('\u{1e}').filter(|row| !row.is_empty());
        rows.map(|row| row.split('\u{1f}').map(str::to_owned).collect()).collect()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.path("data");
        let _ = self.program("pg_ctl").args(["-s", "-D", &data, "-m", "immediate", "stop"]).status();
    }
}
