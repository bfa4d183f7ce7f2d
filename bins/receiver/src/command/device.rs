//! `receiver device …`.

mod delete;
mod enter;
mod list;
mod log;
mod secrets;

use clap::{Args, Subcommand};
use daemon::exit::Failure;
use meeting_api::server::store::DeviceChange;
use meeting_api::server::{Random, Store, SystemRandom};
use meeting_api::{DeviceKey, Note, ServiceName, TokenCode};

use super::{database, device, done, key, now, port, unknown_device};
use crate::config::Config;

/// What is done to devices.
#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// Enter a device, with a random key unless one is given
    Add(Box<enter::Add>),
    /// List devices
    List(list::List),
    /// Show all that is known of a device
    Show(list::Show),
    /// Let a device do more than report
    Authorize(One),
    /// Let a device do no more than report
    Unauthorize(One),
    /// Take back everything: authorisation, SSH key, secret and public ports
    Revoke(One),
    /// Show or change the token code of the tunnel's handshake, and the token count
    Token(secrets::Token),
    /// Issue the bearer secret of a device's API calls, or withdraw it
    Secret(secrets::SecretOf),
    /// Show or set the services that are allowed
    Service(Services),
    /// Reserve a public port for a service, or give it back
    Port(port::Port),
    /// Show, approve, reject, set and revoke SSH keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Set the note of a device, or remove it
    Note(NoteOf),
    /// Show what happened to a device, the newest first
    Log(log::Log),
    /// Delete a device with its key, ports, secret and log
    Delete(delete::Delete),
}

/// Names one device.
#[derive(Debug, Args)]
pub struct One {
    /// The device
    key: DeviceKey,
}

/// Shows or sets services.
#[derive(Debug, Args)]
pub struct Services {
    /// The device
    key: DeviceKey,
    /// Allow only these
    services: Vec<ServiceName>,
    /// Allow any
    #[arg(long, conflicts_with = "services")]
    any: bool,
}

/// Sets a note.
#[derive(Debug, Args)]
pub struct NoteOf {
    /// The device
    key: DeviceKey,
    /// The note; without it the note is removed
    #[arg(value_parser = note)]
    note: Option<Note>,
}

fn token_code(text: &str) -> Result<TokenCode, String> {
    TokenCode::new(text).map_err(|error| error.to_string())
}

fn note(text: &str) -> Result<Note, String> {
    Note::new(text).map_err(|error| error.to_string())
}

impl DeviceCommand {
    pub(super) async fn run<S: Store>(
        self,
        store: &S,
        config: &Config,
        width: Option<usize>,
    ) -> Result<String, Failure> {
        match self {
            Self::Add(add) => enter::enter(store, *add).await,
            Self::List(wanted) => list::list(store, config, &wanted, width).await,
            Self::Show(wanted) => list::show(store, config, &wanted).await,
            Self::Authorize(One { key }) => {
                change(store, &key, DeviceChange::Authorized(true), "authorised").await
            }
            Self::Unauthorize(One { key }) => {
                change(store, &key, DeviceChange::Authorized(false), "no longer authorised").await
            }
            Self::Revoke(One { key }) => secrets::revoke(store, &key).await,
            Self::Token(wanted) => secrets::token(store, wanted).await,
            Self::Secret(wanted) => secrets::secret(store, &wanted).await,
            Self::Service(wanted) => services(store, wanted).await,
            Self::Port(wanted) => wanted.run(store, config).await,
            Self::Key(command) => command.run(store, width).await,
            Self::Note(NoteOf { key, note }) => {
                let what = if note.is_some() { "note set" } else { "note removed" };
                let text = note.map(|note| note.to_string()).unwrap_or_default();
                change(store, &key, DeviceChange::Note(text), what).await
            }
            Self::Log(wanted) => log::log(store, &wanted, width).await,
            Self::Delete(wanted) => delete::delete(store, &wanted).await,
        }
    }
}

async fn change<S: Store>(
    store: &S,
    key: &DeviceKey,
    change: DeviceChange,
    what: &str,
) -> Result<String, Failure> {
    done(store.change_device(key, change, now()).await.map_err(database)?, key, what)
}

fn random<const N: usize>() -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    SystemRandom.fill(&mut bytes).map_err(|error| Failure::io("no random numbers", error))?;
    Ok(bytes)
}

async fn services<S: Store>(store: &S, wanted: Services) -> Result<String, Failure> {
    if wanted.any || !wanted.services.is_empty() {
        let change = DeviceChange::Services(wanted.services);
        if !store.change_device(&wanted.key, change, now()).await.map_err(database)? {
            return Err(unknown_device(&wanted.key));
        }
    }
    let services = device(store, &wanted.key).await?.services;
    let names: Vec<_> = services.iter().map(ServiceName::as_str).collect();
    Ok(if names.is_empty() { "any\n".to_owned() } else { format!("{}\n", names.join("\n")) })
}
