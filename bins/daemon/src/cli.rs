//! The command line that all programs share: configuration, logging, completions, tables.

mod table;

pub use table::{Table, terminal_width};

use crate::config::{Loaded, Settings};
use crate::exit::{Exit, Failure};
use crate::logging::{LogFilter, LogFormat};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// What a program says about itself.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The name of the binary.
    pub name: &'static str,
    /// The start of its environment variables, without the underscore: `AGENT`.
    pub prefix: &'static str,
    /// The configuration file that is read if it exists and `--config` names no other.
    pub default_config: &'static str,
    /// Whole variable names and the keys they set, such as `("MEETING_TOKEN", "tunnel.token")`.
    pub aliases: &'static [(&'static str, &'static str)],
}

/// Flags of every program; flatten them with `#[command(flatten)]`.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Configuration")]
pub struct Common {
    /// Configuration file (TOML)
    #[arg(long, short = 'c', value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Set one key over file and environment, such as tunnel.host=example.org; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", global = true)]
    pub set: Vec<String>,
    /// Print the configuration in force, with the source of each value and without secrets, and exit
    #[arg(long, global = true)]
    pub print_config: bool,
    /// What to log: off, error, warn, info, debug, trace, or directives such as info,proxy=debug
    #[arg(long, value_name = "LEVEL", global = true)]
    pub log_level: Option<LogFilter>,
    /// Shape of log lines
    #[arg(long, value_name = "FORMAT", value_enum, global = true)]
    pub log_format: Option<LogFormat>,
}

impl Common {
    /// The sources of this program's settings; add flags of the program's own with [`Settings::set`].
    ///
    /// The logging flags set `log.level` and `log.format`, so the settings need a
    /// `log: `[`LogSettings`](crate::logging::LogSettings) field.
    #[must_use]
    pub fn settings(&self, program: &Program) -> Settings {
        let mut settings = Settings::new(program.prefix).environment(std::env::vars_os());
        for (variable, key) in program.aliases {
            settings = settings.alias(variable, key);
        }
        settings = match &self.config {
            Some(path) => settings.file(path),
            None => settings.optional_file(program.default_config),
        };
        for assignment in &self.set {
            settings = settings.set("--set", assignment);
        }
        if let Some(level) = &self.log_level {
            settings = settings.set("--log-level", &format!("log.level={level}"));
        }
        if let Some(format) = self.log_format {
            let name = if format == LogFormat::Json { "json" } else { "text" };
            settings = settings.set("--log-format", &format!("log.format={name}"));
        }
        settings
    }

    /// Loads the settings; after `--print-config` it prints them and gives `None`: the program is done.
    ///
    /// # Errors
    /// As [`Settings::load`]; or standard output is closed.
    pub fn load<T: DeserializeOwned + Serialize>(
        &self,
        settings: &Settings,
    ) -> Result<Option<Loaded<T>>, Failure> {
        let loaded = settings.load::<T>()?;
        if !self.print_config {
            return Ok(Some(loaded));
        }
        print(&loaded.print()?)?;
        Ok(None)
    }
}

/// The `completions` subcommand; add it as a variant of the program's own.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Completions {
    /// Shell to print completions for
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

impl Completions {
    /// The script for a shell, made from the program's own definition.
    #[must_use]
    pub fn script<C: CommandFactory>(self, program: &Program) -> String {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut C::command(), program.name, &mut script);
        String::from_utf8_lossy(&script).into_owned()
    }
}

/// Parses the command line. Help and version go to standard output with code 0, mistakes to standard error with 64.
///
/// # Errors
/// The exit code to leave `main` with; everything has been printed.
pub fn parse<P: Parser>() -> Result<P, ExitCode> {
    P::try_parse().map_err(|error| {
        let _ = error.print();
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Ok.into(),
            _ => Exit::Usage.into(),
        }
    })
}

/// Prints to standard output. A reader that left, as in `| head`, is no error.
///
/// # Errors
/// Standard output cannot be written for another reason, such as a full disk.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::io("cannot write to standard output", error))
        }
        _ => Ok(()),
    }
}

/// Prints a listing: the table, or with `--json` the same rows as one JSON array.
///
/// # Errors
/// As [`print()`], or a row has no form in JSON.
pub fn print_listing<T: Serialize>(
    json: bool,
    rows: &[T],
    table: impl FnOnce(&[T]) -> Table,
) -> Result<(), Failure> {
    if !json {
        return print(&table(rows).render(terminal_width()));
    }
    let text = serde_json::to_string_pretty(rows)
        .map_err(|error| Failure::new(Exit::Software, "cannot write the listing as JSON").because(error))?;
    print(&format!("{text}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: Program = Program {
        name: "sample",
        prefix: "SAMPLE_CLI_TEST",
        default_config: "/nonexistent/sample.toml",
        aliases: &[],
    };

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        common: Common,
    }

    #[derive(Debug, Default, PartialEq, Serialize, serde::Deserialize)]
    #[serde(default)]
    struct Sample {
        log: crate::logging::LogSettings,
        count: u32,
    }

    #[test]
    fn flags_stand_over_everything() {
        let cli = Cli::try_parse_from([
            "sample",
            "--set",
            "count=3",
            "--log-level",
            "warn",
            "--log-format",
            "json",
        ]);
        let common = cli.unwrap().common;
        let loaded = common.load::<Sample>(&common.settings(&PROGRAM)).unwrap().unwrap();
        assert_eq!(loaded.settings.count, 3);
        assert_eq!(loaded.settings.log.format, LogFormat::Json);
        assert_eq!(loaded.settings.log.level.to_string(), "warn");
    }

    #[test]
    fn a_wrong_level_is_a_usage_error_in_words() {
        let error = Cli::try_parse_from(["sample", "--log-level", "inof"]).unwrap_err().to_string();
        assert!(
            error.contains("`inof` is not a level; one of off, error, warn, info, debug, trace"),
            "{error}"
        );
    }

    #[test]
    fn completions_come_from_the_definition() {
        for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Zsh, clap_complete::Shell::Fish] {
            let script = Completions { shell }.script::<Cli>(&PROGRAM);
            assert!(script.contains("print-config"), "{shell}: {script}");
        }
    }
}
