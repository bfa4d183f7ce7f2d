//! `receiver checkin keys …`: who may send check-ins, and who may read them.

use checkin_api::server::mint_key;
use checkin_api::server::store::{KeyRecord, Keys, Role};
use checkin_api::server::{SqlStore, StoreError};
use clap::{Args, Subcommand, ValueEnum};
use daemon::cli::Table;
use daemon::config::Period;
use daemon::exit::{Exit, Failure};
use jiff::Timestamp;
use serde::Serialize;

use crate::check_ins::failed;
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
    /// Whose it is; it stands on each check-in that is sent with it
    name: String,
    /// What it is good for
    #[arg(long, value_enum, default_value_t = For::Submit)]
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
    /// Sending check-ins: a bot
    Submit,
    /// Reading them: a person with the page, a script
    Read,
    /// Both
    Operator,
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

fn database(error: StoreError) -> Failure {
    failed("the check-ins".to_owned(), &error)
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
    let role = match add.role {
        For::Submit => Role::Submit,
        For::Read => Role::Read,
        For::Operator => Role::Operator,
    };
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
            .advise("choose another name, or withdraw it with `receiver checkin keys revoke`"));
    }
    let made = Made {
        id: &id,
        name: &add.name,
        role: role.as_str(),
        expires_at: expires_at.map(second),
        key: minted.secret.expose(),
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
            .when_empty("No key yet; `receiver checkin keys add NAME` makes one for a bot.");
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

/// To the second, in UTC.
fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

async fn revoke(store: &SqlStore, key: &str) -> Result<String, Failure> {
    if store.revoke_key(key, Timestamp::now()).await.map_err(database)? {
        return Ok(format!("{key}: withdrawn\n"));
    }
    Err(Failure::new(Exit::Failed, format!("there is no key {key} that could be withdrawn"))
        .advise("`receiver checkin keys list` shows them"))
}
