//! `receiver checkin export`: all check-ins, or some of them, for a spreadsheet or a script.

use std::io::{self, Write};

use checkin_api::server::{CheckInServer, SqlStore};
use clap::Args;
use daemon::exit::Failure;
use http_body_util::BodyExt;

use super::{ask, written};

/// Prints check-ins, oldest first.
#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    form: Form,
    /// Those of this channel, such as "#meshmonday"
    #[arg(long)]
    channel: Option<String>,
    /// Those of this person
    #[arg(long)]
    user: Option<String>,
    /// Those that this bot heard
    #[arg(long)]
    bot: Option<String>,
    /// From this day on, such as 2025-03-03
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Up to this day, the day included
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// Whose days they are, such as America/Denver; UTC's without it
    #[arg(long)]
    zone: Option<String>,
}

#[derive(Debug, Clone, Copy, Args)]
#[group(required = true, multiple = false)]
struct Form {
    /// As CSV; what a spreadsheet would run is made text
    #[arg(long)]
    csv: bool,
    /// As JSON, one check-in a line
    #[arg(long)]
    jsonl: bool,
}

impl Export {
    /// Piece by piece: memory does not grow with what is printed.
    pub(super) async fn run(
        self,
        server: &CheckInServer<SqlStore>,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let path = if self.form.csv { "export.csv" } else { "export.jsonl" };
        let query = [
            ("channel", self.channel.as_deref()),
            ("user", self.user.as_deref()),
            ("bot", self.bot.as_deref()),
            ("from", self.from.as_deref()),
            ("to", self.to.as_deref()),
            ("zone", self.zone.as_deref()),
        ];
        let mut body = ask::get(server, path, &query).await?.into_body();
        while let Some(frame) = body.frame().await {
            let frame =
                frame.map_err(|error| Failure::io("the check-ins cannot be read to their end", error))?;
            let Ok(piece) = frame.into_data() else { continue };
            match out.write_all(&piece) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
                result => written(result)?,
            }
        }
        Ok(())
    }
}
