//! `agent check`: the document's checklist (§5), step by step, each with what to try when it fails.
//!
//! It does what the running agent does (a heartbeat goes out, `known_hosts` is brought up to date, the proxy is asked once),
//! and changes nothing else: no key is made and none is published.

mod checkin;
mod device;
mod http_probe;
mod report;
mod server;
mod tunnel;

pub use report::{Report, Step, Verdict};

use crate::addresses::{Network, SystemNetwork};
use crate::config::Config;
use crate::identity::{Identity, IdentityError};
use crate::plan::Plan;
use report::Progress;

/// What to leave out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Do not ask the proxy. A handshake takes the tunnel over from an agent that is running, for some seconds.
    pub skip_tunnel: bool,
}

/// Goes through the checklist and tells `listen` of each step as soon as it is done.
pub async fn check(config: Config, options: Options, listen: &mut (dyn FnMut(&Step) + Send)) -> Report {
    check_on(config, options, &SystemNetwork, listen).await
}

/// As [`check`], on a network of the caller's.
pub async fn check_on(
    config: Config,
    options: Options,
    network: &dyn Network,
    listen: &mut (dyn FnMut(&Step) + Send),
) -> Report {
    let mut progress = Progress::new(listen);
    let services = config.services.clone();
    match plan(config, &mut progress) {
        Some(plan) => {
            if server::check(&plan, &mut progress).await {
                device::check(&plan, network, &mut progress).await;
            } else {
                progress.skipped("device", "Device on the server", "the server does not answer");
            }
            tunnel::check(&plan, options, &mut progress).await;
            if let Some(plan) = &plan.checkin {
                checkin::check(plan, &mut progress).await;
            }
        }
        None => progress.skipped("server", "Meeting server", "the settings cannot be used"),
    }
    tunnel::check_services(&services, &mut progress).await;
    progress.finish()
}

/// The steps about check-ins alone.
///
/// # Errors
/// The settings cannot be used.
pub async fn check_ins(
    config: &Config,
    listen: &mut (dyn FnMut(&Step) + Send),
) -> Result<Report, daemon::exit::Failure> {
    let plan = crate::checkin::commands::plan(config)?;
    let mut progress = Progress::new(listen);
    checkin::check(&plan, &mut progress).await;
    Ok(progress.finish())
}

/// The first steps: who the device is, and whether the settings can be used.
fn plan(config: Config, progress: &mut Progress<'_>) -> Option<Plan> {
    const KEY: &str = "device_key is provisioned (§2.1)";
    const TOKEN: &str = "Token of the tunnel (§2.2)";
    match Identity::find(&config) {
        Ok(identity) => {
            progress.ok(
                "device_key",
                KEY,
                format!("{} from {}", identity.device_key, identity.device_key_source),
            );
            match &identity.token {
                Some((_, source)) => progress.ok("token", TOKEN, format!("from {source}")),
                None if config.tunnel.enabled => progress.note(
                    "token",
                    TOKEN,
                    "none, so there is no tunnel",
                    "MEETING_TOKEN, or `token` in the configuration: the device's token_code on the Meeting server",
                ),
                None => progress.skipped("token", TOKEN, "the tunnel is switched off"),
            }
        }
        Err(error) => {
            let step = match error {
                IdentityError::InvalidToken { .. } | IdentityError::TokenFile(_) => ("token", TOKEN),
                _ => ("device_key", KEY),
            };
            progress.failed(
                step.0,
                step.1,
                error.to_string(),
                "agent init --device-key KEY --server URL, or /etc/meeting/device_info.json",
            );
        }
    }
    const SETTINGS: &str = "Settings";
    match Plan::make(config) {
        Ok(plan) => {
            let url = plan.config.meeting.url.clone().unwrap_or_default();
            progress.ok("settings", SETTINGS, format!("server {url}"));
            Some(plan)
        }
        Err(failure) => {
            let text = failure.to_string();
            let (found, advice) =
                text.split_once("\n  try: ").unwrap_or((&text, "docs/agent.example.toml shows every key"));
            progress.failed("settings", SETTINGS, found, advice);
            None
        }
    }
}
