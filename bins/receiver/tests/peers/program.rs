//! A program under test or a peer: started, listened to, stopped, killed.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a program has printed so far, and a bell that rings with each line.
#[derive(Default)]
struct Printed {
    lines: Mutex<Vec<String>>,
    bell: Condvar,
}

impl Printed {
    fn lines(&self) -> MutexGuard<'_, Vec<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running program. Dropping it kills it.
pub(crate) struct Program {
    name: String,
    child: Child,
    printed: Arc<Printed>,
    read: usize,
}

impl Program {
    /// Starts `command` and follows both of its outputs.
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start ({command:?}): {error}"));
        let printed = Arc::new(Printed::default());
        follow(child.stdout.take().unwrap(), &printed);
        follow(child.stderr.take().unwrap(), &printed);
        Self { name: name.to_owned(), child, printed, read: 0 }
    }

    /// Waits for a further line that contains `text`; fails when none has come in time.
    pub(crate) fn wait_for(&mut self, text: &str, within: Duration) -> String {
        let deadline = Instant::now() + within;
        let printed = Arc::clone(&self.printed);
        let mut lines = printed.lines();
        loop {
            while self.read < lines.len() {
                self.read += 1;
                if lines[self.read - 1].contains(text) {
                    return lines[self.read - 1].clone();
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "{} did not say {text:?} within {within:?}; it said:\n{}",
                self.name,
                lines.join("\n")
            );
            lines = printed.bell.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// Lets it run for so long; what it prints meanwhile is for [`Program::output`].
    pub(crate) fn watch(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        let printed = Arc::clone(&self.printed);
        let mut lines = printed.lines();
        while let Some(left) = deadline.checked_duration_since(Instant::now()) {
            lines = printed.bell.wait_timeout(lines, left).unwrap().0;
        }
        self.read = lines.len();
    }

    /// All that was printed so far.
    pub(crate) fn output(&self) -> String {
        self.printed.lines().join("\n")
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A figure of `/proc/<pid>/status` in bytes, such as `VmRSS` (now) or `VmHWM` (the most so far).
    pub(crate) fn memory(&self, figure: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with(figure)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// Waits for its end by itself; `None` when it has not come in time.
    pub(crate) fn wait(&mut self, within: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + within;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        None
    }

    /// Sends a signal by its name (`TERM`, `HUP`, `STOP` …).
    pub(crate) fn signal(&self, name: &str) {
        let done = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status().unwrap();
        assert!(done.success(), "kill -{name} {}", self.name);
    }

    /// SIGKILL, and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and the exit status it ends with.
    pub(crate) fn stop(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.stop_finished()
    }

    /// The exit status of a program that was told to end.
    pub(crate) fn stop_finished(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- {} printed ---\n{}", self.name, self.output());
        }
    }
}

fn follow(stream: impl Read + Send + 'static, printed: &Arc<Printed>) {
    let printed = Arc::clone(printed);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            printed.lines().push(line);
            printed.bell.notify_all();
        }
    });
}

/// One of the workspace's own programs, beside the one that cargo built for this test.
pub(crate) fn ours(name: &str) -> Command {
    let path = Path::new(env!("CARGO_BIN_EXE_receiver")).with_file_name(name);
    assert!(path.exists(), "{} is missing: cargo build --workspace --bins", path.display());
    Command::new(path)
}

/// A peer's program; the test fails when it is not installed.
pub(crate) fn peer(name: &str) -> PathBuf {
    ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is not installed; .ci/run installs it"))
}

/// Runs a command to its end; its standard output, or a failure that shows both outputs.
pub(crate) fn run<I, S>(program: impl AsRef<OsStr>, arguments: I) -> String
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let mut command = Command::new(program);
    command.args(arguments);
    run_command(&mut command)
}

/// The same for a command that is already put together.
pub(crate) fn run_command(command: &mut Command) -> String {
    let done = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let printed = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(
        done.status.success(),
        "{command:?} ended with {}\n{printed}\n{}",
        done.status,
        String::from_utf8_lossy(&done.stderr)
    );
    printed
}

/// A loopback port that nobody uses at this moment.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
