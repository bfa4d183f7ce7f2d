//! `receiver checkin` in the place of the document's script: the same environment, the same nginx, bots that know the document only.

mod bots;
mod crowd;
mod disk;
mod kill;
mod nginx_block;
pub(crate) mod page;
mod takeover;
mod wire;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::program::{Program, free_port, ours, peer, run_command};

/// What any one step may take. A step that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);
const SECRET: &str = "a-secret-of-the-tests";

/// The document's example, byte for byte (checkin §3).
const EXAMPLE: &str = r##"{
  "packet_hash": "A1B2C3D4E5F67890",
  "username": "HOWL",
  "message": "check in",
  "channel": "#meshmonday",
  "timestamp": "2025-03-03T14:30:00-07:00",
  "source_bot": "meshcore-bot"
}
"##;

/// `receiver checkin` with the three variables of the document and nothing else.
struct DropIn {
    folder: tempfile::TempDir,
    port: u16,
    file: PathBuf,
    flags: Vec<String>,
    program: Program,
}

impl DropIn {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // As in the document's unit, the folder of the file is not there yet.
        let file = folder.path().join("lib/checkin/checkins.db");
        Self::with(folder, file, flags)
    }

    fn with(folder: tempfile::TempDir, file: PathBuf, flags: &[&str]) -> Self {
        let port = free_port();
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let program = run(folder.path(), port, &file, &flags);
        Self { folder, port, file, flags, program }
    }

    /// Kills it as a power cut would, and starts it again on the same port and file.
    fn kill_and_restart(&mut self) {
        self.program.kill();
        self.start_again();
    }

    fn start_again(&mut self) {
        self.program = run(self.folder.path(), self.port, &self.file, &self.flags);
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What a command prints that works on this file.
    fn command(&self, line: &[&str]) -> String {
        run_command(ours("receiver").arg("checkin").args(line).arg("--db").arg(&self.file))
    }

    /// The hashes in the file, read by somebody else's SQLite, once its integrity check has passed.
    fn hashes(&self) -> BTreeSet<String> {
        let script = "import sqlite3, sys\n\
                      c = sqlite3.connect(sys.argv[1])\n\
                      assert c.execute('PRAGMA integrity_check').fetchall() == [('ok',)]\n\
                      print(*(r[0] for r in c.execute('SELECT packet_hash FROM check_ins')), sep='\\n')";
        let printed = run_command(Command::new(peer("python3")).args(["-c", script]).arg(&self.file));
        printed.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }
}

fn run(folder: &Path, port: u16, file: &Path, flags: &[String]) -> Program {
    let mut command = ours("receiver");
    command
        .arg("checkin")
        .args(flags)
        .current_dir(folder)
        .env("CHECKIN_API_SECRET", SECRET)
        .env("CHECKIN_PORT", port.to_string())
        .env("CHECKIN_DB_PATH", file);
    let mut program = Program::start("receiver checkin", &mut command);
    program.wait_for("listening", PATIENCE);
    program
}

/// A check-in as JSON.
fn check_in(hash: &str, username: &str, bot: &str) -> String {
    serde_json::json!({
        "packet_hash": hash, "username": username, "message": "check in", "channel": "#meshmonday",
        "timestamp": "2025-03-03T14:30:00-07:00", "source_bot": bot,
    })
    .to_string()
}
