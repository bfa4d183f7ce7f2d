//! `receiver checkin …`: takes check-ins as the document's script does, or works on those that were taken.

mod ask;
mod export;
mod keys;
mod serve;
mod stats;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use daemon::cli::{Common, terminal_width};
use daemon::config::Settings;
use daemon::exit::Failure;
use daemon::program;

use super::listing::Json;
use crate::check_ins::work_on;
use crate::config::{CheckIn, Config};
pub(super) use ask::encoded;

/// Takes check-ins on 127.0.0.1, or works on those that were taken.
#[derive(Debug, Args)]
pub struct CheckInCommand {
    /// The SQLite file of check-ins
    #[arg(long, value_name = "FILE", env = "CHECKIN_DB_PATH", global = true)]
    db: Option<PathBuf>,
    /// Port to listen on, on 127.0.0.1
    #[arg(long, env = "CHECKIN_PORT", default_value_t = 9999)]
    port: u16,
    #[command(subcommand)]
    work: Option<Work>,
}

/// What is done to check-ins that were taken.
#[derive(Debug, Subcommand)]
pub enum Work {
    /// Print check-ins as CSV or JSON lines
    Export(export::Export),
    /// Make, list and revoke the keys of bots and readers
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Say how much is kept, and how nets and bots are doing
    Stats(Json),
}

impl CheckInCommand {
    /// Does what the command line asks for.
    ///
    /// # Errors
    /// A [`Failure`] with what went wrong and its exit code.
    pub fn run(self, common: &Common, settings: Settings) -> Result<(), Failure> {
        let settings = match &self.db {
            Some(path) => settings.set("--db", &format!("checkin.path={}", path.display())),
            None => settings,
        };
        let Some(work) = self.work else { return serve::run(common, settings, self.port) };
        let Some(loaded) = common.load::<Config>(&settings)? else { return Ok(()) };
        let check_ins = loaded.settings.checkin.unwrap_or_default();
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        let done = program::runtime()?.block_on(work.run(&check_ins, terminal_width(), &mut out));
        done.and(written(out.flush()))
    }
}

impl Work {
    /// Does what the command says, and writes what it has to say.
    ///
    /// # Errors
    /// A [`Failure`] with what went wrong and its exit code: 1 for what is not there, 64 for what cannot be meant, 65 or
    /// 74 when the database fails.
    pub async fn run(
        self,
        settings: &CheckIn,
        width: Option<usize>,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let text = match self {
            Self::Export(export) => {
                let server = ask::server(work_on(settings, false).await?, settings)?;
                return export.run(&server, out).await;
            }
            Self::Stats(json) => {
                let server = ask::server(work_on(settings, false).await?, settings)?;
                stats::run(json, &server, width).await?
            }
            Self::Keys(command) => {
                let store = work_on(settings, command.makes()).await?;
                command.run(&store, width).await?
            }
        };
        written(out.write_all(text.as_bytes()))
    }
}

/// A reader who left, as in `| head`, is no error.
fn written(result: std::io::Result<()>) -> Result<(), Failure> {
    match result {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::io("cannot write to standard output", error))
        }
        _ => Ok(()),
    }
}
