//! What an operator decides about a server.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::forwarded::AddressRange;
use crate::endpoint::MAX_REQUEST_BYTES;
use crate::endpoint::server_pubkey::ServerPubkey;

/// Whether devices must prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceAuth {
    /// As the document has it: whoever knows a `device_key` may report for it. A credential that is shown is checked all
    /// the same, and a wrong one refused.
    #[default]
    Compatible,
    /// A bearer secret of the device, or a signature by its published SSH key, with every call of a device.
    Required,
}

/// What an operator decides about a server. The default is the document's behaviour.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// Whether devices must prove who they are; [`DeviceAuth::Compatible`] by default.
    pub device_auth: DeviceAuth,
    /// Whether `X-Token-Code` with the device's `token_code` counts as its credential; not by default, as it has 24 bits
    /// only. When it does not count it is ignored.
    pub accept_token_code: bool,
    /// Whether anybody may read the list of tunnels; so by default, as in the field. Else proxies and operators may.
    /// Choice: MA-59.
    pub tunnels_open: bool,
    /// How long a heartbeat keeps a device online; 150 s by default, two and a half intervals. Choice: MA-55.
    pub online_window: Duration,
    /// The public ports for tunnels; 9050 to 9130 by default.
    pub ports: RangeInclusive<u16>,
    /// How long a reserved port stays reserved; 24 h by default.
    pub reservation: Duration,
    /// The host name under which the public ports are reached, for the URLs in answers.
    pub tunnel_host: String,
    /// Who may be believed about `X-Forwarded-For`; nobody by default.
    pub trusted_proxies: Vec<AddressRange>,
    /// Largest body, in bytes; 64 KiB by default (threat R3).
    pub max_body_bytes: usize,
    /// How long a body may take to come in; 10 s by default (threat R3).
    pub body_deadline: Duration,
    /// The server's host keys in the form of `ssh-keyscan`, one line each; empty by default, and answered with 404 then.
    pub host_keys: String,
    /// The server's own public key, which devices may let in; none by default.
    pub server_pubkey: Option<ServerPubkey>,
    /// How many failed credentials a source may show in 15 minutes before its next ones are refused unseen; 20 by default.
    /// Choice: MA-62.
    pub max_failures: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            device_auth: DeviceAuth::Compatible,
            accept_token_code: false,
            tunnels_open: true,
            online_window: Duration::from_secs(150),
            ports: 9050..=9130,
            reservation: Duration::from_secs(24 * 3600),
            tunnel_host: "localhost".to_owned(),
            trusted_proxies: Vec::new(),
            max_body_bytes: MAX_REQUEST_BYTES,
            body_deadline: Duration::from_secs(10),
            host_keys: String::new(),
            server_pubkey: None,
            max_failures: 20,
        }
    }
}
