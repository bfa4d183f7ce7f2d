//! What happens in a running agent, told to whoever embeds it.
//!
//! An [`Observer`] hears of each [`Event`] as it happens, on the task where it happens: it must not block. The log says the
//! same things and more; events are for a program that wants to act on them or to show them.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use meeting_api::{DeviceKey, UtcTimestamp};

pub use crate::checkin::CheckInEvent;
pub use crate::ipwatch::IpWatchEvent;

/// One thing that happened. Its `Display` is a sentence for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The agent runs, with settings that were found usable.
    Started {
        /// The device's name.
        device_key: DeviceKey,
    },
    /// The device's addresses were looked up for the first time, or are not what they were.
    AddressesChanged {
        /// The address on the local network, as heartbeats will say it.
        lan: Option<IpAddr>,
    },
    /// The server took a heartbeat (§3.1).
    HeartbeatAccepted {
        /// Whether it is the first since the start.
        first: bool,
        /// The address that the server noted, if it says.
        ip_address: Option<IpAddr>,
        /// The time that the server noted, if it says.
        last_seen: Option<UtcTimestamp>,
    },
    /// A heartbeat did not arrive or was not taken.
    HeartbeatFailed {
        /// Why.
        reason: String,
        /// When the next one goes out.
        retry_in: Duration,
    },
    /// The server does not know the device (404). Asked again rarely.
    NotProvisioned {
        /// When it is asked again.
        retry_in: Duration,
    },
    /// The device had no SSH key; one was made.
    KeyGenerated {
        /// Its fingerprint, `SHA256:…`.
        fingerprint: String,
    },
    /// The server took the device's public key (§3.3).
    KeyPublished {
        /// Its fingerprint, `SHA256:…`.
        fingerprint: String,
    },
    /// The server keeps another key until an operator approves this one.
    KeyPending {
        /// The fingerprint of the key that waits.
        fingerprint: String,
    },
    /// The server has this very key already.
    KeyConfirmed {
        /// Its fingerprint.
        fingerprint: String,
    },
    /// `known_hosts` was brought up to date (§3.2).
    KnownHostsUpdated {
        /// Lines added.
        added: usize,
        /// Lines of ours taken out.
        removed: usize,
    },
    /// The server's public key was put into `authorized_keys`.
    ServerKeyInstalled {
        /// Its fingerprint.
        fingerprint: String,
    },
    /// One of the chores other than the heartbeat failed.
    ChoreFailed {
        /// Which, in a word or two.
        chore: &'static str,
        /// Why.
        reason: String,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// The proxy accepted the tunnel (§4.1).
    TunnelUp {
        /// The proxy's address.
        proxy: SocketAddr,
        /// Whether the connection is encrypted.
        tls: bool,
    },
    /// There is no tunnel, or no longer.
    TunnelDown {
        /// Why.
        reason: String,
        /// When it is dialled again; `None` when the agent is stopping.
        retry_in: Option<Duration>,
    },
    /// The proxy refused the device (`auth_failed`), in its own words.
    TunnelRefused {
        /// The proxy's words.
        reason: String,
        /// When it is asked again.
        retry_in: Duration,
    },
    /// The proxy ends one young session after the other: another agent uses the same `device_key`.
    TunnelContested {
        /// When the tunnel is dialled again.
        retry_in: Duration,
    },
    /// Somebody reached a local service through the tunnel (`N`, §4.2).
    ConnectionOpened {
        /// The name of the service in `[services]`.
        service: String,
        /// The local port.
        port: u16,
    },
    /// Such a connection ended.
    ConnectionClosed {
        /// The name of the service in `[services]`.
        service: String,
        /// The local port.
        port: u16,
        /// Bytes from the visitor to the local service.
        received: u64,
        /// Bytes from the local service to the visitor.
        sent: u64,
    },
    /// The proxy asked for a port that is not on the allow-list; nothing was opened (T7).
    PortRefused {
        /// The port asked for.
        port: u16,
    },
    /// The service on an allowed port could not be reached.
    ServiceUnreachable {
        /// The port.
        port: u16,
        /// The system's reason.
        reason: String,
    },
    /// Something about check-ins.
    CheckIn(CheckInEvent),
    /// Something happened to the machine in IPWatch.
    IpWatch(IpWatchEvent),
    /// New settings are in force.
    Reloaded,
    /// New settings were refused; the old ones stay in force.
    ReloadRefused {
        /// Why.
        reason: String,
    },
    /// The agent has stopped.
    Stopped,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |wait: &Duration| format!("{:.0} s", wait.as_secs_f64().max(1.0));
        match self {
            Self::Started { device_key } => write!(f, "agent of device {device_key} started"),
            Self::AddressesChanged { lan: Some(lan) } => write!(f, "address on the local network: {lan}"),
            Self::AddressesChanged { lan: None } => f.write_str("no address on any network"),
            Self::HeartbeatAccepted { first, ip_address, last_seen } => {
                f.write_str(if *first { "first heartbeat accepted" } else { "heartbeat accepted" })?;
                if let Some(address) = ip_address {
                    write!(f, ", seen at {address}")?;
                }
                match last_seen {
                    Some(time) => write!(f, ", {time} UTC"),
                    None => Ok(()),
                }
            }
            Self::HeartbeatFailed { reason, retry_in } => {
                write!(f, "heartbeat failed: {reason}; next in {}", seconds(retry_in))
            }
            Self::NotProvisioned { retry_in } => {
                write!(
                    f,
                    "device not provisioned: the server does not know it; next in {}",
                    seconds(retry_in)
                )
            }
            Self::KeyGenerated { fingerprint } => write!(f, "SSH key made: {fingerprint}"),
            Self::KeyPublished { fingerprint } => write!(f, "key published: {fingerprint}"),
            Self::KeyPending { fingerprint } => {
                write!(
                    f,
                    "key {fingerprint} is pending approval: the server keeps the earlier one until then"
                )
            }
            Self::KeyConfirmed { fingerprint } => write!(f, "the server has the key {fingerprint}"),
            Self::KnownHostsUpdated { added, removed } => {
                write!(f, "known_hosts updated: {added} added, {removed} removed")
            }
            Self::ServerKeyInstalled { fingerprint } => write!(f, "server key installed: {fingerprint}"),
            Self::ChoreFailed { chore, reason, retry_in } => {
                write!(f, "{chore} failed: {reason}; next in {}", seconds(retry_in))
            }
            Self::TunnelUp { proxy, tls } => {
                write!(f, "tunnel up: {proxy}{}", if *tls { " (TLS)" } else { "" })
            }
            Self::TunnelDown { reason, retry_in: Some(wait) } => {
                write!(f, "tunnel down: {reason}; next try in {}", seconds(wait))
            }
            Self::TunnelDown { reason, retry_in: None } => write!(f, "tunnel closed: {reason}"),
            Self::TunnelRefused { reason, retry_in } => {
                write!(f, "the proxy refused the tunnel: {reason}; next try in {}", seconds(retry_in))
            }
            Self::TunnelContested { retry_in } => write!(
                f,
                "another agent seems to use this device_key and takes the tunnel over; next try in {}",
                seconds(retry_in)
            ),
            Self::ConnectionOpened { service, port } => {
                write!(f, "connection opened: {service} (127.0.0.1:{port})")
            }
            Self::ConnectionClosed { service, received, sent, .. } => {
                write!(f, "connection closed: {service}, {received} bytes in, {sent} bytes out")
            }
            Self::PortRefused { port } => write!(f, "port {port} refused: not in [services]"),
            Self::ServiceUnreachable { port, reason } => {
                write!(f, "nothing answers on 127.0.0.1:{port}: {reason}")
            }
            Self::CheckIn(event) => event.fmt(f),
            Self::IpWatch(event) => event.fmt(f),
            Self::Reloaded => f.write_str("new settings in force"),
            Self::ReloadRefused { reason } => write!(f, "new settings refused, the old ones stay: {reason}"),
            Self::Stopped => f.write_str("agent stopped"),
        }
    }
}

/// Hears what happens in a running agent.
pub trait Observer: Send + Sync + 'static {
    /// Called once per event. Must return soon: the agent waits for it.
    fn event(&self, event: &Event);
}

/// Hears nothing.
impl Observer for () {
    fn event(&self, _event: &Event) {}
}

impl<F: Fn(&Event) + Send + Sync + 'static> Observer for F {
    fn event(&self, event: &Event) {
        self(event);
    }
}
