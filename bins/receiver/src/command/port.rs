//! Public ports: `receiver device port …` and `receiver tunnels`.

use clap::Args;
use daemon::cli::Table;
use daemon::exit::{Exit, Failure};
use meeting_api::server::Store;
use meeting_api::server::store::{Reservation, Reserved, TunnelRecord};
use meeting_api::{DeviceKey, ServiceName, UtcTimestamp};
use serde::Serialize;

use super::listing::{Json, ahead};
use super::{database, done, now, unknown_device};
use crate::config::Config;

/// Reserves a public port, or gives it back.
#[derive(Debug, Args)]
pub struct Port {
    /// The device
    key: DeviceKey,
    /// The service: ssh, http, vnc, scp, debug, relay
    service: ServiceName,
    /// The device's own port, where it is not the usual one of the service
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    local_port: Option<u16>,
    /// Let the reservation never end
    #[arg(long)]
    permanent: bool,
    /// Give the port back
    #[arg(long, conflicts_with_all = ["local_port", "permanent"])]
    release: bool,
}

impl Port {
    pub(super) async fn run<S: Store>(self, store: &S, config: &Config) -> Result<String, Failure> {
        if self.release {
            let released = store.release(&self.key, &self.service, now()).await.map_err(database)?;
            let what = if released { "port given back" } else { "no port was reserved" };
            super::device(store, &self.key).await?;
            return done(true, &self.key, what);
        }
        let local_port = self.local_port.or_else(|| self.service.default_local_port()).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("{} has no usual port", self.service))
                .advise("`--local-port` names the device's own port")
        })?;
        let lasts = i64::try_from(config.meeting.reservation.duration().as_secs()).unwrap_or(i64::MAX);
        let wanted = Reservation {
            device_key: self.key.clone(),
            service: self.service.clone(),
            local_port,
            ports: config.meeting.ports.ports(),
            expires_at: (!self.permanent).then(|| now().plus_seconds(lasts)),
            at: now(),
        };
        match store.reserve(wanted).await.map_err(database)? {
            Reserved::UnknownDevice => Err(unknown_device(&self.key)),
            Reserved::Exhausted => Err(Failure::new(Exit::Unavailable, "every public port is taken")
                .advise("`receiver tunnels` lists them; `meeting.ports` sets the range")),
            Reserved::Port { port, expires_at, .. } => {
                let ends = expires_at.map_or("never ends".to_owned(), |time| format!("until {time} UTC"));
                done(true, &self.key, &format!("port {port} leads to {} {local_port}, {ends}", self.service))
            }
        }
    }
}

/// A public port as the listing shows it.
#[derive(Debug, Serialize)]
struct Shown {
    port: u16,
    device_key: DeviceKey,
    service: ServiceName,
    local_port: u16,
    expires_at: Option<UtcTimestamp>,
}

impl From<TunnelRecord> for Shown {
    fn from(record: TunnelRecord) -> Self {
        let TunnelRecord { device_key, service, port, local_port, expires_at } = record;
        Self { port, device_key, service, local_port, expires_at }
    }
}

pub(super) async fn list<S: Store>(store: &S, json: &Json, width: Option<usize>) -> Result<String, Failure> {
    let records = store.tunnels(now()).await.map_err(database)?;
    let rows: Vec<Shown> = records.into_iter().map(Shown::from).collect();
    json.listing(&rows, width, |rows| {
        let mut table = Table::new(["PORT", "DEVICE", "SERVICE", "LOCAL PORT", "ENDS"]).when_empty(
            "No public port is given out. A device asks for one, or `receiver device port` reserves it.",
        );
        for row in rows {
            table.row([
                row.port.to_string(),
                row.device_key.to_string(),
                row.service.to_string(),
                row.local_port.to_string(),
                ahead(row.expires_at, now()),
            ]);
        }
        table
    })
}
