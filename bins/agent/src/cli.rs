//! The command line: `run`, `once`, `check`, `checkin`, `ipwatch`, `init`, `completions`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use daemon::cli::{self, Common, Completions, Program};
use daemon::config::{Loaded, Settings};
use daemon::exit::{Exit, Failure, report};
use daemon::lifecycle::Stop;
use daemon::logging::{self, LogHandle};
use daemon::{service_manager, signals};
use meeting_api::DeviceKey;
use tokio::sync::{Notify, watch};

use crate::check::{self, Options, Report, Step};
use crate::checkin;
use crate::checkin::commands::{self, CheckInCommand};
use crate::config::Config;
use crate::events::{CheckInEvent, Event, IpWatchEvent};
use crate::init;
use crate::ipwatch;
use crate::once::{self, Part};
use crate::run::{Agent, STOP_GRACE};

/// What this program says about itself.
pub const PROGRAM: Program = Program {
    name: "agent",
    prefix: "AGENT",
    default_config: "/etc/meeting/agent.toml",
    aliases: &[
        ("MEETING_DEVICE_KEY", "device_key"),
        ("MEETING_TOKEN", "token"),
        ("STATE_DIRECTORY", "state_directory"),
        ("CHECKIN_API_KEY", "checkin.api_key"),
    ],
};

const AFTER_HELP: &str = "\
A device needs three things: a device_key, the address of the Meeting server, and, for the
tunnel, a token.
  agent init --device-key KEY --server https://meeting.example.org
  MEETING_TOKEN=a1b2c3 agent check
  agent run

It can also be a radio bot's hand, with or without a Meeting server (agent help checkin):
  CHECKIN_API_KEY=s3cret agent checkin submit --set checkin.url=https://example.org/checkins \\
    --channel '#meshmonday' --sender-timestamp 1741037400 --name HOWL --text 'check in'

Files: /etc/meeting/agent.toml has the settings; /etc/meeting/device_info.json and
reverse_tunnel/devices/config.json, those of the official agent, are read for what the settings
leave open; /var/lib/meeting-agent keeps the key and known_hosts.
Environment: MEETING_DEVICE_KEY, MEETING_TOKEN, CHECKIN_API_KEY, and AGENT_SECTION__KEY for every setting.
Signals: TERM and INT stop in order, a second one at once; HUP reads the settings again.
Exit codes: 0 done or stopped, 1 a check failed, 64 wrong command line, 69 server or proxy
unreachable, 74 file trouble, 75 stop was cut short, 77 refused by server or proxy, 78 settings
wrong.";

/// The agent on a device: reports to a Meeting server, publishes its SSH key, keeps known_hosts fresh, and holds the reverse
/// tunnel open through which chosen local services are reached
#[derive(Debug, Parser)]
#[command(name = "agent", version, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    identity: IdentityArgs,
}

/// Flags for the settings that people give most often.
#[derive(Debug, Args)]
#[command(next_help_heading = "Device")]
struct IdentityArgs {
    /// The device's name on the Meeting server [setting: device_key]
    #[arg(long, value_name = "KEY", global = true)]
    device_key: Option<String>,
    /// The address of the Meeting server [setting: meeting.url]
    #[arg(long, value_name = "URL", global = true)]
    server: Option<String>,
    /// The host of the proxy [setting: tunnel.host]
    #[arg(long, value_name = "HOST", global = true)]
    proxy: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run until stopped (the default)
    Run,
    /// Do one round: heartbeat, key, host keys, tunnel handshake; the exit code says what failed
    ///
    /// While another agent runs for this device, its tunnel is taken over for some seconds.
    Once,
    /// Go through the checklist step by step, each with what to try
    ///
    /// Sends one heartbeat and refreshes known_hosts, and makes or publishes no key. The proxy is asked once; while an agent runs
    /// for this device, its tunnel is taken over for some seconds (see --skip-tunnel).
    Check {
        /// Print the steps as JSON
        #[arg(long)]
        json: bool,
        /// Do not ask the proxy
        #[arg(long)]
        skip_tunnel: bool,
    },
    /// Check-ins of a radio net: hand one over, forward those of a folder, see what waits
    #[command(subcommand, name = "checkin")]
    CheckIn(CheckInCommand),
    /// The machine at a broker of IPWatch
    #[command(subcommand, name = "ipwatch")]
    IpWatch(IpWatchCommand),
    /// Write a configuration file to start from; needs --server
    Init {
        /// Where to write; - for standard output [default: /etc/meeting/agent.toml]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Print a completion script
    Completions(Completions),
}

/// The machine at a broker of IPWatch
#[derive(Clone, Copy, Debug, Subcommand)]
enum IpWatchCommand {
    /// Say how the machine is and take commands until stopped, without a Meeting server
    Run,
}

/// All of the program. `main` does nothing else.
#[must_use]
pub fn main() -> ExitCode {
    match cli::parse::<Cli>() {
        Ok(cli) => report(PROGRAM.name, cli.execute()),
        Err(code) => code,
    }
}

impl Cli {
    fn execute(self) -> Result<(), Failure> {
        match &self.command {
            Some(Command::Completions(completions)) => cli::print(&completions.script::<Self>(&PROGRAM)),
            Some(Command::Init { output }) => self.init(output.as_deref()),
            command => {
                let settings = self.settings();
                let Some(loaded) = self.common.load::<Config>(&settings)? else { return Ok(()) };
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_all()
                    .build()
                    .map_err(|error| Failure::io("cannot start the runtime", error))?;
                match command {
                    Some(Command::Check { json, skip_tunnel }) => {
                        let options = Options { skip_tunnel: *skip_tunnel };
                        runtime.block_on(run_check(loaded, *json, Checked::Device(options)))
                    }
                    Some(Command::CheckIn(CheckInCommand::Forward)) => {
                        runtime.block_on(run_forward(settings, loaded))
                    }
                    Some(Command::CheckIn(CheckInCommand::Check { json })) => {
                        runtime.block_on(run_check(loaded, *json, Checked::CheckIns))
                    }
                    Some(Command::CheckIn(CheckInCommand::Errand(errand))) => {
                        runtime.block_on(errand.as_ref().clone().execute(&loaded.settings))
                    }
                    Some(Command::IpWatch(IpWatchCommand::Run)) => {
                        runtime.block_on(run_ipwatch(settings, loaded))
                    }
                    Some(Command::Once) => runtime.block_on(run_once(loaded)),
                    _ => runtime.block_on(run_agent(settings, loaded)),
                }
            }
        }
    }

