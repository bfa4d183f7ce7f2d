//! `receiver device add`.

use clap::Args;
use daemon::exit::{Exit, Failure};
use meeting_api::server::Store;
use meeting_api::server::store::NewDevice;
use meeting_api::{DeviceKey, Note, ServiceName, TokenCode};
use serde::Serialize;

use super::{note, random, token_code};
use crate::command::listing::Json;
use crate::command::{database, now};

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

pub(super) async fn enter<S: Store>(store: &S, add: Add) -> Result<String, Failure> {
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
