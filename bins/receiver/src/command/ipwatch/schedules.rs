//! `receiver ipwatch schedules`: what is done at set times.

use daemon::cli::Table;
use daemon::exit::Failure;
use ipwatch_mqtt::schedule::{DEFAULT_GRACE, Plan};
use ipwatch_mqtt::server::SqlStore;
use ipwatch_mqtt::server::store::{ScheduleRecord, Schedules};
use jiff::Timestamp;
use serde::Serialize;

use super::{database, second};
use crate::command::listing::Json;

#[derive(Serialize)]
struct Shown {
    id: String,
    name: String,
    command: String,
    target: String,
    cron: String,
    zone: String,
    enabled: bool,
    next: Option<String>,
    author: String,
}

impl From<ScheduleRecord> for Shown {
    fn from(record: ScheduleRecord) -> Self {
        let schedule = record.schedule;
        let plan = Plan::new(schedule.cron.clone(), schedule.zone.clone(), DEFAULT_GRACE, record.settled);
        let next = schedule.enabled.then(|| plan.next_after(Timestamp::now())).flatten();
        Self {
            id: schedule.id,
            name: schedule.name,
            command: schedule.action.to_string(),
            target: schedule.target.to_string(),
            cron: schedule.cron.to_string(),
            zone: schedule.zone.to_string(),
            enabled: schedule.enabled,
            next: next.map(second),
            author: schedule.author,
        }
    }
}

pub(super) async fn run(json: Json, store: &SqlStore, width: Option<usize>) -> Result<String, Failure> {
    let rows: Vec<_> = store.schedules().await.map_err(database)?.into_iter().map(Shown::from).collect();
    json.listing(&rows, width, |rows| {
        let mut table = Table::new(["ID", "NAME", "WHAT", "TO WHOM", "WHEN", "ZONE", "NEXT"])
            .when_empty("Nothing is scheduled; the page at /console/machines/ adds a schedule.");
        for row in rows {
            let next = row.next.as_deref().unwrap_or(if row.enabled { "never" } else { "off" });
            table.row([&row.id, &row.name, &row.command, &row.target, &row.cron, &row.zone, next]);
        }
        table
    })
}
