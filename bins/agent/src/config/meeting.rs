//! The Meeting server, and what heartbeats tell it.

use std::net::IpAddr;

use daemon::config::{Period, SecretSource};
use daemon::tls::ClientTls;
use meeting_api::{ClusterIp, Note};
use serde::{Deserialize, Serialize};

/// `[meeting]`: the server and how the device proves itself to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MeetingSettings {
    /// The base URL, `https://…` or `http://…`. Required.
    pub url: Option<String>,
    /// How device calls prove who they are. Default: `none`, as the document has it.
    pub credential: CredentialKind,
    /// The bearer secret, with `credential = "bearer"`.
    pub secret: Option<SecretSource>,
    /// Time between heartbeats. Default 60 s, as the document says; 5 s to 1 h.
    pub heartbeat_every: Period,
    /// Time for one request with its answer. Default 10 s; 1 s to 2 m.
    pub timeout: Period,
    /// Allows secrets to be sent, and host keys to be taken, over plain `http` to another machine. Default: no.
    pub allow_insecure: bool,
    /// TLS of the connection to the server.
    pub tls: ClientTls,
}

impl Default for MeetingSettings {
    fn default() -> Self {
        Self {
            url: None,
            credential: CredentialKind::None,
            secret: None,
            heartbeat_every: Period::from_secs(60),
            timeout: Period::from_secs(10),
            allow_insecure: false,
            tls: ClientTls::default(),
        }
    }
}

/// How device calls prove who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CredentialKind {
    /// Nothing, as the document has it: whoever knows the device key may report for it.
    #[default]
    None,
    /// `Authorization: Bearer …` with a secret that the operator gave.
    Bearer,
    /// A signature of each request by the device's own SSH key (RFC 9421).
    Signature,
}

/// `[addresses]`: what heartbeats say about addresses (§3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AddressSettings {
    /// `ip_address`. Default: absent, so that the server takes the address it sees.
    pub main: Option<IpAddr>,
    /// `ip_lan`. Default: the address that leads to the server.
    pub lan: Option<IpAddr>,
    /// `ip_public`. Default: absent.
    pub public: Option<IpAddr>,
    /// `cluster_ip`. Default: absent.
    pub cluster: Option<ClusterIp>,
    /// `note`: a short status for people. Default: absent.
    pub note: Option<Note>,
    /// How often the machine's addresses are looked at. Default 10 s; 1 s to 1 h.
    pub poll_every: Period,
}

impl Default for AddressSettings {
    fn default() -> Self {
        Self {
            main: None,
            lan: None,
            public: None,
            cluster: None,
            note: None,
            poll_every: Period::from_secs(10),
        }
    }
}
