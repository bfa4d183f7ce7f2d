//! The agent's settings: one TOML file, the environment over it, flags over both.
//!
//! Every key, its default and its meaning are in `docs/agent.example.toml`, which a test parses. Here they are types: a value
//! that exists is valid, and what depends on more than one value is checked by [`Config::problem`].

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use daemon::admin::AdminSettings;
use daemon::config::{Period, SecretSource};
use daemon::logging::LogSettings;
use daemon::tls::ClientTls;
use meeting_api::{ClusterIp, DeviceKey, Note, ServiceName};
use serde::{Deserialize, Serialize};

use crate::official_files::OfficialPaths;

/// The port of the proxy that the document calls typical (§4).
pub const DEFAULT_TUNNEL_PORT: u16 = 9001;

/// All settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The device's name. Default: that of the official files.
    pub device_key: Option<DeviceKey>,
    /// The token of the tunnel. Default: that of the official files; without one there is no tunnel.
    pub token: Option<SecretSource>,
    /// Where the agent keeps what it makes: its key and `known_hosts`. Default: `/var/lib/meeting-agent`.
    pub state_directory: PathBuf,
    /// The Meeting server.
    pub meeting: MeetingSettings,
    /// What heartbeats say about addresses.
    pub addresses: AddressSettings,
    /// The device's own SSH key.
    pub ssh_key: SshKeySettings,
    /// The server's host keys.
    pub known_hosts: KnownHostsSettings,
    /// The server's public key in `authorized_keys`.
    pub server_key: ServerKeySettings,
    /// The reverse tunnel.
    pub tunnel: TunnelSettings,
    /// The local ports that the tunnel may reach, by name; nothing else ever (T7). Default: `ssh = 22`.
    pub services: BTreeMap<ServiceName, NonZeroU16>,
    /// The files of the official agent.
    pub official_files: OfficialPaths,
    /// Metrics and health over HTTP.
    pub admin: AdminSettings,
    /// What is logged.
    pub log: LogSettings,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            device_key: None,
            token: None,
            state_directory: "/var/lib/meeting-agent".into(),
            meeting: MeetingSettings::default(),
            addresses: AddressSettings::default(),
            ssh_key: SshKeySettings::default(),
            known_hosts: KnownHostsSettings::default(),
            server_key: ServerKeySettings::default(),
            tunnel: TunnelSettings::default(),
            services: NonZeroU16::new(22).map(|port| (ServiceName::SSH, port)).into_iter().collect(),
            official_files: OfficialPaths::default(),
            admin: AdminSettings::default(),
            log: LogSettings::default(),
        }
    }
}

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

/// `[ssh_key]`: the device's own key (§3.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SshKeySettings {
    /// The private key in OpenSSH's format; made when absent. Default: `id_ed25519` in the state directory.
    pub file: PathBuf,
    /// Whether the public half is published. Default: yes.
    pub publish: bool,
    /// How often the server's copy is compared with ours. Default 6 h; 1 m or more.
    pub check_every: Period,
}

impl Default for SshKeySettings {
    fn default() -> Self {
        Self { file: "id_ed25519".into(), publish: true, check_every: Period::from_secs(6 * 3600) }
    }
}

/// `[known_hosts]`: the server's host keys (§3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KnownHostsSettings {
    /// Whether the file is kept fresh. Default: yes.
    pub enabled: bool,
    /// The file. Default: `known_hosts` in the state directory.
    pub file: PathBuf,
    /// The hosts that the server's lines may be about: `name`, or `[name]:port`. Default: the host of `meeting.url`.
    pub hosts: Vec<String>,
    /// Takes new keys although none of the old ones is among them. Default: no, which is what protects against a
    /// server that was replaced (R4); switch it on for the one run in which a change is expected.
    pub accept_new_keys: bool,
    /// Time between refreshes. Default 1 h; 1 m or more.
    pub refresh_every: Period,
}

impl Default for KnownHostsSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            file: "known_hosts".into(),
            hosts: Vec::new(),
            accept_new_keys: false,
            refresh_every: Period::from_secs(3600),
        }
    }
}

/// `[server_key]`: lets the server log in to the device. Off unless asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerKeySettings {
    /// Whether the server's public key is kept in `file`. Default: no.
    pub install: bool,
    /// The `authorized_keys` file; an absolute path. Required with `install`.
    pub file: Option<PathBuf>,
    /// sshd's options for the line, such as `restrict,pty`. Default: none.
    pub options: String,
    /// Accept this key only, `SHA256:…`. Default: whatever the server shows.
    pub fingerprint: Option<String>,
    /// Time between refreshes. Default 6 h; 1 m or more.
    pub refresh_every: Period,
}

impl Default for ServerKeySettings {
    fn default() -> Self {
        Self {
            install: false,
            file: None,
            options: String::new(),
            fingerprint: None,
            refresh_every: Period::from_secs(6 * 3600),
        }
    }
}

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

/// A rule between settings that is broken: the key to point at, and what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, dotted.
    pub key: &'static str,
    /// What is wrong with it.
    pub message: String,
}

impl Config {
    /// The path of the device's SSH key.
    #[must_use]
    pub fn ssh_key_path(&self) -> PathBuf {
        self.state_directory.join(&self.ssh_key.file)
    }

    /// The path of `known_hosts`.
    #[must_use]
    pub fn known_hosts_path(&self) -> PathBuf {
        self.state_directory.join(&self.known_hosts.file)
    }

