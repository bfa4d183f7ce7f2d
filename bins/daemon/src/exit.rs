//! Exit codes that a service manager and a script can act on, and the one place that prints an error.
//!
//! The numbers are those of `sysexits.h`, so that `RestartPreventExitStatus=64 77 78` in a unit file
//! stops a restart loop that could only fail again.

use std::error::Error;
use std::fmt;
use std::io::Write;
use std::process::ExitCode;

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exit {
    /// 0: it did what was asked, or was told to stop and did so in order.
    Ok,
    /// 1: some check or item failed, as `agent check` reports.
    Failed,
    /// 64: the command line is wrong. Clap's own errors end with this code too (see [`crate::cli::parse`]).
    Usage,
    /// 65: a file or a reply that it depends on is malformed.
    Data,
    /// 69: a service that it needs cannot be reached, or an address is taken.
    Unavailable,
    /// 70: a defect of the program, such as a panic in a task that must not end.
    Software,
    /// 74: reading or writing a file or socket failed.
    Io,
    /// 75: it did not work now and may work later; also a stop that had to be cut short.
    Temporary,
    /// 77: not permitted: a file's mode, a refused credential.
    NotPermitted,
    /// 78: the configuration is wrong; the message names file, line and key.
    Configuration,
}

impl Exit {
    /// The number that the operating system sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 64,
            Self::Data => 65,
            Self::Unavailable => 69,
            Self::Software => 70,
            Self::Io => 74,
            Self::Temporary => 75,
            Self::NotPermitted => 77,
            Self::Configuration => 78,
        }
    }

    /// The code that fits an IO error: 77 for a refusal, 69 for an address or a peer, 74 otherwise.
    #[must_use]
    pub fn for_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        match error.kind() {
            Kind::PermissionDenied => Self::NotPermitted,
            Kind::AddrInUse
            | Kind::AddrNotAvailable
            | Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::TimedOut => Self::Unavailable,
            _ => Self::Io,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a program ends without success: what happened, to what, and what to try.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    what: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
    advice: Option<String>,
}

impl Failure {
    /// A failure in the program's own words, for instance `cannot listen on 127.0.0.1:9001`.
    #[must_use]
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, what: what.into(), cause: None, advice: None }
    }

    /// An exit code whose reason the program has printed already.
    #[must_use]
    pub fn told(exit: Exit) -> Self {
        Self::new(exit, String::new())
    }

    /// A failed file or socket operation; the exit code follows from the error.
    #[must_use]
    pub fn io(what: impl Into<String>, error: std::io::Error) -> Self {
        Self::new(Exit::for_io(&error), what).because(error)
    }

    /// Adds the error that led to it.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds what the reader can try.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// The exit code it leads to.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }
}

/// `what: cause: its cause`, then a line `  try: advice`.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        let mut said = self.what.clone();
        let mut next = self.cause.as_deref().map(|cause| cause as &dyn Error);
        while let Some(cause) = next {
            let text = cause.to_string();
            // Many errors repeat their source in their own text; say it once.
            if !said.contains(&text) {
                write!(f, ": {text}")?;
                said.push_str(&text);
            }
            next = cause.source();
        }
        match &self.advice {
            Some(advice) => write!(f, "\n  try: {advice}"),
            None => Ok(()),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

/// Prints a failure to standard error as `program: …` and gives the exit code. The last call of `main`.
#[must_use]
pub fn report(program: &str, result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => Exit::Ok.into(),
        Err(failure) if failure.what.is_empty() => failure.exit.into(),
        Err(failure) => {
            // Nobody is left to hear that standard error is closed.
            let _ = writeln!(
                std::io::stderr(),
                "{program}: {}",
                crate::logging::escape_controls(&failure.to_string())
            );
            failure.exit.into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn a_failure_says_what_why_and_what_to_try() {
        let failure =
            Failure::io("cannot listen on 127.0.0.1:80", io::Error::from(io::ErrorKind::PermissionDenied))
                .advise("a port above 1023, or AmbientCapabilities=CAP_NET_BIND_SERVICE");
        assert_eq!(
            failure.to_string(),
            "cannot listen on 127.0.0.1:80: permission denied\n  try: a port above 1023, or AmbientCapabilities=CAP_NET_BIND_SERVICE"
        );
        assert_eq!(failure.exit(), Exit::NotPermitted);
    }

    #[test]
    fn a_cause_that_repeats_its_source_is_said_once() {
        let inner = io::Error::other("disk on fire");
        let outer = io::Error::other(Failure::new(Exit::Io, "write failed: disk on fire").because(inner));
        assert_eq!(
            Failure::new(Exit::Io, "cannot save").because(outer).to_string(),
            "cannot save: write failed: disk on fire"
        );
    }

    #[test]
    fn codes_follow_sysexits() {
        use io::ErrorKind as Kind;
        let table = [
            (Kind::PermissionDenied, 77),
            (Kind::AddrInUse, 69),
            (Kind::ConnectionRefused, 69),
            (Kind::NotFound, 74),
            (Kind::StorageFull, 74),
        ];
        for (kind, code) in table {
            assert_eq!(Exit::for_io(&io::Error::from(kind)).code(), code, "{kind:?}");
        }
        assert_eq!((Exit::Ok.code(), Exit::Usage.code(), Exit::Configuration.code()), (0, 64, 78));
    }
}
