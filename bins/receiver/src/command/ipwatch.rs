//! `receiver ipwatch …`: the machines, what is done to them, and who may.
//!
//! What is kept is read and changed in the database, whether a receiver serves from it or not. What takes the machines themselves is asked of
//! the receiver that runs.

mod broker_config;
mod device;
mod devices;
mod keys;
mod live;
mod log;
mod schedules;
mod send;

use clap::Subcommand;
use daemon::exit::Failure;
use ipwatch_mqtt::server::StoreError;

use super::listing::Json;
use crate::config::Config;
use crate::ipwatch::{failed, open};

/// What is done with machines.
#[derive(Debug, Subcommand)]
pub enum IpWatchCommand {
    /// List the machines
    Devices(devices::Devices),
    /// Add, change and retire machines
    #[command(subcommand)]
    Device(device::DeviceCommand),
    /// Shut down, restart, wake or ask a machine, a group, or all
    Send(send::Send),
    /// Make, list and revoke the keys of people and programs
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// List what is done at set times
    Schedules(Json),
    /// Say who did what to which machine, when, and what came of it
    Log(log::Log),
    /// Write Mosquitto's settings: users, passwords, and who may say what
    BrokerConfig(broker_config::BrokerConfig),
}

impl IpWatchCommand {
    /// Does what the command says, and gives what it has to say.
    ///
    /// # Errors
    /// A [`Failure`] with what went wrong and its exit code: 1 for what is not there, 64 for what cannot be meant, 65 or
    /// 74 when the database fails, 69 when no receiver answers.
    pub async fn run(self, config: &Config, width: Option<usize>) -> Result<String, Failure> {
        let settings = config.ipwatch.clone().unwrap_or_default();
        let store = open(&settings, self.makes()).await?;
        match self {
            Self::Devices(command) => command.run(config, &store, width).await,
            Self::Device(command) => command.run(&store).await,
            Self::Send(command) => command.run(config, &store, width).await,
            Self::Keys(command) => command.run(&store, width).await,
            Self::Schedules(json) => schedules::run(json, &store, width).await,
            Self::Log(command) => command.run(&store, width).await,
            Self::BrokerConfig(command) => command.run(&settings, &store, width).await,
        }
    }

    /// Whether it may be the first to use the file.
    const fn makes(&self) -> bool {
        match self {
            Self::Device(command) => command.makes(),
            Self::Keys(command) => command.makes(),
            _ => false,
        }
    }
}

fn database(error: StoreError) -> Failure {
    failed("the machines".to_owned(), &error)
}

/// To the second, in UTC.
fn second(time: jiff::Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
