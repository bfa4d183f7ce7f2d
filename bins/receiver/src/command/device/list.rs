//! `receiver device list` and `receiver device show`.

use clap::Args;
use daemon::cli::Table;
use daemon::exit::Failure;
use meeting_api::server::Store;
use meeting_api::server::store::{DeviceRecord, PageRequest};
use meeting_api::{DeviceKey, TokenCode, UtcTimestamp};
use serde::Serialize;

use crate::command::listing::{Json, ago, yes_no};
use crate::command::{database, device, now};
use crate::config::Config;

/// Most devices read from the store at once.
const PAGE: u32 = 1000;

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

pub(super) async fn list<S: Store>(
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

pub(super) async fn show<S: Store>(store: &S, config: &Config, wanted: &Show) -> Result<String, Failure> {
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
