//! `[ipwatch]` made ready for use.

use std::net::IpAddr;
use std::path::PathBuf;

use daemon::exit::{Exit, Failure};
use daemon::tls::Connector;
use ipwatch_mqtt::Qos;
use ipwatch_mqtt::agent::AgentSettings;
use ipwatch_mqtt::mqtt::{Password, Settings, Version};
use ipwatch_mqtt::power::{PowerPrograms, Recorder};
use ipwatch_mqtt::safety::Rules;

use super::machine::Power;
use super::settings::{IpWatchSettings, MqttVersion, PowerKind};
use crate::config::Config;

/// Everything that the machine at its broker works with.
#[derive(Clone, Debug)]
pub(crate) struct IpWatchPlan {
    pub(super) settings: IpWatchSettings,
    pub(super) broker: Settings,
    pub(super) power: Power,
    pub(super) memory: PathBuf,
}

impl IpWatchPlan {
    /// Makes the settings ready; `None` without a `broker`.
    ///
    /// # Errors
    /// A setting or a file that it names cannot be used; the failure names it.
    pub(crate) fn make(config: &Config) -> Result<Option<Self>, Failure> {
        let settings = config.ipwatch.clone();
        if let Some(problem) = settings.problem() {
            return Err(Failure::new(Exit::Configuration, format!("{} {}", problem.key, problem.message)));
        }
        let unusable = |what: String| Failure::new(Exit::Configuration, what);
        let at = settings.broker_address().map_err(|why| unusable(format!("ipwatch.broker {why}")))?;
        let Some(at) = at else { return Ok(None) };
        let mut broker = match at.encrypted {
            true => Settings::tls(at.host, at.port, Connector::new(&settings.tls, &[])?.config()),
            false => Settings::plain(at.host, at.port),
        };
        broker.version = match settings.version {
            MqttVersion::V3 => Version::V3,
            MqttVersion::V5 => Version::V5,
        };
        if let Some(source) = &settings.password {
            let secret = source.read().map_err(|error| Failure::io("ipwatch.password", error))?;
            let user = settings.user.clone().unwrap_or_default();
            broker.login = Some((user, Password::new(secret.expose_secret())));
        }
        let power = match settings.power {
            PowerKind::Programs => Power::Programs(
                PowerPrograms::new(settings.power_off.clone(), settings.reboot.clone())
                    .map_err(|error| unusable(format!("ipwatch.power_off {error}")))?,
            ),
            PowerKind::DryRun => {
                Power::DryRun(Recorder::new(IpWatchSettings::dry_run_path(&config.state_directory)))
            }
        };
        let memory = IpWatchSettings::memory_path(&config.state_directory);
        Ok(Some(Self { settings, broker, power, memory }))
    }

    /// What the session is told, for a machine with this address.
    pub(super) fn agent_settings(&self, address: IpAddr, seed: u64) -> AgentSettings {
        let settings = &self.settings;
        let rules = Rules {
            allowed: settings.allow.clone(),
            age: settings.command_age.duration(),
            ..Rules::default()
        };
        AgentSettings {
            groups: settings.groups.clone(),
            status_every: settings.status_every.duration(),
            status_qos: if settings.status_acknowledged { Qos::AtLeastOnce } else { Qos::AtMostOnce },
            // An orderly stop has five seconds for both of the last words.
            patience: std::time::Duration::from_secs(3),
            rules,
            ..AgentSettings::new(address, seed)
        }
    }

    /// The way to the broker, for a machine with this address.
    pub(super) fn broker(&self, address: IpAddr) -> Settings {
        let name = address.to_string().replace(':', "-");
        let mut broker = self.broker.clone();
        broker.client_id = format!("ipwatch-agent-{name}");
        if let Some((user, _)) = &mut broker.login
            && user.is_empty()
        {
            *user = name;
        }
        broker
    }
}

/// The plan of somebody who wants nothing else.
///
/// # Errors
/// As [`IpWatchPlan::make`], and when there is no broker.
pub(crate) fn needed(config: &Config) -> Result<IpWatchPlan, Failure> {
    IpWatchPlan::make(config)?.ok_or_else(|| {
        Failure::new(Exit::Configuration, "ipwatch.broker is not set")
            .advise("--set ipwatch.broker=mqtts://broker.example.org")
    })
}
