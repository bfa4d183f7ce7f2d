//! `receiver token …`: the secrets of operators and proxies.

use clap::{Args, Subcommand, ValueEnum};
use daemon::cli::Table;
use daemon::exit::{Exit, Failure};
use meeting_api::UtcTimestamp;
use meeting_api::server::store::Role;
use meeting_api::server::{Store, SystemRandom, mint_secret};
use serde::Serialize;

use super::listing::{Json, ago};
use super::{database, now};

/// What is done to secrets.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a secret and show it, this once
    Create(Create),
    /// List secrets, without the secrets
    List(Json),
    /// Withdraw a secret
    Revoke(Revoke),
}

/// Makes a secret.
#[derive(Debug, Args)]
pub struct Create {
    /// Whom it speaks for
    #[arg(value_enum)]
    role: Whom,
    /// A name for people; the role's without it
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    json: Json,
}

/// Whom a secret speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Whom {
    /// Whoever runs the service
    Operator,
    /// The public edge of the tunnels
    Proxy,
}

/// Withdraws a secret.
#[derive(Debug, Args)]
pub struct Revoke {
    /// Its public name, as the listing shows it
    id: String,
}

impl TokenCommand {
    pub(super) async fn run<S: Store>(self, store: &S, width: Option<usize>) -> Result<String, Failure> {
        match self {
            Self::Create(create) => make(store, create).await,
            Self::List(json) => list(store, json, width).await,
            Self::Revoke(Revoke { id }) => revoke(store, &id).await,
        }
    }
}

async fn make<S: Store>(store: &S, create: Create) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Made<'a> {
        id: &'a str,
        token: &'a str,
    }
    let (role, usual) = match create.role {
        Whom::Operator => (Role::Operator, "operator"),
        Whom::Proxy => (Role::Proxy, "proxy"),
    };
    let name = create.name.unwrap_or_else(|| usual.to_owned());
    let minted = mint_secret(role, name, now(), &SystemRandom)
        .map_err(|error| Failure::io("no random numbers", error))?;
    let id = minted.credential.id.clone();
    if !store.create_credential(minted.credential).await.map_err(database)? {
        return Err(Failure::new(Exit::Temporary, "the name drawn for the secret is taken")
            .advise("try again: the next draw is another one"));
    }
    let made = Made { id: &id, token: minted.secret.expose() };
    create.json.one(&made, |made| format!("{}\n", made.token))
}

async fn list<S: Store>(store: &S, json: Json, width: Option<usize>) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Shown {
        id: String,
        role: &'static str,
        name: String,
        created_at: UtcTimestamp,
        revoked_at: Option<UtcTimestamp>,
    }
    let records = store.credentials(None).await.map_err(database)?;
    let rows: Vec<_> = records
        .into_iter()
        .filter_map(|record| {
            let role = match record.role {
                Role::Operator => "operator",
                Role::Proxy => "proxy",
                Role::Device(_) => return None,
            };
            let (created_at, revoked_at) = (record.created_at, record.revoked_at);
            Some(Shown { id: record.id, role, name: record.name, created_at, revoked_at })
        })
        .collect();
    json.listing(&rows, width, |rows| {
        let mut table = Table::new(["ID", "ROLE", "NAME", "MADE", "REVOKED"])
            .when_empty("No secret yet; `receiver token create operator` makes one.");
        for row in rows {
            let revoked = row.revoked_at.map(|time| ago(Some(time), now())).unwrap_or_default();
            let made = ago(Some(row.created_at), now());
            table.row([row.id.clone(), row.role.to_owned(), row.name.clone(), made, revoked]);
        }
        table
    })
}

async fn revoke<S: Store>(store: &S, id: &str) -> Result<String, Failure> {
    let unknown = || {
        Failure::new(Exit::Failed, format!("there is no secret {id} in force"))
            .advise("`receiver token list` shows them; those of devices are withdrawn by `receiver device secret --revoke`")
    };
    let record = store.credential(id).await.map_err(database)?.ok_or_else(unknown)?;
    if matches!(record.role, Role::Device(_))
        || !store.revoke_credential(id, now()).await.map_err(database)?
    {
        return Err(unknown());
    }
    Ok(format!("{id}: withdrawn\n"))
}
