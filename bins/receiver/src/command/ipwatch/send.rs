//! `receiver ipwatch send`: what the page's buttons do, at the command line.

use std::time::Duration;

use clap::Args;
use daemon::cli::Table;
use daemon::exit::{Exit, Failure};
use http::Method;
use ipwatch_mqtt::schedule::{Action, Target};
use ipwatch_mqtt::server::SqlStore;
use ipwatch_mqtt::server::store::{Devices, Role};

use serde_json::Value;

use super::database;
use super::live::{Running, Said};
use crate::command::check_in::encoded;
use crate::command::listing::Json;
use crate::config::Config;

/// A group answers within the time of one machine, and a moment for each.
const PATIENCE: Duration = Duration::from_secs(300);

/// Sends a command and waits for what comes of it.
#[derive(Debug, Args)]
pub struct Send {
    /// shutdown, reboot, status or wol
    command: Action,
    /// The machine, by address or name; or group:NAME, or all
    target: String,
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    json: Json,
}

impl Send {
    pub(super) async fn run(
        self,
        config: &Config,
        store: &SqlStore,
        width: Option<usize>,
    ) -> Result<String, Failure> {
        let target = target(store, &self.target).await?;
        let path = match &target {
            Target::Device(address) => format!("/api/tracking/{}/{address}", self.command),
            Target::Group(name) => {
                format!("/v1/ipwatch/groups/{}/{}", encoded(&name.to_string()), self.command)
            }
            Target::All => format!("/v1/ipwatch/all/{}", self.command),
        };
        let asked = (Method::POST, path.as_str());
        let said = self.running.ask(config, store, Role::Control, asked, PATIENCE).await?;
        if said.status != 200 {
            return Err(Failure::new(
                Exit::Failed,
                format!("{} {}: {}", self.command, self.target, said.words()),
            ));
        }
        let failed = said.body.get("failed").and_then(Value::as_u64).unwrap_or(0);
        let text = self.json.one(&said.body, |_| self.text(&said, width))?;
        if failed == 0 {
            return Ok(text);
        }
        // Both are wanted: what each said, and that not all did it.
        daemon::cli::print(&text)?;
        Err(Failure::new(Exit::Failed, format!("{failed} of the machines did not do it")))
    }

    fn text(&self, said: &Said, width: Option<usize>) -> String {
        let Some(answers) = said.body.get("answers").and_then(Value::as_array) else {
            return format!("{}: {}\n", self.target, said.words());
        };
        let mut table =
            Table::new(["MACHINE", "OUTCOME", "MESSAGE"]).when_empty("There is no machine in it.");
        for answer in answers {
            let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            table.row([text("ip"), text("outcome"), text("message")]);
        }
        table.render(width)
    }
}

/// `all`, `group:lab`, an address, or the name of one machine.
async fn target(store: &SqlStore, text: &str) -> Result<Target, Failure> {
    if let Ok(target) = text.parse() {
        return Ok(target);
    }
    if let Ok(address) = text.parse() {
        return Ok(Target::Device(address));
    }
    let devices = store.devices().await.map_err(database)?;
    let named: Vec<_> =
        devices.iter().filter(|device| device.retired_at.is_none() && device.name == text).collect();
    match named.as_slice() {
        [device] => Ok(Target::Device(device.address)),
        [] => Err(Failure::new(Exit::Failed, format!("there is no machine {text}"))
            .advise("`receiver ipwatch devices` shows those there are")),
        _ => Err(Failure::new(Exit::Failed, format!("several machines have the name {text}"))
            .advise("give the address of one")),
    }
}
