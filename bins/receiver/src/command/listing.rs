//! Tables for people, JSON for programs.

use clap::Args;
use daemon::cli::Table;
use daemon::exit::{Exit, Failure};
use meeting_api::UtcTimestamp;
use serde::Serialize;

/// How a listing is printed.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Json {
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

impl Json {
    /// The table, or the rows as one JSON array.
    pub(super) fn listing<T: Serialize>(
        self,
        rows: &[T],
        width: Option<usize>,
        table: impl FnOnce(&[T]) -> Table,
    ) -> Result<String, Failure> {
        if self.json { json(&rows) } else { Ok(table(rows).render(width)) }
    }

    /// The text, or the value as JSON.
    pub(super) fn one<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<String, Failure> {
        if self.json { json(value) } else { Ok(text(value)) }
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|error| Failure::new(Exit::Software, "cannot write this as JSON").because(error))
}

/// How long ago, in words: `5m 12s ago`, `never`.
pub(super) fn ago(time: Option<UtcTimestamp>, now: UtcTimestamp) -> String {
    match time {
        None => "never".to_owned(),
        Some(time) => {
            let passed = std::time::Duration::from_secs(now.seconds_since(time));
            format!("{} ago", daemon::human::about(passed))
        }
    }
}

/// How long from now, in words.
pub(super) fn ahead(time: Option<UtcTimestamp>, now: UtcTimestamp) -> String {
    match time {
        None => "never".to_owned(),
        Some(time) => {
            let left = std::time::Duration::from_secs(time.seconds_since(now));
            format!("in {}", daemon::human::about(left))
        }
    }
}

pub(super) fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
