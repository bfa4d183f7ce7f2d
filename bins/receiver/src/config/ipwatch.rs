//! `[ipwatch]`: what the operator decides about the machines.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use daemon::config::{HostPort, Period, SecretSource};
use daemon::exit::Failure;
use daemon::secret::SecretString;
use daemon::tls::{ClientTls, Connector};
use ipwatch_mqtt::server::store::Role;
use ipwatch_mqtt::server::{Settings, SharedSecret};
use serde::{Deserialize, Serialize};

use super::Problem;

/// The name under which the key of the settings stands in the log.
const SECRET_NAME: &str = "settings";

/// What the operator decides about the machines. The receiver looks after them when there is such a section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IpWatch {
    /// The SQLite file, which holds nothing else. A relative path is below `$STATE_DIRECTORY`, or below the working directory where
    /// there is none; folders that are missing are made. Default `ipwatch.db`.
    pub path: PathBuf,
    /// PostgreSQL instead, as `postgresql://…` or `host=… user=… dbname=…`. Needs a build with the feature `postgres`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres: Option<SecretSource>,
    /// A key that may do everything, beside those of `receiver ipwatch keys`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretSource>,
    /// How long a command waits for its answer. Default 5 s, the document's; at least 1 s, at most 1 min.
    pub answer_timeout: Period,
    /// How long a machine that is woken may take to come up. Default 3 min.
    pub wake_timeout: Period,
    /// Where magic packets are sent. Default `255.255.255.255:9`: the network that the receiver is on.
    pub wake_addresses: Vec<SocketAddr>,
    /// How long machines' figures are kept. Default 30 days.
    pub keep_history: Period,
    /// How long the log of commands is kept. Default 365 days.
    pub keep_log: Period,
    /// How late a scheduled command may still be sent; beyond it, it is missed. Default 5 min, at most a day.
    pub schedule_grace: Period,
    /// Up to so many machines have figures of their own in the metrics. Default 200.
    pub machine_metrics: u32,
    /// The broker.
    pub broker: Broker,
}

/// The broker that machines and receiver meet at. `receiver ipwatch broker-config` writes Mosquitto's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Broker {
    /// Where it is: `mqtts://host[:8883]`, or `mqtt://host[:1883]`, which is not encrypted. It speaks MQTT 5. Default
    /// `mqtt://127.0.0.1:1883`: a Mosquitto on this machine.
    pub address: String,
    /// Go to another machine without TLS: passwords and commands can then be read and changed on their way. Default false.
    pub allow_plain: bool,
    /// The receiver's user. Default `ipwatch`, the document's.
    pub user: String,
    /// That user's password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretSource>,
    /// Whom to trust, and the certificate to show. Default: the system's authorities, and none.
    pub tls: ClientTls,
}

impl Default for IpWatch {
    fn default() -> Self {
        let Settings { answer_within, up_within, wake_destinations, keep_history, keep_log, grace, .. } =
            Settings::default();
        Self {
            path: "ipwatch.db".into(),
            postgres: None,
            secret: None,
            answer_timeout: answer_within.into(),
            wake_timeout: up_within.into(),
            wake_addresses: wake_destinations,
            keep_history: keep_history.into(),
            keep_log: keep_log.into(),
            schedule_grace: grace.into(),
            machine_metrics: 200,
            broker: Broker::default(),
        }
    }
}

impl Default for Broker {
    fn default() -> Self {
        Self {
            address: "mqtt://127.0.0.1:1883".to_owned(),
            allow_plain: false,
            user: "ipwatch".to_owned(),
            password: None,
            tls: ClientTls::default(),
        }
    }
}

/// The way to the broker, checked.
#[derive(Debug, Clone)]
pub struct BrokerAccess {
    /// As it was written.
    pub address: String,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The receiver's user.
    pub user: String,
    password: Option<SecretSource>,
    tls: Option<ClientTls>,
}

impl BrokerAccess {
    /// The password, read now.
    ///
    /// # Errors
    /// 74 when its file cannot be read.
    pub fn password(&self) -> Result<Option<SecretString>, Failure> {
        let read = self.password.as_ref().map(SecretSource::read).transpose();
        read.map_err(|error| Failure::io("`ipwatch.broker.password`", error))
    }

    /// How the connection is encrypted; nothing without TLS. The files are read now.
    ///
    /// # Errors
    /// As [`Connector::new`].
    pub fn connector(&self) -> Result<Option<Connector>, Failure> {
        self.tls.as_ref().map(|tls| Connector::new(tls, &[])).transpose()
    }
}

fn problem(key: &str, message: impl ToString) -> Problem {
    Problem { key: format!("ipwatch.{key}"), message: message.to_string() }
}

impl IpWatch {
    /// What the server is told; the secret is read now.
    ///
    /// # Errors
    /// A [`Problem`] names the value that cannot be used.
    pub fn settings(&self) -> Result<Settings, Problem> {
        let mut settings = Settings::default();
        settings.answer_within =
            within("answer_timeout", self.answer_timeout, Duration::from_secs(1)..=Duration::from_secs(60))?;
        settings.up_within =
            within("wake_timeout", self.wake_timeout, Duration::from_secs(10)..=Duration::from_secs(3600))?;
        settings.grace =
            within("schedule_grace", self.schedule_grace, Duration::ZERO..=Duration::from_secs(24 * 3600))?;
        let years = Duration::from_secs(10 * 366 * 24 * 3600);
        settings.keep_history = within("keep_history", self.keep_history, Duration::from_secs(3600)..=years)?;
        settings.keep_log = within("keep_log", self.keep_log, Duration::from_secs(24 * 3600)..=years)?;
        if self.wake_addresses.is_empty() {
            return Err(problem("wake_addresses", "is empty: nobody could be woken"));
        }
        settings.wake_destinations.clone_from(&self.wake_addresses);
        settings.secret = self.secret.as_ref().map(shared_secret).transpose()?;
        self.broker.access()?;
        Ok(settings)
    }
}

