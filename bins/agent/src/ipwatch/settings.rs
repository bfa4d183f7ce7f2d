//! `[ipwatch]`: the broker, and what the machine lets itself be told.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use daemon::config::{HostPort, Period, SecretSource};
use daemon::tls::ClientTls;
use ipwatch_mqtt::power::PowerPrograms;
use ipwatch_mqtt::{CommandName, GroupName};
use serde::{Deserialize, Serialize};

use crate::config::Problem;

/// The version of MQTT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MqttVersion {
    /// 3.1.1.
    #[serde(rename = "3.1.1")]
    V3,
    /// 5.
    #[serde(rename = "5")]
    V5,
}

/// What happens when the machine is told to go down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PowerKind {
    /// A program is started.
    Programs,
    /// It is written down, and the machine stays up.
    DryRun,
}

/// `[ipwatch]`: the machine at a broker. Off unless it has a `broker`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IpWatchSettings {
    /// The broker, as `mqtts://broker.example.org`. Default: none, and nothing is said.
    pub broker: Option<String>,
    /// Allows `mqtt://` to another machine: password and commands can then be read and changed on the way. Default: no.
    pub allow_plain: bool,
    /// The machine's user at the broker. Default: its address, with `-` for `:`.
    pub user: Option<String>,
    /// That user's password. Default: none.
    pub password: Option<SecretSource>,
    /// The version of MQTT. Default 5.
    pub version: MqttVersion,
    /// The machine's address in its topics. Default: the one from which it reaches the broker.
    pub address: Option<IpAddr>,
    /// The groups whose commands it takes. Default: none.
    pub groups: Vec<GroupName>,
    /// How often it says how it is. Default 30 s; 1 s to 1 h.
    pub status_every: Period,
    /// Whether each of these must be acknowledged (QoS 1). Default: yes.
    pub status_acknowledged: bool,
    /// The file system whose share in use is told. Default: `/`.
    pub disk: PathBuf,
    /// The commands that it takes. Default: all three.
    pub allow: BTreeSet<CommandName>,
    /// The oldest command that is carried out. Default 60 s; 5 s to 1 h.
    pub command_age: Period,
    /// What happens when it is told to go down. Default: a program is started.
    pub power: PowerKind,
    /// The program that switches it off, and its arguments. Default: `/usr/bin/systemctl poweroff`.
    pub power_off: Vec<String>,
    /// The program that restarts it, and its arguments. Default: `/usr/bin/systemctl reboot`.
    pub reboot: Vec<String>,
    /// TLS of the connection to the broker.
    pub tls: ClientTls,
}

impl Default for IpWatchSettings {
    fn default() -> Self {
        let systemctl = |verb: &str| vec!["/usr/bin/systemctl".to_owned(), verb.to_owned()];
        Self {
            broker: None,
            allow_plain: false,
            user: None,
            password: None,
            version: MqttVersion::V5,
            address: None,
            groups: Vec::new(),
            status_every: Period::from_secs(30),
            status_acknowledged: true,
            disk: "/".into(),
            allow: CommandName::ALL.into(),
            command_age: Period::from_secs(60),
            power: PowerKind::Programs,
            power_off: systemctl("poweroff"),
            reboot: systemctl("reboot"),
            tls: ClientTls::default(),
        }
    }
}

/// Where the broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BrokerAddress {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) encrypted: bool,
}

impl IpWatchSettings {
    /// The broker's address, read.
    pub(super) fn broker_address(&self) -> Result<Option<BrokerAddress>, String> {
        let Some(text) = &self.broker else { return Ok(None) };
        let (encrypted, rest) = match text.split_once("://") {
            Some(("mqtts", rest)) => (true, rest),
            Some(("mqtt", rest)) => (false, rest),
            _ => return Err("is no broker's address: write mqtts://broker.example.org".to_owned()),
        };
        let usual = if encrypted { 8883 } else { 1883 };
        let has_port =
            rest.rsplit_once(':').is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'));
        let whole = if has_port { rest.to_owned() } else { format!("{rest}:{usual}") };
        let HostPort { host, port } = whole.parse()?;
        Ok(Some(BrokerAddress { host, port, encrypted }))
    }

    /// The first rule between these settings that is broken, if any.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let broken = |key, message: &str| Some(Problem { key, message: message.to_owned() });
        match self.broker_address() {
            Err(why) => return broken("ipwatch.broker", &why),
            Ok(Some(at)) if !at.encrypted && !self.allow_plain && !is_this_machine(&at.host) => {
                return broken(
                    "ipwatch.broker",
                    "is another machine without TLS: write mqtts://, or set ipwatch.allow_plain = true where nobody listens",
                );
            }
            Ok(Some(at)) if !at.encrypted && self.tls != ClientTls::default() => {
                return broken("ipwatch.tls", "would not be used: the broker's address says mqtt://");
            }
            Ok(_) => {}
        }
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            return broken(
                "ipwatch.tls.certificate",
                "certificate and key belong together: set both or neither",
            );
        }
        if self.tls.server_name.is_some() {
            return broken(
                "ipwatch.tls.server_name",
                "cannot be set: the certificate must name the broker's host",
            );
        }
        if !self.disk.is_absolute() {
            return broken("ipwatch.disk", "is no absolute path");
        }
        if let Err(error) = PowerPrograms::new(self.power_off.clone(), self.reboot.clone()) {
            return broken("ipwatch.power_off", &format!("and ipwatch.reboot: {error}"));
        }
        let ranges = [
            ("ipwatch.status_every", self.status_every, 1, 3600),
            ("ipwatch.command_age", self.command_age, 5, 3600),
        ];
        let bad = ranges.into_iter().find(|(_, period, low, high)| {
            !(Period::from_secs(*low)..=Period::from_secs(*high)).contains(period)
        });
        bad.map(|(key, period, low, high)| {
            let (low, high) = (Period::from_secs(low), Period::from_secs(high));
            Problem { key, message: format!("{period} is out of range: {low} to {high}") }
        })
    }

    /// Where the commands that were carried out are remembered.
    #[must_use]
    pub fn memory_path(state_directory: &Path) -> PathBuf {
        state_directory.join("ipwatch-commands.json")
    }

    /// Where a dry run is written down.
    #[must_use]
    pub fn dry_run_path(state_directory: &Path) -> PathBuf {
        state_directory.join("ipwatch-dry-run.log")
    }
}

/// Whether what is sent there leaves this machine.
fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}
