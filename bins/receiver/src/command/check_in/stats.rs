//! `receiver checkin stats`: how much is kept, how the nets and the bots are doing.

use checkin_api::reading::{Bot, Bots, CheckIns, Nets, WeekCounts, Weeks};
use checkin_api::server::{CheckInServer, SqlStore};
use daemon::cli::Table;
use daemon::exit::Failure;
use serde::Serialize;

use super::ask;
use crate::command::listing::Json;

/// What there is to say.
#[derive(Debug, Serialize)]
struct Stats {
    check_ins: u64,
    duplicates: u64,
    rejected: u64,
    newest: Option<String>,
    nets: Vec<Net>,
    bots: Vec<Bot>,
}

/// A net in its current week.
#[derive(Debug, Serialize)]
struct Net {
    name: String,
    is_open: bool,
    #[serde(flatten)]
    counts: Option<WeekCounts>,
}

pub(super) async fn run(
    json: Json,
    server: &CheckInServer<SqlStore>,
    width: Option<usize>,
) -> Result<String, Failure> {
    let Bots { bots } = ask::value(server, "bots", &[]).await?;
    let newest: CheckIns = ask::value(server, "list", &[("limit", Some("1"))]).await?;
    let mut nets = Vec::new();
    let known: Nets = ask::value(server, "nets", &[]).await?;
    for net in known.nets {
        let path = format!("nets/{}/weeks", ask::encoded(&net.name));
        let weeks: Weeks = ask::value(server, &path, &[("limit", Some("1"))]).await?;
        let counts = weeks.weeks.into_iter().next();
        nets.push(Net { name: net.name, is_open: net.current.is_open, counts });
    }
    let sum = |of: fn(&Bot) -> u64| bots.iter().map(of).sum();
    let stats = Stats {
        // Each check-in was first reported by one bot.
        check_ins: sum(|bot| bot.accepted),
        duplicates: sum(|bot| bot.duplicates),
        rejected: sum(|bot| bot.rejected),
        newest: newest.check_ins.into_iter().next().map(|newest| newest.timestamp),
        nets,
        bots,
    };
    json.one(&stats, |stats| text(stats, width))
}

fn text(stats: &Stats, width: Option<usize>) -> String {
    let mut totals = Table::new(["CHECK-INS", "HEARD ALREADY", "REFUSED", "NEWEST"]);
    totals.row([
        stats.check_ins.to_string(),
        stats.duplicates.to_string(),
        stats.rejected.to_string(),
        stats.newest.clone().unwrap_or_else(|| "none".to_owned()),
    ]);
    let mut nets = Table::new(["NET", "WEEK", "STATE", "PEOPLE", "CHECK-INS", "FIRST TIME"])
        .when_empty("No net; `[[checkin.net]]` in the settings makes one.");
    for Net { name, is_open, counts } in &stats.nets {
        let state = if *is_open { "open" } else { "closed" };
        let week = counts.as_ref().map(|counts| counts.week.clone()).unwrap_or_default();
        let count = |of: fn(&WeekCounts) -> u64| counts.as_ref().map_or(0, of).to_string();
        nets.row([
            name.clone(),
            week,
            state.to_owned(),
            count(|counts| counts.people),
            count(|counts| counts.check_ins),
            count(|counts| counts.first_timers),
        ]);
    }
    let mut bots = Table::new(["BOT", "LAST REPORT", "ACCEPTED", "HEARD ALREADY", "REFUSED"])
        .when_empty("No bot has sent anything yet.");
    for bot in &stats.bots {
        bots.row([
            bot.bot.clone(),
            bot.last_seen.to_string(),
            bot.accepted.to_string(),
            bot.duplicates.to_string(),
            bot.rejected.to_string(),
        ]);
    }
    [totals, nets, bots].map(|table| table.render(width)).join("\n")
}
