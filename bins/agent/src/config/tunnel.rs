//! The reverse tunnel.

use std::num::NonZeroU16;
use std::path::PathBuf;

use daemon::config::Period;
use daemon::tls::ClientTls;
use serde::{Deserialize, Serialize};

/// `[tunnel]`: the reverse tunnel (§4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TunnelSettings {
    /// Whether there is a tunnel. Default: yes, if there is a token.
    pub enabled: bool,
    /// The proxy. Default: `tunnel_host` of the official file, else the host of `meeting.url`.
    pub host: Option<String>,
    /// Its port. Default: `tunnel_port` of the official file, else 9001.
    pub port: Option<NonZeroU16>,
    /// Whether the connection is TLS. Default: `tunnel_ssl` of the official file, else no, as in the field.
    pub tls: Option<bool>,
    /// PEM file with the authorities to trust, instead of the machine's.
    pub ca: Option<PathBuf>,
    /// PEM file with the device's own certificate; needs `key`.
    pub certificate: Option<PathBuf>,
    /// PEM file with the key of `certificate`.
    pub key: Option<PathBuf>,
    /// The name that the proxy's certificate must have. Default: the proxy's host.
    pub server_name: Option<String>,
    /// Time to connect and be answered. Default 10 s; 1 s to 2 m.
    pub timeout: Period,
    /// Connections through the tunnel at once. Default 256; 1 to 65,535.
    pub max_connections: NonZeroU16,
}

impl Default for TunnelSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            host: None,
            port: None,
            tls: None,
            ca: None,
            certificate: None,
            key: None,
            server_name: None,
            timeout: Period::from_secs(10),
            max_connections: const { NonZeroU16::new(256).unwrap() },
        }
    }
}

impl TunnelSettings {
    /// The TLS part, in the form that the server's connection has it too.
    #[must_use]
    pub fn tls_settings(&self) -> ClientTls {
        ClientTls {
            ca: self.ca.clone(),
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            server_name: self.server_name.clone(),
        }
    }
}
