//! The command line of `receiver`.

use clap::{Parser, Subcommand};
use daemon::cli::{Common, Completions, Program, terminal_width};
use daemon::exit::Failure;
use daemon::lifecycle::Stop;
use daemon::program::{self, Configuration};

use crate::command::check_in::CheckInCommand;
use crate::command::ipwatch::IpWatchCommand;
use crate::config::Config;
use crate::demo;
use crate::run::Receiver;

/// What the program says about itself.
pub const PROGRAM: Program = Program {
    name: "receiver",
    prefix: "RECEIVER",
    default_config: "/etc/meeting/receiver.toml",
    aliases: &[("CHECKIN_API_SECRET", "checkin.secret"), ("CHECKIN_DB_PATH", "checkin.path")],
};

/// The server side of Meeting: the REST API over a database, and the operator's commands.
///
/// Signals: INT or TERM ends in order (a second one at once), HUP reads configuration and certificates again.
#[derive(Debug, Parser)]
#[command(name = "receiver", version)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API (what happens without a command)
    Serve,
    /// Run receiver, proxy and an agent for this machine, and show what happens
    Demo(demo::Options),
    /// Take check-ins of mesh-radio bots on 127.0.0.1, as the document's script does; or work on those taken
    #[command(name = "checkin")]
    CheckIn(CheckInCommand),
    /// The machines: list, add, switch, and who may
    #[command(name = "ipwatch", subcommand)]
    IpWatch(IpWatchCommand),
    #[command(flatten)]
    Operate(crate::command::Command),
    /// Print the API's OpenAPI document
    Openapi,
    /// Print a completion script for a shell
    Completions(Completions),
}

impl Cli {
    /// Does what the command line asks for.
    ///
    /// # Errors
    /// A [`Failure`] with what went wrong and its exit code.
    pub fn run(self) -> Result<(), Failure> {
        let settings = self.common.settings(&PROGRAM);
        match self.command {
            Some(Command::Operate(command)) => {
                // Keys and ports that only a server needs are not looked at: a missing host key stops no command.
                let Some(loaded) = self.common.load::<Config>(&settings)? else { return Ok(()) };
                let text = program::runtime()?.block_on(command.run(&loaded.settings, terminal_width()))?;
                return daemon::cli::print(&text);
            }
            Some(Command::IpWatch(command)) => {
                let Some(loaded) = self.common.load::<Config>(&settings)? else { return Ok(()) };
                let text = program::runtime()?.block_on(command.run(&loaded.settings, terminal_width()))?;
                return daemon::cli::print(&text);
            }
            Some(Command::CheckIn(command)) => return command.run(&self.common, settings),
            Some(Command::Completions(completions)) => {
                return daemon::cli::print(&completions.script::<Self>(&PROGRAM));
            }
            Some(Command::Openapi) => return daemon::cli::print(meeting_api::server::OPENAPI),
            Some(Command::Demo(options)) => return program::runtime()?.block_on(show(options)),
            Some(Command::Serve) | None => {}
        }
        let Some(loaded) = self.common.load::<Config>(&settings)? else { return Ok(()) };
        Config::validate(&loaded)?;
        program::runtime()?.block_on(program::serve(
            env!("CARGO_PKG_VERSION"),
            loaded,
            settings,
            |config, reloads, stop| Receiver::new(config).reloads(reloads).as_service().run(stop),
        ))
    }
}

/// Runs the demo with this process's signals, on its standard output.
async fn show(options: demo::Options) -> Result<(), Failure> {
    let stop = Stop::default();
    let signals = daemon::signals::listen(stop.clone(), || {})
        .map_err(|error| Failure::io("cannot take over signals", error))?;
    let signals = tokio::spawn(signals);
    let out = std::io::stdout();
    let coloured = daemon::logging::colour(&out);
    let result = demo::run(options, out, coloured, stop).await;
    signals.abort();
    result
}