impl Broker {
    /// The way to it.
    ///
    /// # Errors
    /// A [`Problem`] names the value that cannot be used.
    pub fn access(&self) -> Result<BrokerAccess, Problem> {
        let wrong = |why: &str| problem("broker.address", format!("`{}` {why}", self.address));
        let (encrypted, rest) = match self.address.split_once("://") {
            Some(("mqtts", rest)) => (true, rest),
            Some(("mqtt", rest)) => (false, rest),
            _ => return Err(wrong("is no broker's address: write mqtts://broker.example.org")),
        };
        let port = if encrypted { 8883 } else { 1883 };
        let has_port =
            rest.rsplit_once(':').is_some_and(|(host, _)| !host.contains(':') || host.ends_with(']'));
        let whole = if has_port { rest.to_owned() } else { format!("{rest}:{port}") };
        let HostPort { host, port } =
            whole.parse().map_err(|error: String| problem("broker.address", error))?;
        if !encrypted && self.tls != ClientTls::default() {
            return Err(problem("broker.tls", "the address says mqtt://, without TLS: write mqtts://"));
        }
        if !encrypted && !self.allow_plain && !is_this_machine(&host) {
            return Err(wrong(
                "is another machine without TLS: write mqtts://, or set `ipwatch.broker.allow_plain = true` on a network \
                 where nobody listens",
            ));
        }
        Ok(BrokerAccess {
            address: self.address.clone(),
            host,
            port,
            user: self.user.clone(),
            password: self.password.clone(),
            tls: encrypted.then(|| self.tls.clone()),
        })
    }
}

/// Whether what is sent there leaves this machine.
fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

fn within(key: &str, period: Period, range: std::ops::RangeInclusive<Duration>) -> Result<Duration, Problem> {
    let duration = period.duration();
    if range.contains(&duration) {
        return Ok(duration);
    }
    let [least, most] = [range.start(), range.end()].map(|end| daemon::human::duration(*end));
    Err(problem(key, format!("must be {least} to {most}")))
}

fn shared_secret(source: &SecretSource) -> Result<SharedSecret, Problem> {
    let text = source.read().map_err(|error| problem("secret", error))?;
    let secret = text.expose_secret();
    if secret.len() < 16 {
        return Err(problem("secret", "is shorter than 16 characters, and may do everything"));
    }
    Ok(SharedSecret::new(secret, SECRET_NAME, Role::Administer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut IpWatch)) -> Result<(), String> {
        let mut settings = IpWatch::default();
        change(&mut settings);
        settings.settings().map(|_| ()).map_err(|problem| problem.key)
    }

    #[test]
    fn a_broker_elsewhere_without_tls_has_to_be_meant() {
        let to = |address: &str, allow_plain| {
            with(|settings| {
                settings.broker.address = address.to_owned();
                settings.broker.allow_plain = allow_plain;
            })
        };
        for address in
            ["mqtt://127.0.0.1", "mqtt://localhost:1884", "mqtt://[::1]:1883", "mqtts://broker.example.org"]
        {
            assert_eq!(to(address, false), Ok(()), "{address}");
        }
        for address in ["mqtt://192.0.2.1", "mqtt://broker.example.org:1883", "mqtt://[2001:db8::1]"] {
            assert_eq!(to(address, false), Err("ipwatch.broker.address".to_owned()), "{address}");
            assert_eq!(to(address, true), Ok(()), "{address}");
        }
    }

    #[test]
    fn an_address_has_the_usual_port_unless_it_says_another() {
        for (address, host, port) in [
            ("mqtt://localhost", "localhost", 1883),
            ("mqtts://broker.example.org", "broker.example.org", 8883),
            ("mqtts://broker.example.org:9", "broker.example.org", 9),
            ("mqtts://[2001:db8::1]", "2001:db8::1", 8883),
            ("mqtts://[2001:db8::1]:9", "2001:db8::1", 9),
        ] {
            let access = Broker { address: address.into(), ..Broker::default() }.access().unwrap();
            assert_eq!((access.host.as_str(), access.port), (host, port), "{address}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        type Change = fn(&mut IpWatch);
        let table: [(Change, &str); 6] = [
            (|settings| settings.answer_timeout = Duration::from_millis(10).into(), "ipwatch.answer_timeout"),
            (|settings| settings.keep_history = Duration::from_secs(1).into(), "ipwatch.keep_history"),
            (|settings| settings.wake_addresses.clear(), "ipwatch.wake_addresses"),
            (|settings| settings.secret = Some(SecretSource::File("/nowhere".into())), "ipwatch.secret"),
            (
                |settings| settings.broker.address = "http://broker.example.org".into(),
                "ipwatch.broker.address",
            ),
            (
                |settings| {
                    settings.broker.address = "mqtt://127.0.0.1".into();
                    settings.broker.tls.ca = Some("ca.pem".into());
                },
                "ipwatch.broker.tls",
            ),
        ];
        for (change, key) in table {
            assert_eq!(with(change), Err(key.to_owned()));
        }
    }
}
