//! The agent's settings: one TOML file, the environment over it, flags over both.
//!
//! Every key, its default and its meaning are in `docs/agent.example.toml`, which a test parses. Here they are types: a value
//! that exists is valid, and what depends on more than one value is checked by [`Config::problem`].

mod keys;
mod meeting;
mod tunnel;

use std::collections::BTreeMap;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use daemon::admin::AdminSettings;
use daemon::config::{Period, SecretSource};
use daemon::logging::LogSettings;
use meeting_api::{DeviceKey, ServiceName};
use serde::{Deserialize, Serialize};

use crate::checkin::CheckInSettings;
use crate::ipwatch::IpWatchSettings;
use crate::official_files::OfficialPaths;

pub use keys::{KnownHostsSettings, ServerKeySettings, SshKeySettings};
pub use meeting::{AddressSettings, CredentialKind, MeetingSettings};
pub use tunnel::TunnelSettings;

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
    /// The receiver of check-ins.
    pub checkin: CheckInSettings,
    /// The machine at a broker of IPWatch.
    pub ipwatch: IpWatchSettings,
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
            checkin: CheckInSettings::default(),
            ipwatch: IpWatchSettings::default(),
            official_files: OfficialPaths::default(),
            admin: AdminSettings::default(),
            log: LogSettings::default(),
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
        self.period_out_of_range().or_else(|| self.checkin.problem()).or_else(|| self.ipwatch.problem())
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
        let table: [(&[&str], Option<&str>); 19] = [
            (&[], Some("meeting.url")),
            (&[url], None),
            (&[url, "meeting.credential=bearer"], Some("meeting.secret")),
            (&[url, "meeting.credential=bearer", "meeting.secret=s"], None),
            (&[url, "meeting.secret=s"], Some("meeting.secret")),
            (&[url, "meeting.tls.certificate=/c.pem"], Some("meeting.tls.certificate")),
            (&[url, "tunnel.key=/k.pem"], Some("tunnel.certificate")),
            (&[url, "server_key.install=true", "server_key.file=keys"], Some("server_key.file")),
            (&[url, "meeting.heartbeat_every=1s"], Some("meeting.heartbeat_every")),
            (&[url, "checkin.spool=/spool"], Some("checkin.url")),
            (&[url, "checkin.url=https://example.org/checkins", "checkin.spool=/spool"], None),
            (&[url, "checkin.poll_every=0s"], Some("checkin.poll_every")),
            (&[url, "checkin.tls.key=/k.pem"], Some("checkin.tls.certificate")),
            (&[url, "ipwatch.broker=mqtts://broker.example.org"], None),
            (&[url, "ipwatch.broker=broker.example.org"], Some("ipwatch.broker")),
            (&[url, "ipwatch.broker=mqtt://192.0.2.1"], Some("ipwatch.broker")),
            (&[url, "ipwatch.broker=mqtt://192.0.2.1", "ipwatch.allow_plain=true"], None),
            (&[url, "ipwatch.power_off=['poweroff']"], Some("ipwatch.power_off")),
            (&[url, "ipwatch.status_every=0s"], Some("ipwatch.status_every")),
        ];
        for (sets, expected) in table {
            assert_eq!(from_sets(sets).problem().map(|problem| problem.key), expected, "{sets:?}");
        }
    }

    /// T11: printing the settings shows no secret.
    #[test]
    fn printed_settings_hide_secrets() {
        let settings = Settings::new("AGENT")
            .set("--set", "token=canary-1")
            .set("--set", "meeting.secret=canary-2")
            .set("--set", "checkin.api_key=canary-3")
            .set("--set", "ipwatch.password=canary-4");
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
