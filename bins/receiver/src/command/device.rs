//! `receiver device …`.

use std::io::IsTerminal;

use clap::{Args, Subcommand};
use daemon::cli::Table;
use daemon::exit::{Exit, Failure};
use meeting_api::server::store::{DeviceChange, DeviceRecord, NewDevice, PageRequest, Role};
use meeting_api::server::{Random, Store, SystemRandom, mint_secret};
use meeting_api::{DeviceKey, Note, ServiceName, TokenCode, UtcTimestamp};
use serde::Serialize;

use super::listing::{Json, ago, yes_no};
use super::{database, device, done, key, now, port, unknown_device};
use crate::config::Config;

/// Most devices read from the store at once.
const PAGE: u32 = 1000;

/// What is done to devices.
#[derive(Debug, Subcommand)]
pub enum DeviceCommand {
    /// Enter a device, with a random key unless one is given
    Add(Box<Add>),
    /// List devices
    List(List),
    /// Show all that is known of a device
    Show(Show),
    /// Let a device do more than report
    Authorize(One),
    /// Let a device do no more than report
    Unauthorize(One),
    /// Take back everything: authorisation, SSH key, secret and public ports
    Revoke(One),
    /// Show or change the token code of the tunnel's handshake, and the token count
    Token(Token),
    /// Issue the bearer secret of a device's API calls, or withdraw it
    Secret(SecretOf),
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
    Log(Log),
    /// Delete a device with its key, ports, secret and log
    Delete(Delete),
}

/// Enters a device.
#[derive(Debug, Args)]
pub struct Add {
    /// The device_key: 1 to 64 of 0-9 A-Z a-z _ -
    key: Option<DeviceKey>,
    /// A name for people
    #[arg(long)]
    name: Option<String>,
    /// The serial number on the product
    #[arg(long)]
    serial: Option<String>,
    /// The kind of device
    #[arg(long = "type")]
    kind: Option<String>,
    /// The software distribution it runs
    #[arg(long)]
    distribution: Option<String>,
    /// Let it do more than report at once
    #[arg(long)]
    authorize: bool,
    /// The token code, instead of 6 random hex digits
    #[arg(long, value_parser = token_code, conflicts_with = "long_token")]
    token_code: Option<TokenCode>,
    /// A token code of 128 bits that cannot be guessed, instead of 6 hex digits
    #[arg(long)]
    long_token: bool,
    /// The token count, which must be at least 1 for tunnels
    #[arg(long, default_value_t = 1)]
    tokens: u32,
    /// Allow only these services, comma-separated; without it any may be asked for
    #[arg(long, value_delimiter = ',')]
    services: Vec<ServiceName>,
    /// A note
    #[arg(long, value_parser = note)]
    note: Option<Note>,
    #[command(flatten)]
    json: Json,
}

/// Lists devices.
#[derive(Debug, Args)]
pub struct List {
    /// Only devices whose key begins so
    #[arg(long, default_value = "")]
    prefix: String,
    /// Only devices with a recent heartbeat
    #[arg(long)]
    online: bool,
    #[command(flatten)]
    json: Json,
}

/// Shows a device.
#[derive(Debug, Args)]
pub struct Show {
    /// The device
    key: DeviceKey,
    /// Show the token code too
    #[arg(long)]
    secrets: bool,
    #[command(flatten)]
    json: Json,
}

/// Names one device.
#[derive(Debug, Args)]
pub struct One {
    /// The device
    key: DeviceKey,
}

/// Shows or changes token code and count.
#[derive(Debug, Args)]
pub struct Token {
    /// The device
    key: DeviceKey,
    /// Set this code
    #[arg(long, value_parser = token_code, group = "change")]
    code: Option<TokenCode>,
    /// Set 6 new random hex digits
    #[arg(long, group = "change")]
    new: bool,
    /// Set a new code of 128 bits
    #[arg(long, group = "change")]
    long: bool,
    /// Set the count, which must be at least 1 for tunnels
    #[arg(long)]
    count: Option<u32>,
}

