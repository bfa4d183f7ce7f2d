//! `receiver ipwatch devices`: the machines, and how they are where a receiver runs that knows.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use daemon::cli::Table;
use daemon::exit::Failure;
use http::Method;
use ipwatch_mqtt::server::SqlStore;
use ipwatch_mqtt::server::store::{Devices as _, Role};
use serde::Serialize;
use serde_json::Value;

use super::database;
use super::live::Running;
use crate::command::listing::Json;
use crate::config::Config;

/// A receiver on this machine answers at once, or not at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// Lists the machines.
#[derive(Debug, Args)]
pub struct Devices {
    #[command(flatten)]
    running: Running,
    #[command(flatten)]
    json: Json,
}

#[derive(Serialize)]
struct Shown {
    ip: IpAddr,
    name: String,
    groups: Vec<String>,
    mac: Option<String>,
    user: Option<String>,
    availability: Value,
    since: Value,
    status: Value,
}

impl Devices {
    pub(super) async fn run(
        self,
        config: &Config,
        store: &SqlStore,
        width: Option<usize>,
    ) -> Result<String, Failure> {
        let records = store.devices().await.map_err(database)?;
        let now = self.now(config, store).await;
        let field = |ip: &IpAddr, name: &str| {
            now.get(&ip.to_string()).and_then(|device| device.get(name)).cloned().unwrap_or_default()
        };
        let rows: Vec<_> = records
            .into_iter()
            .filter(|device| device.retired_at.is_none())
            .map(|device| Shown {
                availability: field(&device.address, "availability"),
                since: field(&device.address, "since"),
                status: field(&device.address, "status"),
                ip: device.address,
                name: device.name,
                groups: device.groups.iter().map(ToString::to_string).collect(),
                mac: device.mac.map(|mac| mac.to_string()),
                user: device.user,
            })
            .collect();
        self.json.listing(&rows, width, table)
    }

    /// What the receiver that runs knows, by address. Without one the listing is what the database holds.
    async fn now(&self, config: &Config, store: &SqlStore) -> HashMap<String, Value> {
        let asked = (Method::GET, "/v1/ipwatch/devices");
        let said = self.running.ask(config, store, Role::Read, asked, PATIENCE).await;
        let Ok(mut said) = said else { return HashMap::new() };
        let devices = said.body.get_mut("devices").and_then(Value::as_array_mut).map(std::mem::take);
        devices
            .unwrap_or_default()
            .into_iter()
            .filter_map(|device| Some((device.get("ip")?.as_str()?.to_owned(), device)))
            .collect()
    }
}

fn table(rows: &[Shown]) -> Table {
    let mut table = Table::new(["ADDRESS", "NAME", "STATE", "CPU", "MEMORY", "DISK", "GROUPS"])
        .when_empty("No machine yet; `receiver ipwatch device add ADDRESS NAME` adds one.");
    for row in rows {
        let share = |name: &str| match row.status.get(name).and_then(Value::as_f64) {
            Some(percent) => format!("{percent:.0} %"),
            None => String::new(),
        };
        table.row([
            row.ip.to_string(),
            row.name.clone(),
            row.availability.as_str().unwrap_or("not known").to_owned(),
            share("cpu_percent"),
            share("memory_percent"),
            share("disk_percent"),
            row.groups.join(", "),
        ]);
    }
    table
}
