//! `agent checkin …`: a check-in handed over on the command line, and a look into the outbox.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use checkin_api::CheckIn;
use checkin_api::outbox::{Outbox, OutboxError, OutboxEvent};
use clap::{Args, Subcommand};
use daemon::cli::{self, Table};
use daemon::exit::{Exit, Failure};
use daemon::logging::escape_controls;
use serde::Serialize;

use super::draft::Draft;
use super::plan::{CheckInPlan, outbox_path};
use crate::config::Config;

/// Check-ins of a radio net
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum CheckInCommand {
    /// Forward the spool folder and the outbox until stopped, without a Meeting server
    Forward,
    /// Try the receiver, the key and the spool folder; stores nothing
    Check {
        /// Print the steps as JSON
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    Errand(Box<Errand>),
}

/// What is done once.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Errand {
    /// Hand over one check-in: it is kept until the receiver has it
    ///
    /// Exit codes: 0 the receiver has it, or the agent that runs here sends it; 65 it is no check-in; 75 it is kept, and sent later; 77 the
    /// receiver refuses the key.
    Submit {
        #[command(flatten)]
        check_in: DraftArgs,
        /// How long to try now, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 20)]
        wait: u64,
    },
    /// Print the packet hash that every bot computes for this message
    Hash(DraftArgs),
    /// Show what waits in the outbox and what was set aside
    List {
        /// Print it as JSON
        #[arg(long)]
        json: bool,
    },
    /// Send again what was set aside
    Retry,
}

/// The parts of a check-in.
#[derive(Clone, Debug, Args)]
pub(crate) struct DraftArgs {
    /// The channel's name, as #meshmonday
    #[arg(long, value_name = "NAME")]
    channel: String,
    /// The sender's name [default: that of --raw-packet]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What the sender said, without the name [default: that of --raw-packet]
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    /// The packet's hash [default: computed from what else is given]
    #[arg(long, value_name = "HASH")]
    packet_hash: Option<String>,
    /// The message's own timestamp, in seconds since 1970, as the radio reports it
    #[arg(long, value_name = "SECONDS")]
    sender_timestamp: Option<u32>,
    /// The MeshCore packet as it was heard, in hex digits
    #[arg(long, value_name = "HEX")]
    raw_packet: Option<String>,
    /// The channel's key in hex digits; those of #names and of Public need none
    #[arg(long, value_name = "HEX")]
    channel_key: Option<String>,
    /// When it was heard, ISO 8601 [default: now]
    #[arg(long, value_name = "TIME")]
    timestamp: Option<String>,
    /// The bot's name [setting: checkin.source_bot]
    #[arg(long, value_name = "NAME")]
    source_bot: Option<String>,
}

impl DraftArgs {
    fn finish(self, source_bot: Option<&str>) -> Result<CheckIn, Failure> {
        let draft = Draft {
            packet_hash: self.packet_hash,
            username: self.name,
            message: self.text,
            channel: Some(self.channel),
            timestamp: self.timestamp,
            source_bot: self.source_bot,
            raw_packet: self.raw_packet,
            sender_timestamp: self.sender_timestamp,
            channel_key: self.channel_key,
        };
        draft.finish(source_bot, SystemTime::now()).map_err(|reason| {
            Failure::new(Exit::Data, "this is no check-in").because(reason).advise(
                "--channel, --name and --text, and with them --sender-timestamp, --raw-packet or --packet-hash",
            )
        })
    }
}

/// What is shown of the outbox.
#[derive(Debug, Serialize)]
struct Contents {
    waiting: usize,
    set_aside: Vec<Aside>,
}

#[derive(Debug, Serialize)]
struct Aside {
    file: PathBuf,
    reason: String,
}

impl Errand {
    /// Does it.
    ///
    /// # Errors
    /// As the command's help says.
    pub(crate) async fn execute(self, config: &Config) -> Result<(), Failure> {
        match self {
            Self::Hash(draft) => cli::print(&format!("{}\n", draft.finish(None)?.packet_hash)),
            Self::Submit { check_in, wait } => submit(config, check_in, Duration::from_secs(wait)).await,
            Self::List { json } => list(config, json).await,
            Self::Retry => {
                let again = open(&plan(config)?, config)?.retry_set_aside().await;
                let count = again.map_err(|error| failure(config, error))?;
                cli::print(&format!("{count} to be sent again\n"))
            }
        }
    }
}