    /// Whether the device's SSH key is needed at all.
    #[must_use]
    pub fn needs_ssh_key(&self) -> bool {
        self.ssh_key.publish || self.meeting.credential == CredentialKind::Signature
    }

    /// The first rule between settings that is broken, if any.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let broken = |key, message: &str| Some(Problem { key, message: message.to_owned() });
        if self.meeting.url.is_none() {
            return broken(
                "meeting.url",
                "is not set: the address of the Meeting server, as https://meeting.example.org",
            );
        }
        match (self.meeting.credential, &self.meeting.secret) {
            (CredentialKind::Bearer, None) => {
                return broken("meeting.secret", "is not set, though meeting.credential is \"bearer\"");
            }
            (CredentialKind::None | CredentialKind::Signature, Some(_)) => {
                return broken("meeting.secret", "would not be used: meeting.credential is not \"bearer\"");
            }
            _ => {}
        }
        let pairs = [
            ("meeting.tls.certificate", &self.meeting.tls.certificate, &self.meeting.tls.key),
            ("tunnel.certificate", &self.tunnel.certificate, &self.tunnel.key),
        ];
        for (key, certificate, private_key) in pairs {
            if certificate.is_some() != private_key.is_some() {
                return broken(key, "certificate and key belong together: set both or neither");
            }
        }
        if self.server_key.install && !self.server_key.file.as_deref().is_some_and(Path::is_absolute) {
            return broken("server_key.file", "with install = true, an absolute path is needed");
        }
        self.period_out_of_range()
    }

    fn period_out_of_range(&self) -> Option<Problem> {
        const HOUR: u64 = 3600;
        const YEAR: u64 = 365 * 24 * HOUR;
        let ranges = [
            ("meeting.heartbeat_every", self.meeting.heartbeat_every, 5, HOUR),
            ("meeting.timeout", self.meeting.timeout, 1, 120),
            ("addresses.poll_every", self.addresses.poll_every, 1, HOUR),
            ("ssh_key.check_every", self.ssh_key.check_every, 60, YEAR),
            ("known_hosts.refresh_every", self.known_hosts.refresh_every, 60, YEAR),
            ("server_key.refresh_every", self.server_key.refresh_every, 60, YEAR),
            ("tunnel.timeout", self.tunnel.timeout, 1, 120),
        ];
        let bad = ranges.into_iter().find(|(_, period, low, high)| {
            !(Period::from_secs(*low)..=Period::from_secs(*high)).contains(period)
        });
        bad.map(|(key, period, low, high)| {
            let (low, high) = (Period::from_secs(low), Period::from_secs(high));
            Problem { key, message: format!("{period} is out of range: {low} to {high}") }
        })
    }
}

#[cfg(test)]
mod tests {
    use daemon::config::Settings;

    use super::*;

    fn from_sets(sets: &[&str]) -> Config {
        let mut settings = Settings::new("AGENT");
        for set in sets {
            settings = settings.set("--set", set);
        }
        settings.load::<Config>().unwrap().settings
    }

    #[test]
    fn the_defaults_are_those_of_the_document() {
        let config = from_sets(&[]);
        assert_eq!(config, Config::default());
        assert_eq!(config.meeting.heartbeat_every, Period::from_secs(60));
        let services: Vec<_> =
            config.services.iter().map(|(name, port)| (name.as_str(), port.get())).collect();
        assert_eq!(services, [("ssh", 22)]);
        assert!(!config.server_key.install);
        assert_eq!(config.admin.listen, None);
        assert_eq!(config.ssh_key_path(), Path::new("/var/lib/meeting-agent/id_ed25519"));
    }

    #[test]
    fn rules_between_settings_name_the_key() {
        let url = "meeting.url=https://meeting.example.org";
        let table: [(&[&str], Option<&str>); 9] = [
            (&[], Some("meeting.url")),
            (&[url], None),
            (&[url, "meeting.credential=bearer"], Some("meeting.secret")),
            (&[url, "meeting.credential=bearer", "meeting.secret=s"], None),
            (&[url, "meeting.secret=s"], Some("meeting.secret")),
            (&[url, "meeting.tls.certificate=/c.pem"], Some("meeting.tls.certificate")),
            (&[url, "tunnel.key=/k.pem"], Some("tunnel.certificate")),
            (&[url, "server_key.install=true", "server_key.file=keys"], Some("server_key.file")),
            (&[url, "meeting.heartbeat_every=1s"], Some("meeting.heartbeat_every")),
        ];
        for (sets, expected) in table {
            assert_eq!(from_sets(sets).problem().map(|problem| problem.key), expected, "{sets:?}");
        }
    }

    /// T11: printing the settings shows no secret.
    #[test]
    fn printed_settings_hide_secrets() {
        let settings =
            Settings::new("AGENT").set("--set", "token=canary-1").set("--set", "meeting.secret=canary-2");
        let loaded = settings.load::<Config>().unwrap();
        let shown = loaded.print().unwrap();
        assert!(!shown.contains("canary"), "{shown}");
        assert!(!format!("{:?}", loaded.settings).contains("canary"));
    }

    #[test]
    fn a_services_table_replaces_the_default_one() {
        let config = from_sets(&["services={http = 8080}"]);
        let services: Vec<_> =
            config.services.iter().map(|(name, port)| (name.as_str(), port.get())).collect();
        assert_eq!(services, [("http", 8080)]);
        assert!(Settings::new("AGENT").set("--set", "services={http = 0}").load::<Config>().is_err());
    }
}
