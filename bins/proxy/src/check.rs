//! `proxy check`: does everything that the proxy needs work?

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use daemon::cli::{Table, print_listing};
use daemon::exit::{Exit, Failure};
use meeting_api::DeviceKey;
use meeting_api::client::Client;
use serde::Serialize;
use tokio::net::TcpListener;

use crate::assembly::{acceptor, client};
use crate::config::Config;
use crate::known;
use crate::ports::{PublicPorts, SystemPorts};

/// How the check is done and shown.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A device whose token Meeting must tell this proxy; by default the first with a tunnel
    #[arg(long, value_name = "DEVICE_KEY")]
    device: Option<String>,
    /// Print the steps as JSON
    #[arg(long)]
    json: bool,
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Ok,
    /// It works, but not as most people want it; or it could not be tried.
    Warning,
    Failed,
}

#[derive(Debug, Clone, Serialize)]
struct Step {
    step: &'static str,
    outcome: Outcome,
    detail: String,
}

/// Tries everything, prints each step, and fails if one failed.
///
/// # Errors
/// Exit code 1 when a step failed.
pub(crate) async fn run(config: &Config, options: &Options) -> Result<(), Failure> {
    let steps = steps(config, options).await;
    print_listing(options.json, &steps, |steps| {
        let mut table = Table::new(["", "step", "detail"]);
        for step in steps {
            let mark = match step.outcome {
                Outcome::Ok => "ok",
                Outcome::Warning => "warning",
                Outcome::Failed => "FAILED",
            };
            table.row([mark, step.step, &step.detail]);
        }
        table
    })?;
    let failed = steps.iter().filter(|step| step.outcome == Outcome::Failed).count();
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::new(Exit::Failed, format!("{failed} of {} steps failed", steps.len())))
    }
}

async fn steps(config: &Config, options: &Options) -> Vec<Step> {
    // Loading has checked the settings before this runs.
    let mut steps = vec![ok("settings", "can be used")];
    steps.push(control_port(config).await);
    steps.push(certificate(config));
    match client(&config.meeting) {
        Ok(client) => meeting(config, options, &client, &mut steps).await,
        Err(failure) => steps.push(failed("Meeting server", &failure)),
    }
    steps.push(public_ports(config));
    steps.extend(state_file(config));
    steps
}

async fn control_port(config: &Config) -> Step {
    const STEP: &str = "control port";
    match daemon::net::bind(&config.control.listen).await {
        Ok(listener) => ok(STEP, format!("{} can be opened", local(&listener, &config.control.listen))),
        Err(failure) if failure.exit() == Exit::Unavailable => {
            warning(STEP, format!("{} is taken, perhaps by a proxy that runs", config.control.listen))
        }
        Err(failure) => failed(STEP, &failure),
    }
}

fn local(listener: &TcpListener, configured: &impl ToString) -> String {
    listener.local_addr().map_or_else(|_| configured.to_string(), |address| address.to_string())
}

fn certificate(config: &Config) -> Step {
    const STEP: &str = "control TLS";
    match acceptor(config.control.tls.as_ref()) {
        Ok(Some(_)) if config.control.require_tls => ok(STEP, "offered and required"),
        Ok(Some(_)) => ok(STEP, "offered; plain agents are taken too"),
        Ok(None) => warning(STEP, "not offered: tokens cross the network in clear (`control.tls`)"),
        Err(failure) => failed(STEP, &failure),
    }
}

async fn meeting(config: &Config, options: &Options, client: &Client, steps: &mut Vec<Step>) {
    match client.api_status().await {
        Ok(status) => {
            steps.push(ok("Meeting server", format!("{} answers: {}", config.meeting.url, status.status)))
        }
        Err(error) => {
            steps.push(failed("Meeting server", &format!("{}: {error}", config.meeting.url)));
            return;
        }
    }
    let first = match client.tunnels().await {
        Ok(list) => {
            let rows = list.tunnels.len();
            let step = if list.unreadable > 0 { warning } else { ok };
            steps
                .push(step("tunnel listing", format!("{rows} tunnels, {} rows unreadable", list.unreadable)));
            list.tunnels.into_iter().next().map(|tunnel| tunnel.device_key)
        }
        Err(error) => {
            steps.push(failed("tunnel listing", &error));
            None
        }
    };
    let device = match options.device.as_deref().map(DeviceKey::new).transpose() {
        Ok(device) => device.or(first),
        Err(error) => return steps.push(failed("token rights", &error)),
    };
    steps.push(token_rights(config, client, device).await);
}

async fn token_rights(config: &Config, client: &Client, device: Option<DeviceKey>) -> Step {
    const STEP: &str = "token rights";
    let Some(device) = device else {
        return warning(STEP, "not tried: no device has a tunnel; name one with --device");
    };
    match client.device(&device).await {
        Ok(record) if record.token_code.is_some() => ok(STEP, format!("Meeting tells the token of {device}")),
        Ok(_) if config.meeting.accept_without_token_check => warning(
            STEP,
            format!("Meeting does not tell the token of {device}; such devices are accepted unchecked"),
        ),
        Ok(_) => failed(
            STEP,
            &format!(
                "Meeting does not tell the token of {device}: agents will be refused; is `meeting.secret` that of a proxy?"
            ),
        ),
        Err(error) => failed(STEP, &format!("{device}: {error}")),
    }
}

fn public_ports(config: &Config) -> Step {
    const STEP: &str = "public ports";
    let bind = config.tunnels.bind;
    let ports: Vec<u16> = config.tunnels.ports.ports().collect();
    let binder: Arc<dyn PublicPorts> = Arc::new(SystemPorts);
    let mut wrong = Vec::new();
    for port in &ports {
        // The listener is closed again at once.
        if let Err(error) = binder.bind(SocketAddr::new(bind, *port)) {
            wrong.push(format!("{port}: {error}"));
        }
    }
    let reach = if bind.is_loopback() { "this machine only" } else { "whoever reaches that address" };
    match (wrong.first(), wrong.len() == ports.len()) {
        (None, _) => ok(STEP, format!("all {} can be opened on {bind}, for {reach}", ports.len())),
        (Some(first), false) => {
            warning(STEP, format!("{} of {} on {bind} cannot be opened ({first})", wrong.len(), ports.len()))
        }
        (Some(first), true) => failed(STEP, &format!("none on {bind} can be opened ({first})")),
    }
}

fn state_file(config: &Config) -> Option<Step> {
    const STEP: &str = "state file";
    let path = config.lockout.state_file.as_ref()?;
    let tried = known::read(path).and_then(|text| known::write(path, &text));
    Some(match tried {
        Ok(()) => ok(STEP, format!("{} can be written", path.display())),
        Err(error) => failed(STEP, &format!("{}: {error}", path.display())),
    })
}

fn ok(step: &'static str, detail: impl Into<String>) -> Step {
    Step { step, outcome: Outcome::Ok, detail: detail.into() }
}

fn warning(step: &'static str, detail: impl Into<String>) -> Step {
    Step { step, outcome: Outcome::Warning, detail: detail.into() }
}

fn failed(step: &'static str, error: &impl ToString) -> Step {
    Step { step, outcome: Outcome::Failed, detail: error.to_string() }
}
