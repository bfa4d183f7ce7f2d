//! The command line of `proxy`.

use clap::{Parser, Subcommand};
use daemon::cli::{Common, Completions, Program};
use daemon::exit::Failure;
use daemon::program::{self, Configuration};

use crate::check;
use crate::config::Config;
use crate::run::Proxy;

/// What the program says about itself.
pub const PROGRAM: Program = Program {
    name: "proxy",
    prefix: "PROXY",
    default_config: "/etc/meeting/proxy.toml",
    aliases: &[("MEETING_URL", "meeting.url"), ("MEETING_PROXY_SECRET", "meeting.secret")],
};

/// The public edge of Meeting's reverse tunnels.
///
/// Agents of devices connect to the control port and prove themselves; the public ports that Meeting lists for a device are open as
/// long as its agent is here, and lead visitors to the device's local services.
///
/// Signals: INT or TERM ends in order (a second one at once), HUP reads configuration and certificates again.
/// Exit codes: 0 done, 1 a check failed, 64 wrong command line, 69 an address is taken, 70 a defect, 75 cut short,
/// 77 not permitted, 78 wrong configuration.
#[derive(Debug, Parser)]
#[command(name = "proxy", version)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    /// Address of the Meeting server, such as https://meeting.example.org
    #[allow(rustdoc::bare_urls, reason = "it is help for a terminal too")]
    #[arg(long, value_name = "URL", global = true)]
    meeting: Option<String>,
    /// Where agents connect, such as 0.0.0.0:9001
    #[arg(long, value_name = "ADDRESS", global = true)]
    listen: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Try configuration, Meeting server, rights and ports, and say what works
    Check(check::Options),
    /// Print a completion script for a shell
    Completions(Completions),
}

impl Cli {
    /// Does what the command line asks for.
    ///
    /// # Errors
    /// A [`Failure`] with what went wrong and its exit code.
    pub fn run(self) -> Result<(), Failure> {
        if let Some(Command::Completions(completions)) = &self.command {
            return daemon::cli::print(&completions.script::<Self>(&PROGRAM));
        }
        let mut settings = self.common.settings(&PROGRAM);
        if let Some(url) = &self.meeting {
            settings = settings.set("--meeting", &format!("meeting.url={url}"));
        }
        if let Some(address) = &self.listen {
            settings = settings.set("--listen", &format!("control.listen={address}"));
        }
        let Some(loaded) = self.common.load::<Config>(&settings)? else { return Ok(()) };
        Config::validate(&loaded)?;
        let runtime = program::runtime()?;
        if let Some(Command::Check(options)) = self.command {
            return runtime.block_on(check::run(&loaded.settings, &options));
        }
        runtime.block_on(program::serve(
            env!("CARGO_PKG_VERSION"),
            loaded,
            settings,
            |config, reloads, stop| Proxy::new(config).reloads(reloads).as_service().run(stop),
        ))
    }
}
