//! `receiver device key …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use daemon::cli::Table;
use daemon::exit::{Exit, Failure};
use meeting_api::server::Store;
use meeting_api::server::store::{Decision, KeyRecord, KeyStatus, OperatorKey, PublishedKey};
use meeting_api::{DeviceKey, PublicKey, UtcTimestamp};
use serde::Serialize;

use super::listing::Json;
use super::{database, device, done, now};

/// What is done to published keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// List published keys
    List(List),
    /// Show the key of a device, and the one that waits
    Show(Show),
    /// Put a waiting key in force
    Approve(Decide),
    /// Forget a waiting key
    Reject(Decide),
    /// Set the key of a device from a file, without waiting
    Set(Set),
    /// Withdraw the key of a device
    Revoke(One),
}

/// Lists keys.
#[derive(Debug, Args)]
pub struct List {
    /// Only keys that wait
    #[arg(long)]
    pending: bool,
    #[command(flatten)]
    json: Json,
}

/// Shows a key.
#[derive(Debug, Args)]
pub struct Show {
    /// The device
    key: DeviceKey,
    #[command(flatten)]
    json: Json,
}

/// Decides about a waiting key.
#[derive(Debug, Args)]
pub struct Decide {
    /// The device
    key: DeviceKey,
    /// The fingerprint of the key that is meant; another one is left waiting
    #[arg(long, value_name = "SHA256:…")]
    fingerprint: Option<String>,
}

/// Sets a key.
#[derive(Debug, Args)]
pub struct Set {
    /// The device
    key: DeviceKey,
    /// A file with the public key, such as id_ed25519.pub
    file: PathBuf,
    /// The user at which it is of use; any without it
    #[arg(long)]
    user: Option<String>,
}

/// Names one device.
#[derive(Debug, Args)]
pub struct One {
    /// The device
    key: DeviceKey,
}

/// A key as listings show it.
#[derive(Debug, Serialize)]
struct Shown {
    device_key: DeviceKey,
    ssh_user: Option<String>,
    status: &'static str,
    pubkey: String,
    fingerprint: String,
    added: UtcTimestamp,
    modified: UtcTimestamp,
    pending_pubkey: Option<String>,
    pending_fingerprint: Option<String>,
    pending_at: Option<UtcTimestamp>,
}

impl From<KeyRecord> for Shown {
    fn from(record: KeyRecord) -> Self {
        let (pending_pubkey, pending_fingerprint, pending_at) = match record.pending {
            Some(key) => (Some(key.pubkey), Some(key.fingerprint), Some(key.at)),
            None => (None, None, None),
        };
        Self {
            device_key: record.device_key,
            ssh_user: record.ssh_user,
            status: match record.status {
                KeyStatus::Authorized => "authorized",
                KeyStatus::Revoked => "revoked",
            },
            pubkey: record.pubkey,
            fingerprint: record.fingerprint,
            added: record.added,
            modified: record.modified,
            pending_pubkey,
            pending_fingerprint,
            pending_at,
        }
    }
}

impl KeyCommand {
    pub(super) async fn run<S: Store>(self, store: &S, width: Option<usize>) -> Result<String, Failure> {
        match self {
            Self::List(wanted) => list(store, &wanted, width).await,
            Self::Show(wanted) => show(store, &wanted).await,
            Self::Approve(wanted) => decide(store, wanted, Decision::Approve).await,
            Self::Reject(wanted) => decide(store, wanted, Decision::Reject).await,
            Self::Set(wanted) => set(store, wanted).await,
            Self::Revoke(One { key }) => {
                let revoked = store.revoke_key(&key, now()).await.map_err(database)?;
                if revoked { done(true, &key, "SSH key withdrawn") } else { Err(no_key(store, &key).await?) }
            }
        }
    }
}

async fn no_key<S: Store>(store: &S, key: &DeviceKey) -> Result<Failure, Failure> {
    device(store, key).await?;
    Ok(Failure::new(Exit::Failed, format!("{key} has published no key")))
}

async fn list<S: Store>(store: &S, wanted: &List, width: Option<usize>) -> Result<String, Failure> {
    let records = store.ssh_keys(wanted.pending).await.map_err(database)?;
    let rows: Vec<Shown> = records.into_iter().map(Shown::from).collect();
    wanted.json.listing(&rows, width, |rows| {
        let empty = if wanted.pending { "No key waits." } else { "No key is published yet." };
        let mut table = Table::new(["DEVICE", "STATUS", "USER", "FINGERPRINT", "WAITING"]).when_empty(empty);
        for row in rows {
            table.row([
                row.device_key.to_string(),
                row.status.to_owned(),
                row.ssh_user.clone().unwrap_or_else(|| "any".to_owned()),
                row.fingerprint.clone(),
                row.pending_fingerprint.clone().unwrap_or_default(),
            ]);
        }
        table
    })
}

async fn show<S: Store>(store: &S, wanted: &Show) -> Result<String, Failure> {
    let Some(record) = store.ssh_key(&wanted.key).await.map_err(database)? else {
        return Err(no_key(store, &wanted.key).await?);
    };
    wanted.json.one(&Shown::from(record), |shown| {
        let mut text = format!("{} {}\n{}\n", shown.status, shown.fingerprint, shown.pubkey);
        if let (Some(key), Some(fingerprint)) = (&shown.pending_pubkey, &shown.pending_fingerprint) {
            text.push_str(&format!("waiting {fingerprint}\n{key}\n"));
        }
        text
    })
}

async fn decide<S: Store>(store: &S, wanted: Decide, decision: Decision) -> Result<String, Failure> {
    let Decide { key, fingerprint } = wanted;
    let waiting = match store.ssh_key(&key).await.map_err(database)? {
        Some(record) => record.pending,
        None => return Err(no_key(store, &key).await?),
    };
    let Some(waiting) = waiting else {
        return Err(Failure::new(Exit::Failed, format!("no key of {key} waits")));
    };
    if fingerprint.as_ref().is_some_and(|meant| *meant != waiting.fingerprint) {
        return Err(Failure::new(
            Exit::Failed,
            format!("the key of {key} that waits is {}", waiting.fingerprint),
        )
        .advise(format!("`receiver device key show {key}` shows it")));
    }
    // The key that was looked at, and no other that came in between.
    let meant = Some(waiting.fingerprint.clone());
    if !store.decide_key(&key, decision, meant, now()).await.map_err(database)? {
        return Err(Failure::new(Exit::Temporary, format!("another key of {key} waits since a moment ago")));
    }
    let what = match decision {
        Decision::Approve => format!("{} is in force", waiting.fingerprint),
        Decision::Reject => format!("{} is rejected", waiting.fingerprint),
    };
    done(true, &key, &what)
}

async fn set<S: Store>(store: &S, wanted: Set) -> Result<String, Failure> {
    let path = wanted.file.display();
    let text = std::fs::read_to_string(&wanted.file)
        .map_err(|error| Failure::io(format!("cannot read {path}"), error))?;
    let key = PublicKey::parse(text.trim_end())
        .map_err(|error| Failure::new(Exit::Data, format!("{path} holds no public key")).because(error))?;
    let fingerprint = key.fingerprint();
    let published = PublishedKey { pubkey: key.to_string(), fingerprint: fingerprint.clone(), at: now() };
    let set = OperatorKey {
        key: Some(published),
        ssh_user: wanted.user,
        status: Some(KeyStatus::Authorized),
        at: now(),
    };
    let known = store.set_key(&wanted.key, set).await.map_err(database)?;
    done(known, &wanted.key, &format!("{fingerprint} is in force"))
}
