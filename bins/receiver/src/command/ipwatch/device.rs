//! `receiver ipwatch device …`: adds, changes and retires machines.

use std::net::IpAddr;

use clap::{Args, Subcommand};
use daemon::exit::{Exit, Failure};
use ipwatch_mqtt::server::SqlStore;
use ipwatch_mqtt::server::store::{Devices, NewDevice};
use ipwatch_mqtt::{GroupName, MacAddress};
use jiff::Timestamp;
use serde::Serialize;

use super::broker_config::user_of;
use super::database;
use crate::command::listing::Json;

/// Machines, one by one.
#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// Add a machine, or change one
    Add(Add),
    /// Retire a machine: it leaves the list and its groups, and its agent can speak no more
    Retire(Retire),
}

/// Adds a machine, or changes one.
#[derive(Debug, Args)]
pub struct Add {
    /// Its address on the network: the one in its topics
    address: IpAddr,
    /// What people call it
    name: String,
    /// Its hardware address, such as 00:00:5e:00:53:01, by which it is woken
    #[arg(long)]
    mac: Option<MacAddress>,
    /// A group that it is in; as often as there are groups
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<GroupName>,
    /// The broker's user that may speak for it; its address unless you say another
    #[arg(long)]
    user: Option<String>,
    #[command(flatten)]
    json: Json,
}

/// Retires a machine.
#[derive(Debug, Args)]
pub struct Retire {
    /// Its address
    address: IpAddr,
}

#[derive(Serialize)]
struct Added {
    ip: IpAddr,
    name: String,
    new: bool,
    user: String,
}

impl DeviceCommand {
    /// Whether it may be the first to use the file.
    pub(super) const fn makes(&self) -> bool {
        matches!(self, Self::Add(_))
    }

    pub(super) async fn run(self, store: &SqlStore) -> Result<String, Failure> {
        match self {
            Self::Add(add) => add.run(store).await,
            Self::Retire(Retire { address }) => retire(store, address).await,
        }
    }
}

impl Add {
    async fn run(self, store: &SqlStore) -> Result<String, Failure> {
        let address = self.address.to_canonical();
        let user = self.user.unwrap_or_else(|| user_of(address));
        let device = NewDevice {
            address,
            name: self.name.clone(),
            mac: self.mac,
            groups: self.groups,
            user: Some(user.clone()),
        };
        let new = store.put_device(device, Timestamp::now()).await.map_err(database)?;
        let added = Added { ip: address, name: self.name, new, user };
        self.json.one(&added, |added| {
            format!("{} ({}): {}\n", added.ip, added.name, if added.new { "added" } else { "changed" })
        })
    }
}

async fn retire(store: &SqlStore, address: IpAddr) -> Result<String, Failure> {
    if store.retire_device(address.to_canonical(), Timestamp::now()).await.map_err(database)? {
        return Ok(format!("{address}: retired\n"));
    }
    Err(Failure::new(Exit::Failed, format!("there is no machine {address}"))
        .advise("`receiver ipwatch devices` shows those there are"))
}