    fn settings(&self) -> Settings {
        let mut settings = self.common.settings(&PROGRAM);
        let flags = [
            ("--device-key", "device_key", &self.identity.device_key),
            ("--server", "meeting.url", &self.identity.server),
            ("--proxy", "tunnel.host", &self.identity.proxy),
        ];
        for (flag, key, value) in flags {
            if let Some(value) = value {
                settings = settings.set(flag, &format!("{key}={value}"));
            }
        }
        settings
    }

    fn init(&self, output: Option<&Path>) -> Result<(), Failure> {
        let Some(server) = &self.identity.server else {
            return Err(Failure::new(Exit::Usage, "init needs the address of the Meeting server")
                .advise("agent init --server https://meeting.example.org --device-key KEY"));
        };
        let device_key = self.identity.device_key.as_deref().map(str::parse::<DeviceKey>).transpose();
        let device_key =
            device_key.map_err(|error| Failure::new(Exit::Usage, "--device-key").because(error))?;
        meeting_api::client::Client::builder(server)
            .map_err(|error| Failure::new(Exit::Usage, format!("--server {server}")).because(error))?;
        let text = init::starter(server, device_key.as_ref(), self.identity.proxy.as_deref());
        let path = output.or(self.common.config.as_deref()).unwrap_or(Path::new(PROGRAM.default_config));
        if path == Path::new("-") {
            return cli::print(&text);
        }
        init::write(path, &text)?;
        cli::print(&format!(
            "{} written; next: put the token into place, then `agent check`\n",
            path.display()
        ))
    }
}

/// Points a broken rule between settings at the place where the setting stands.
fn refuse_problem(loaded: &Loaded<Config>) -> Result<(), Failure> {
    match loaded.settings.problem() {
        Some(problem) => Err(loaded.refuse(problem.key, &problem.message).into()),
        None => Ok(()),
    }
}

fn start_logging(loaded: &Loaded<Config>) -> Result<LogHandle, Failure> {
    let handle = logging::init(&loaded.settings.log)?;
    for variable in loaded.stray_variables() {
        tracing::warn!(variable, "this environment variable names no setting");
    }
    Ok(handle)
}

async fn run_agent(settings: Settings, loaded: Loaded<Config>) -> Result<(), Failure> {
    live(settings, loaded, refuse_problem, |config, reloads, stop| async {
        let agent = Agent::new(config).reloads(reloads);
        let watchdog = tokio::spawn(service_manager::watchdog(agent.liveness()));
        let ended = agent.run(stop, notify_service_manager).await;
        watchdog.abort();
        ended
    })
    .await
}

/// Forwards check-ins and does nothing else.
async fn run_forward(settings: Settings, loaded: Loaded<Config>) -> Result<(), Failure> {
    let refuse = |loaded: &Loaded<Config>| commands::plan(&loaded.settings).map(drop);
    live(settings, loaded, refuse, |config, reloads, stop| {
        checkin::forward(config, reloads, stop, notify_service_manager)
    })
    .await
}

/// Keeps the machine at its broker and does nothing else.
async fn run_ipwatch(settings: Settings, loaded: Loaded<Config>) -> Result<(), Failure> {
    let refuse = |loaded: &Loaded<Config>| ipwatch::needed(&loaded.settings).map(drop);
    live(settings, loaded, refuse, |config, reloads, stop| {
        ipwatch::run(config, reloads, stop, notify_service_manager)
    })
    .await
}

/// Runs with this process's log and signals; HUP reads the settings again.
async fn live<F: Future<Output = Result<(), Failure>>>(
    settings: Settings,
    loaded: Loaded<Config>,
    refuse: fn(&Loaded<Config>) -> Result<(), Failure>,
    run: impl FnOnce(Config, watch::Receiver<Config>, Stop) -> F,
) -> Result<(), Failure> {
    refuse(&loaded)?;
    let log = start_logging(&loaded)?;
    let config = loaded.settings;
    let stop = Stop::default();
    let hangup = std::sync::Arc::new(Notify::new());
    let wake = hangup.clone();
    let listening = signals::listen(stop.clone(), move || wake.notify_one())
        .map_err(|error| Failure::io("cannot take over signals", error))?;
    let (new_settings, reloads) = watch::channel(config.clone());
    let helpers = [
        tokio::spawn(listening),
        tokio::spawn(reload_on(hangup, settings, new_settings, log, refuse)),
        tokio::spawn(announce_stop(stop.clone())),
    ];
    let ended = run(config, reloads, stop).await;
    helpers.iter().for_each(tokio::task::JoinHandle::abort);
    ended
}

async fn announce_stop(stop: Stop) {
    stop.gently.cancelled().await;
    service_manager::stopping(STOP_GRACE);
}

/// On each HUP: reads the settings again. What cannot be used is said, and the old settings stay.
async fn reload_on(
    hangup: std::sync::Arc<Notify>,
    settings: Settings,
    new_settings: watch::Sender<Config>,
    log: LogHandle,
    refuse: fn(&Loaded<Config>) -> Result<(), Failure>,
) {
    loop {
        hangup.notified().await;
        service_manager::reloading();
        let loaded = settings.load::<Config>().map_err(Failure::from);
        match loaded.and_then(|loaded| refuse(&loaded).map(|()| loaded.settings)) {
            Ok(config) => {
                log.set_filter(&config.log.level);
                new_settings.send_replace(config);
            }
            Err(failure) => {
                tracing::error!(%failure, "new settings refused, the old ones stay");
                service_manager::ready("settings not reloaded");
            }
        }
    }
}

/// Keeps `systemctl status` informed.
fn notify_service_manager(event: &Event) {
    match event {
        Event::Started { .. }
        | Event::CheckIn(CheckInEvent::Forwarding { .. })
        | Event::IpWatch(IpWatchEvent::Starting { .. })
        | Event::Reloaded
        | Event::ReloadRefused { .. } => {
            service_manager::ready(&event.to_string());
        }
        Event::HeartbeatAccepted { first: true, .. }
        | Event::NotProvisioned { .. }
        | Event::TunnelUp { .. }
        | Event::TunnelDown { .. }
        | Event::TunnelRefused { .. }
        | Event::TunnelContested { .. } => service_manager::status(&event.to_string()),
        _ => {}
    }
}

async fn run_once(loaded: Loaded<Config>) -> Result<(), Failure> {
    refuse_problem(&loaded)?;
    start_logging(&loaded)?;
    let parts = once::once(loaded.settings).await?;
    let mut text = String::new();
    for Part { name, result } in &parts {
        match result {
            Ok(found) => text.push_str(&format!("✓ {name}: {}\n", logging::escape_controls(found))),
            Err(failure) => text.push_str(&format!("✗ {}\n", logging::escape_controls(&failure.to_string()))),
        }
    }
    cli::print(&text)?;
    match once::verdict(parts) {
        Ok(()) => Ok(()),
        Err(failure) => Err(Failure::told(failure.exit())),
    }
}

/// What a checklist is about.
enum Checked {
    Device(Options),
    CheckIns,
}

async fn run_check(loaded: Loaded<Config>, json: bool, checked: Checked) -> Result<(), Failure> {
    start_logging(&loaded)?;
    let colour = logging::colour(&std::io::stdout());
    let mut printed = Ok(());
    let mut listen = |step: &Step| {
        if !json && printed.is_ok() {
            printed = cli::print(&step.text(colour));
        }
    };
    let report: Report = match checked {
        Checked::Device(options) => check::check(loaded.settings, options, &mut listen).await,
        Checked::CheckIns => check::check_ins(&loaded.settings, &mut listen).await?,
    };
    printed?;
    let exit = report.exit();
    if json {
        let text = serde_json::to_string_pretty(&report).map_err(|error| {
            Failure::new(Exit::Software, "cannot write the report as JSON").because(error)
        })?;
        cli::print(&format!("{text}\n"))?;
    } else {
        cli::print(&report.summary())?;
    }
    if exit == Exit::Ok { Ok(()) } else { Err(Failure::told(exit)) }
}
