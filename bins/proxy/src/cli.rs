//! The command line of `proxy`.

use clap::{Parser, Subcommand};
use daemon::cli::{Common, Completions, Program};
use daemon::config::Loaded;
use daemon::exit::{Exit, Failure};
use daemon::lifecycle::Stop;
use tokio::sync::{mpsc, watch};

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
        loaded.settings.validate(&loaded)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::io("cannot start the runtime", error))?;
        match self.command {
            Some(Command::Check(options)) => runtime.block_on(check::run(&loaded.settings, &options)),
            _ => runtime.block_on(serve(loaded, settings)),
        }
    }
}

/// Runs the proxy with this process's signals and log.
async fn serve(loaded: Loaded<Config>, settings: daemon::config::Settings) -> Result<(), Failure> {
    let log = daemon::logging::init(&loaded.settings.log)?;
    for name in loaded.stray_variables() {
        tracing::warn!(name, "this environment variable sets nothing");
    }
    let file = loaded.file().map(|path| path.display().to_string());
    tracing::info!(version = env!("CARGO_PKG_VERSION"), file, "starting");
    let stop = Stop::default();
    let (hangup, mut hangups) = watch::channel(());
    let signals = daemon::signals::listen(stop.clone(), move || {
        hangup.send_replace(());
    })
    .map_err(|error| Failure::io("cannot take over signals", error))?;
    let signals = tokio::spawn(signals);
    let (reload, reloads) = mpsc::channel(1);
    let reloader = tokio::spawn(async move {
        while hangups.changed().await.is_ok() {
            let read = settings.load::<Config>().and_then(|loaded| {
                loaded.settings.validate(&loaded)?;
                Ok(loaded.settings)
            });
            match read {
                Ok(config) => {
                    log.set_filter(&config.log.level);
                    if reload.send(config).await.is_err() {
                        return;
                    }
                }
                Err(error) => tracing::error!(%error, "the new configuration is not used"),
            }
        }
    });
    let result = Proxy::new(loaded.settings).reloads(reloads).as_service().run(stop).await;
    signals.abort();
    reloader.abort();
    if let Err(failure) = &result
        && failure.exit() != Exit::Ok
    {
        tracing::error!(%failure, "ended");
    } else {
        tracing::info!("ended");
    }
    result
}