/// Issues or withdraws a device's bearer secret.
#[derive(Debug, Args)]
pub struct SecretOf {
    /// The device
    key: DeviceKey,
    /// Withdraw it instead
    #[arg(long)]
    revoke: bool,
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

/// Shows a log.
#[derive(Debug, Args)]
pub struct Log {
    /// The device
    key: DeviceKey,
    /// How many lines
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[command(flatten)]
    json: Json,
}

/// Deletes a device.
#[derive(Debug, Args)]
pub struct Delete {
    /// The device
    key: DeviceKey,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
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
            Self::Add(add) => enter(store, *add).await,
            Self::List(wanted) => list(store, config, &wanted, width).await,
            Self::Show(wanted) => show(store, config, &wanted).await,
            Self::Authorize(One { key }) => {
                change(store, &key, DeviceChange::Authorized(true), "authorised").await
            }
            Self::Unauthorize(One { key }) => {
                change(store, &key, DeviceChange::Authorized(false), "no longer authorised").await
            }
            Self::Revoke(One { key }) => revoke(store, &key).await,
            Self::Token(wanted) => token(store, wanted).await,
            Self::Secret(wanted) => secret(store, &wanted).await,
            Self::Service(wanted) => services(store, wanted).await,
            Self::Port(wanted) => wanted.run(store, config).await,
            Self::Key(command) => command.run(store, width).await,
            Self::Note(NoteOf { key, note }) => {
                let what = if note.is_some() { "note set" } else { "note removed" };
                let text = note.map(|note| note.to_string()).unwrap_or_default();
                change(store, &key, DeviceChange::Note(text), what).await
            }
            Self::Log(wanted) => log(store, &wanted, width).await,
            Self::Delete(wanted) => delete(store, &wanted).await,
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

async fn enter<S: Store>(store: &S, add: Add) -> Result<String, Failure> {
    let device_key = match add.key {
        Some(key) => key,
        None => DeviceKey::from_random(random()?),
    };
    let token_code = match add.token_code {
        Some(code) => code,
        None if add.long_token => TokenCode::from_random_long(random()?),
        None => TokenCode::from_random(random()?),
    };
    let new = NewDevice {
        device_key: device_key.clone(),
        device_name: add.name,
        product_serial: add.serial,
        device_type: add.kind,
        distribution: add.distribution,
        authorized: add.authorize,
        token_code: Some(token_code.clone()),
        token_count: add.tokens,
        note: add.note.map(|note| note.to_string()),
        services: add.services,
        registered_at: now(),
    };
    if !store.create_device(new).await.map_err(database)? {
        return Err(Failure::new(Exit::Failed, format!("there is a device {device_key} already"))
            .advise(format!("`receiver device show {device_key}` shows it")));
    }
    #[derive(Serialize)]
    struct Entered {
        device_key: DeviceKey,
        token_code: TokenCode,
        authorized: bool,
    }
    let entered = Entered { device_key, token_code, authorized: add.authorize };
    add.json.one(&entered, |entered| {
        let (key, code) = (&entered.device_key, entered.token_code.expose());
        let next = if entered.authorized {
            String::new()
        } else {
            format!("It may only report until `receiver device authorize {key}`.\n")
        };
        format!("device_key  {key}\ntoken_code  {code}\n{next}")
    })
}

/// A device as listings show it; without its secrets.
#[derive(Debug, Serialize)]
struct Shown {
    device_key: DeviceKey,
    device_name: Option<String>,
    product_serial: Option<String>,
    device_type: Option<String>,
    distribution: Option<String>,
    authorized: bool,
    online: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_code: Option<TokenCode>,
    token_count: u32,
    services: Vec<String>,
    note: Option<String>,
    registered_at: UtcTimestamp,
    last_seen: Option<UtcTimestamp>,
    ip_address: Option<std::net::IpAddr>,
    ip_lan: Option<std::net::IpAddr>,
    ip_public: Option<std::net::IpAddr>,
    mac: Option<meeting_api::MacAddress>,
    cluster_ip: Option<String>,
}

impl Shown {
    fn new(record: DeviceRecord, config: &Config, secrets: bool) -> Self {
        let window = config.meeting.online_window.duration().as_secs();
        Self {
            online: record.last_seen.is_some_and(|seen| now().seconds_since(seen) <= window),
            token_code: record.token_code.filter(|_| secrets),
            services: record.services.iter().map(ToString::to_string).collect(),
            device_key: record.device_key,
            device_name: record.device_name,
            product_serial: record.product_serial,
            device_type: record.device_type,
            distribution: record.distribution,
            authorized: record.authorized,
            token_count: record.token_count,
            note: record.note,
            registered_at: record.registered_at,
            last_seen: record.last_seen,
            ip_address: record.ip_address,
            ip_lan: record.ip_lan,
            ip_public: record.ip_public,
            mac: record.mac,
            cluster_ip: record.cluster_ip,
        }
    }
}

async fn list<S: Store>(
    store: &S,
    config: &Config,
    wanted: &List,
    width: Option<usize>,
) -> Result<String, Failure> {
    let mut rows = Vec::new();
    loop {
        let offset = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let page = PageRequest { limit: PAGE, offset, prefix: wanted.prefix.clone() };
        let devices = store.devices(page).await.map_err(database)?.devices;
        if devices.is_empty() {
            break;
        }
        rows.extend(devices.into_iter().map(|record| Shown::new(record, config, false)));
    }
    rows.retain(|row| row.online || !wanted.online);
    wanted.json.listing(&rows, width, |rows| {
        let mut table =
            Table::new(["DEVICE", "NAME", "AUTHORISED", "ONLINE", "LAST SEEN", "ADDRESS", "NOTE"])
                .when_empty("No device yet; `receiver device add` enters one.");
        for row in rows {
            table.row([
                row.device_key.to_string(),
                row.device_name.clone().unwrap_or_default(),
                yes_no(row.authorized).to_owned(),
                yes_no(row.online).to_owned(),
                ago(row.last_seen, now()),
                row.ip_address.map(|address| address.to_string()).unwrap_or_default(),
                row.note.clone().unwrap_or_default(),
            ]);
        }
        table
    })
}

async fn show<S: Store>(store: &S, config: &Config, wanted: &Show) -> Result<String, Failure> {
    let record = device(store, &wanted.key).await?;
    let shown = Shown::new(record, config, wanted.secrets);
    wanted.json.one(&shown, |shown| {
        let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let mut table = Table::new(["DEVICE", shown.device_key.as_str()]);
        table.row(["name", &text(shown.device_name.clone())]);
        table.row(["serial", &text(shown.product_serial.clone())]);
        table.row(["type", &text(shown.device_type.clone())]);
        table.row(["distribution", &text(shown.distribution.clone())]);
        table.row(["authorised", yes_no(shown.authorized)]);
        table.row(["online", yes_no(shown.online)]);
        table.row(["last seen", &text(shown.last_seen.map(|time| format!("{time} UTC")))]);
        table.row(["address", &text(shown.ip_address.map(|address| address.to_string()))]);
        table.row(["lan address", &text(shown.ip_lan.map(|address| address.to_string()))]);
        table.row(["public address", &text(shown.ip_public.map(|address| address.to_string()))]);
        table.row(["mac", &text(shown.mac.map(|mac| mac.to_string()))]);
        table.row(["cluster", &text(shown.cluster_ip.clone())]);
        let code = shown.token_code.as_ref().map_or("(--secrets shows it)", |code| code.expose());
        table.row(["token code", code]);
        table.row(["token count", &shown.token_count.to_string()]);
        let services = shown.services.join(", ");
        table.row(["services", if services.is_empty() { "any" } else { &services }]);
        table.row(["note", &text(shown.note.clone())]);
        table.row(["registered", &format!("{} UTC", shown.registered_at)]);
        table.render(None)
    })
}

async fn revoke<S: Store>(store: &S, key: &DeviceKey) -> Result<String, Failure> {
    let known = store.change_device(key, DeviceChange::Authorized(false), now()).await.map_err(database)?;
    if !known {
        return Err(unknown_device(key));
    }
    store.revoke_key(key, now()).await.map_err(database)?;
    store.revoke_device_credentials(key, now()).await.map_err(database)?;
    store.release_all(key, now()).await.map_err(database)?;
    done(true, key, "authorisation, SSH key, secret and public ports taken back")
}

async fn token<S: Store>(store: &S, wanted: Token) -> Result<String, Failure> {
    let key = &wanted.key;
    let code = match wanted.code {
        Some(code) => Some(code),
        None if wanted.new => Some(TokenCode::from_random(random()?)),
        None if wanted.long => Some(TokenCode::from_random_long(random()?)),
        None => None,
    };
    let changes = [code.map(DeviceChange::TokenCode), wanted.count.map(DeviceChange::TokenCount)];
    for change in changes.into_iter().flatten() {
        if !store.change_device(key, change, now()).await.map_err(database)? {
            return Err(unknown_device(key));
        }
    }
    let record = device(store, key).await?;
    let code = record.token_code.as_ref().map_or("none", |code| code.expose());
    Ok(format!("token_code   {code}\ntoken_count  {}\n", record.token_count))
}

async fn secret<S: Store>(store: &S, wanted: &SecretOf) -> Result<String, Failure> {
    let key = &wanted.key;
    if wanted.revoke {
        let record = device(store, key).await?;
        let withdrawn = store.revoke_device_credentials(&record.device_key, now()).await.map_err(database)?;
        let what = if withdrawn == 0 { "there was no secret" } else { "secret withdrawn" };
        return done(true, key, what);
    }
    let minted = mint_secret(Role::Device(key.clone()), "device", now(), &SystemRandom)
        .map_err(|error| Failure::io("no random numbers", error))?;
    if !store.replace_device_credential(minted.credential).await.map_err(database)? {
        return Err(unknown_device(key));
    }
    Ok(format!("{}\n", minted.secret.expose()))
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

async fn log<S: Store>(store: &S, wanted: &Log, width: Option<usize>) -> Result<String, Failure> {
    #[derive(Serialize)]
    struct Line {
        timestamp: UtcTimestamp,
        event: String,
        host: Option<String>,
        remote: Option<String>,
    }
    device(store, &wanted.key).await?;
    let lines = store.device_log(&wanted.key, wanted.limit).await.map_err(database)?;
    let lines: Vec<_> = lines
        .into_iter()
        .map(|line| Line { timestamp: line.at, event: line.event, host: line.host, remote: line.remote })
        .collect();
    wanted.json.listing(&lines, width, |lines| {
        let mut table = Table::new(["TIME (UTC)", "EVENT", "FROM"]).when_empty("Nothing happened yet.");
        for line in lines {
            let from = line.remote.clone().or_else(|| line.host.clone()).unwrap_or_default();
            table.row([line.timestamp.to_string(), line.event.clone(), from]);
        }
        table
    })
}

async fn delete<S: Store>(store: &S, wanted: &Delete) -> Result<String, Failure> {
    let record = device(store, &wanted.key).await?;
    if !wanted.yes && !agreed(&record)? {
        return Ok("Nothing was deleted.\n".to_owned());
    }
    done(store.remove_device(&wanted.key).await.map_err(database)?, &wanted.key, "deleted")
}

/// Asks at the terminal; a script has to say `--yes`.
fn agreed(record: &DeviceRecord) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Usage, "deleting a device cannot be undone")
            .advise("`--yes` says that it is meant"));
    }
    let name = record.device_name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
    daemon::cli::print(&format!(
        "Delete {}{name} with its key, ports, secret and log? [y/N] ",
        record.device_key
    ))?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|error| Failure::io("standard input", error))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
