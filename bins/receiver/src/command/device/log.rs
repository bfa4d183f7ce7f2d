//! `receiver device log`.

use clap::Args;
use daemon::cli::Table;
use daemon::exit::Failure;
use meeting_api::server::Store;
use meeting_api::{DeviceKey, UtcTimestamp};
use serde::Serialize;

use crate::command::listing::Json;
use crate::command::{database, device};

/// Shows a log.
#[derive(Debug, Args)]
pub struct Log {
    /// The device
    key: DeviceKey,
    /// How many lines
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    json: Json,
}

pub(super) async fn log<S: Store>(store: &S, wanted: &Log, width: Option<usize>) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Line {
        timestamp: UtcTimestamp,
        event: String,
        host: Option<String>,
        remote: Option<String>,
    }
    device(store, &wanted.key).await?;
    let lines = store.device_log(&wanted.key, wanted.limit).await.map_err(database)?;
    let lines: Vec<_> = lines
        .into_iter()
        .map(|line| Line { timestamp: line.at, event: line.event, host: line.host, remote: line.remote })
        .collect();
    wanted.json.listing(&lines, width, |lines| {
        let mut table = Table::new(["TIME (UTC)", "EVENT", "FROM"]).when_empty("Nothing happened yet.");
        for line in lines {
            let from = line.remote.clone().or_else(|| line.host.clone()).unwrap_or_default();
            table.row([line.timestamp.to_string(), line.event.clone(), from]);
        }
        table
    })
}