/// The plan, or what to do to have one.
///
/// # Errors
/// There is no `checkin.url`, or a setting cannot be used.
pub(crate) fn plan(config: &Config) -> Result<CheckInPlan, Failure> {
    CheckInPlan::make(config)?.ok_or_else(|| {
        Failure::new(Exit::Configuration, "checkin.url is not set: where do check-ins go?")
            .advise("--set checkin.url=https://example.org/checkins, or [checkin] in the configuration file")
    })
}

fn open(plan: &CheckInPlan, config: &Config) -> Result<Outbox, Failure> {
    plan.outbox().map_err(|error| failure(config, error))
}

fn failure(config: &Config, error: OutboxError) -> Failure {
    let path = outbox_path(config).display().to_string();
    let what = format!("the outbox {path}");
    match error {
        OutboxError::Io(error) => Failure::io(what, error)
            .advise("a folder that this user may write to: --set checkin.outbox=DIR, or the spool folder"),
        OutboxError::Invalid(error) => Failure::new(Exit::Data, "this is no check-in").because(error),
        full @ OutboxError::Full { .. } => Failure::new(Exit::Temporary, what).because(full),
        error => Failure::new(Exit::Unavailable, what).because(error),
    }
}

async fn submit(config: &Config, draft: DraftArgs, wait: Duration) -> Result<(), Failure> {
    let plan = plan(config)?.at_once();
    let check_in = draft.finish(plan.source_bot.as_deref())?;
    let hash = check_in.packet_hash.clone();
    let outbox = open(&plan, config)?;
    outbox.put(&check_in).await.map_err(|error| failure(config, error))?;
    let mut sender = match outbox.sender() {
        Ok(sender) => sender,
        Err(OutboxError::InUse) => {
            return cli::print(&format!("{hash} handed over: the agent that runs here sends it\n"));
        }
        Err(error) => return Err(failure(config, error)),
    };
    let mut said = String::new();
    let mut last = String::new();
    let mut refused = None;
    let sending = sender.send_waiting(&plan.client, |event| {
        last = escape_controls(&event.to_string()).into_owned();
        match &event {
            OutboxEvent::Waiting { .. } => {}
            OutboxEvent::SetAside { packet_hash: Some(other), reason } if **other == hash => {
                refused = Some((*reason).to_owned());
            }
            _ => said.push_str(&format!("{last}\n")),
        }
    });
    let ended = tokio::time::timeout(wait, sending).await;
    cli::print(&said)?;
    if let Some(reason) = refused {
        return Err(Failure::new(Exit::Data, format!("{hash} set aside")).because(reason));
    }
    match ended {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(OutboxError::Stopped(error))) => {
            Err(Failure::new(Exit::NotPermitted, format!("{hash} is kept"))
                .because(error)
                .advise("checkin.api_key and checkin.url; it is sent when they are right"))
        }
        Ok(Err(error)) => Err(failure(config, error)),
        Err(_) => Err(Failure::new(Exit::Temporary, format!("{hash} is kept, and sent later"))
            .because(if last.is_empty() { "the receiver has not answered".to_owned() } else { last })),
    }
}

async fn list(config: &Config, json: bool) -> Result<(), Failure> {
    let outbox = open(&plan(config)?, config)?;
    let waiting = outbox.waiting().await.map_err(|error| failure(config, error))?;
    let set_aside = outbox.set_aside().await.map_err(|error| failure(config, error))?;
    let set_aside = set_aside.into_iter().map(|aside| Aside { file: aside.path, reason: aside.reason });
    let contents = Contents { waiting, set_aside: set_aside.collect() };
    if json {
        let text = serde_json::to_string_pretty(&contents).map_err(|error| {
            Failure::new(Exit::Software, "cannot write the listing as JSON").because(error)
        })?;
        return cli::print(&format!("{text}\n"));
    }
    let mut text = format!("waiting: {waiting}\nset aside: {}\n", contents.set_aside.len());
    if !contents.set_aside.is_empty() {
        let mut table = Table::new(["file", "reason"]);
        for aside in &contents.set_aside {
            table.row([aside.file.display().to_string(), aside.reason.clone()]);
        }
        text.push_str(&table.render(cli::terminal_width()));
    }
    cli::print(&text)
}
