//! `receiver ipwatch log`: who did what to which machine, when, and what came of it.

use std::net::IpAddr;

use clap::Args;
use daemon::cli::Table;
use daemon::exit::Failure;
use ipwatch_mqtt::server::SqlStore;
use ipwatch_mqtt::server::store::{CommandLog, LogEntry, LogFilter, Origin};
use serde::Serialize;

use super::{database, second};
use crate::command::listing::Json;

/// Prints the log, the newest first.
#[derive(Debug, Args)]
pub struct Log {
    /// Of this machine alone
    #[arg(long, value_name = "ADDRESS")]
    device: Option<IpAddr>,
    /// At most so many entries
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    most: u32,
    #[command(flatten)]
    json: Json,
}

#[derive(Serialize)]
struct Shown {
    id: i64,
    at: String,
    who: String,
    schedule: Option<String>,
    target: String,
    command: &'static str,
    outcome: &'static str,
    message: Option<String>,
    code: Option<String>,
    took_ms: Option<u64>,
}

impl From<LogEntry> for Shown {
    fn from(LogEntry { id, begun, code, took_ms }: LogEntry) -> Self {
        let (who, schedule) = match begun.origin {
            Origin::Key(name) => (name, None),
            Origin::Schedule(id, name) => (name, Some(id)),
        };
        Self {
            id,
            at: second(begun.at),
            who,
            schedule,
            target: begun.target.to_string(),
            command: begun.action.as_str(),
            outcome: begun.outcome.as_str(),
            message: begun.message,
            code,
            took_ms,
        }
    }
}

impl Log {
    pub(super) async fn run(self, store: &SqlStore, width: Option<usize>) -> Result<String, Failure> {
        let filter = LogFilter { device: self.device, before: None, most: self.most };
        let entries = store.log(filter).await.map_err(database)?;
        let rows: Vec<_> = entries.into_iter().map(Shown::from).collect();
        self.json.listing(&rows, width, |rows| {
            let mut table = Table::new(["WHEN", "WHAT", "TO WHOM", "BY", "OUTCOME", "MESSAGE"])
                .when_empty("Nobody has switched a machine yet.");
            for row in rows {
                let target = row.target.strip_prefix("device:").unwrap_or(&row.target);
                let message = row.message.as_deref().unwrap_or_default();
                table.row([&row.at, row.command, target, &row.who, row.outcome, message]);
            }
            table
        })
    }
}
