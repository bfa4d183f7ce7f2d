//! The operator's commands. They work on the store itself, while a receiver serves from it or while none does.
//!
//! Each gives the text that the command line prints, so that tests read what a person would.

mod authorized_keys;
pub mod check_in;
mod device;
pub mod ipwatch;
mod key;
mod listing;
mod port;
mod token;

use clap::Subcommand;
use daemon::exit::{Exit, Failure};
use meeting_api::server::store::DeviceRecord;
use meeting_api::server::{Clock, Store, StoreError, SystemClock};
use meeting_api::{DeviceKey, UtcTimestamp};

use crate::config::Config;
use crate::database::{failed, with_store};

/// What an operator does at the command line.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Enter, list, change and delete devices
    #[command(subcommand)]
    Device(device::DeviceCommand),
    /// Make, list and revoke the secrets of operators and proxies
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// List the public ports that are given out
    Tunnels(listing::Json),
    /// Print published keys as sshd's AuthorizedKeysCommand wants them
    ///
    /// In sshd_config: `AuthorizedKeysCommand /usr/bin/receiver authorized-keys %u %f` and an `AuthorizedKeysCommandUser`
    /// that may read the database.
    AuthorizedKeys(authorized_keys::AuthorizedKeysCommand),
}

impl Command {
    /// Does what the command says, and gives what it has to say.
    ///
    /// # Errors
    /// A [`Failure`] with what went wrong and its exit code: 1 for what is not there, 64 for what cannot be meant, 65 or
    /// 74 when the database fails.
    pub async fn run(self, config: &Config, width: Option<usize>) -> Result<String, Failure> {
        with_store!(&config.database, store => self.on(&store, config, width).await)
    }

    async fn on<S: Store>(self, store: &S, config: &Config, width: Option<usize>) -> Result<String, Failure> {
        match self {
            Self::Device(command) => command.run(store, config, width).await,
            Self::Token(command) => command.run(store, width).await,
            Self::Tunnels(json) => port::list(store, &json, width).await,
            Self::AuthorizedKeys(command) => command.run(store, config).await,
        }
    }
}

fn now() -> UtcTimestamp {
    SystemClock.now()
}

/// What the store said, as the reason why a command fails.
fn database(error: StoreError) -> Failure {
    failed("the database".to_owned(), error)
}

fn unknown_device(key: &DeviceKey) -> Failure {
    Failure::new(Exit::Failed, format!("there is no device {key}"))
        .advise("`receiver device list` shows those there are, `receiver device add` enters one")
}

async fn device<S: Store>(store: &S, key: &DeviceKey) -> Result<DeviceRecord, Failure> {
    store.device(key).await.map_err(database)?.ok_or_else(|| unknown_device(key))
}

/// A line for a person: what was done to which device.
fn done(known: bool, key: &DeviceKey, what: &str) -> Result<String, Failure> {
    if known { Ok(format!("{key}: {what}\n")) } else { Err(unknown_device(key)) }
}
