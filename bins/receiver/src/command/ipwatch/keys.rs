//! `receiver ipwatch keys …`: who may see the machines, who may switch them, and who decides which there are.

use clap::{Args, Subcommand, ValueEnum};
use daemon::cli::Table;
use daemon::config::Period;
use daemon::exit::{Exit, Failure};
use ipwatch_mqtt::server::store::{KeyRecord, Keys, Role};
use ipwatch_mqtt::server::{SqlStore, mint_key};
use jiff::Timestamp;
use serde::Serialize;

use super::{database, second};
use crate::command::listing::Json;

/// What is done to keys.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make a key and show it, this once
    Add(Add),
    /// List keys, without the keys themselves
    List(Json),
    /// Withdraw a key; a receiver that runs refuses it within a second
    Revoke(Revoke),
}

/// Makes a key.
#[derive(Debug, Args)]
pub struct Add {
    /// Whose it is; it stands in the log beside each command that is sent with it
    name: String,
    /// What it is good for
    #[arg(long, value_enum, default_value_t = For::Control)]
    role: For,
    /// How long it counts, such as 90d; for ever without it
    #[arg(long, value_name = "TIME")]
    expires_in: Option<Period>,
    #[command(flatten)]
    json: Json,
}

/// What a key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum For {
    /// Seeing machines, their history and the log
    Read,
    /// Switching them too
    Control,
    /// Deciding which machines, groups and schedules there are, too
    Administer,
}

impl From<For> for Role {
    fn from(role: For) -> Self {
        match role {
            For::Read => Self::Read,
            For::Control => Self::Control,
            For::Administer => Self::Administer,
        }
    }
}

/// Withdraws a key.
#[derive(Debug, Args)]
pub struct Revoke {
    /// Its name or its ID, as the listing shows them
    key: String,
}

impl KeysCommand {
    /// Whether it may be the first to use the file.
    pub(super) const fn makes(&self) -> bool {
        matches!(self, Self::Add(_))
    }

    pub(super) async fn run(self, store: &SqlStore, width: Option<usize>) -> Result<String, Failure> {
        match self {
            Self::Add(add) => make(store, add).await,
            Self::List(json) => list(store, json, width).await,
            Self::Revoke(Revoke { key }) => revoke(store, &key).await,
        }
    }
}

async fn make(store: &SqlStore, add: Add) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Made<'a> {
        id: &'a str,
        name: &'a str,
        role: &'a str,
        expires_at: Option<String>,
        key: &'a str,
    }
    let role = Role::from(add.role);
    let now = Timestamp::now();
    let expires_at = match add.expires_in {
        Some(period) => Some(now.checked_add(period.duration()).map_err(|error| {
            Failure::new(Exit::Usage, "--expires-in reaches beyond the calendar").because(error)
        })?),
        None => None,
    };
    let minted = mint_key(role, add.name.as_str(), now, expires_at)
        .map_err(|error| Failure::io("no random numbers", error))?;
    let id = minted.key.id.clone();
    if !store.add_key(minted.key).await.map_err(database)? {
        return Err(Failure::new(Exit::Failed, format!("there is a key named {} already", add.name))
            .advise("choose another name, or withdraw it with `receiver ipwatch keys revoke`"));
    }
    let made = Made {
        id: &id,
        name: &add.name,
        role: role.as_str(),
        expires_at: expires_at.map(second),
        key: &minted.secret,
    };
    add.json.one(&made, |made| format!("{}\n", made.key))
}

async fn list(store: &SqlStore, json: Json, width: Option<usize>) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Shown {
        id: String,
        name: String,
        role: &'static str,
        state: &'static str,
        created_at: String,
        expires_at: Option<String>,
        revoked_at: Option<String>,
    }
    let now = Timestamp::now();
    let shown = |key: KeyRecord| Shown {
        state: state(&key, now),
        role: key.role.as_str(),
        id: key.id,
        name: key.name,
        created_at: second(key.created_at),
        expires_at: key.expires_at.map(second),
        revoked_at: key.revoked_at.map(second),
    };
    let rows: Vec<_> = store.keys().await.map_err(database)?.into_iter().map(shown).collect();
    json.listing(&rows, width, |rows| {
        let mut table = Table::new(["ID", "NAME", "FOR", "STATE", "MADE", "EXPIRES"])
            .when_empty("No key yet; `receiver ipwatch keys add NAME` makes one.");
        for row in rows {
            let expires = row.expires_at.as_deref().unwrap_or("never");
            table.row([&row.id, &row.name, row.role, row.state, &row.created_at, expires]);
        }
        table
    })
}

fn state(key: &KeyRecord, now: Timestamp) -> &'static str {
    match key.revoked_at {
        Some(_) => "revoked",
        None if key.is_in_force(now) => "counts",
        None => "expired",
    }
}

async fn revoke(store: &SqlStore, key: &str) -> Result<String, Failure> {
    if store.revoke_key(key, Timestamp::now()).await.map_err(database)? {
        return Ok(format!("{key}: withdrawn\n"));
    }
    Err(Failure::new(Exit::Failed, format!("there is no key {key} that could be withdrawn"))
        .advise("`receiver ipwatch keys list` shows them"))
}
