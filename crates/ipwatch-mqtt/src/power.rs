//! Switching off and restarting: a fixed list of arguments for each, and no shell (threat M7).

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use thiserror::Error;
use tokio::process::Command;

use crate::agent::PowerAction;

/// How long a program may take to say that the machine goes down.
pub const PROGRAM_DEADLINE: Duration = Duration::from_secs(30);
/// How much of what a program complains about is passed on, in bytes.
const MAX_COMPLAINT_BYTES: usize = 300;

/// The programs that switch off and restart, each with its arguments.
///
/// Nothing that comes over the network gets into either: a command chooses one of the two lists, and they are started as they stand.
///
/// Choice: IM-131.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PowerPrograms {
    power_off: Vec<String>,
    reboot: Vec<String>,
}

impl PowerPrograms {
    /// These programs; the first of each list is the absolute path of one.
    ///
    /// # Errors
    /// A list is empty, its program is no absolute path, or a text has a NUL.
    pub fn new(power_off: Vec<String>, reboot: Vec<String>) -> Result<Self, InvalidProgram> {
        for list in [&power_off, &reboot] {
            let program = list.first().ok_or(InvalidProgram::Empty)?;
            if !Path::new(program).is_absolute() {
                return Err(InvalidProgram::NotAbsolute(program.clone()));
            }
            if list.iter().any(|text| text.contains('\0')) {
                return Err(InvalidProgram::Nul);
            }
        }
        Ok(Self { power_off, reboot })
    }

    /// What is started for `action`.
    #[must_use]
    pub fn arguments(&self, action: PowerAction) -> &[String] {
        match action {
            PowerAction::PowerOff => &self.power_off,
            PowerAction::Reboot => &self.reboot,
        }
    }

    /// Starts the program for `action` and waits until it has ended well. It gets no input, and of the environment only `PATH`.
    ///
    /// # Errors
    /// It cannot be started, ends with another code than 0, or takes longer than [`PROGRAM_DEADLINE`].
    pub async fn perform(&self, action: PowerAction) -> Result<(), ProgramFailed> {
        let (program, arguments) = match self.arguments(action) {
            [program, arguments @ ..] => (program, arguments),
            [] => return Err(ProgramFailed::Start(io::ErrorKind::InvalidInput.into())),
        };
        let mut command = Command::new(program);
        command.args(arguments).env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        if let Some(path) = std::env::var_os("PATH") {
            command.env(OsStr::new("PATH"), path);
        }
        command.kill_on_drop(true);
        let ended = tokio::time::timeout(PROGRAM_DEADLINE, command.output());
        let output = ended.await.map_err(|_| ProgramFailed::Late)?.map_err(ProgramFailed::Start)?;
        if output.status.success() {
            return Ok(());
        }
        let mut complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        complaint.truncate(complaint.floor_char_boundary(MAX_COMPLAINT_BYTES));
        Err(ProgramFailed::Code { status: output.status.to_string(), complaint })
    }
}

/// A list that starts no program.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidProgram {
    /// There is nothing in it.
    #[error("there is no program in the list")]
    Empty,
    /// Which program it is would depend on the place and the environment that it is started in.
    #[error("{0:?} is no absolute path of a program")]
    NotAbsolute(String),
    /// A text has a NUL, which no argument can have.
    #[error("an argument has a NUL")]
    Nul,
}

/// Why the machine stays up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProgramFailed {
    /// It cannot be started.
    #[error("the program cannot be started: {0}")]
    Start(io::Error),
    /// It did not end in time.
    #[error("the program did not end within {} s", PROGRAM_DEADLINE.as_secs())]
    Late,
    /// It ended otherwise than well.
    #[error("the program ended with {status}: {complaint}")]
    Code {
        /// Its exit code or signal.
        status: String,
        /// The beginning of what it wrote to standard error.
        complaint: String,
    },
}

/// Writes down what would have been done, in place of doing it: one line each, with the time, on disk before it counts as done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorder {
    file: PathBuf,
}

impl Recorder {
    /// A recorder that adds to this file, and makes it if need be.
    #[must_use]
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self { file: file.into() }
    }

    /// Writes `action` down; blocks until it is on disk.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn perform(&self, action: PowerAction, now: Timestamp) -> io::Result<()> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.file)?;
        let word = match action {
            PowerAction::PowerOff => "power-off",
            PowerAction::Reboot => "reboot",
        };
        file.write_all(format!("{now} {word}\n").as_bytes())?;
        file.sync_all()
    }
}
