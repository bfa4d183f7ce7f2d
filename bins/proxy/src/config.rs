//! The proxy's settings: one TOML file, the environment (`PROXY_…`) over it, flags over both.
//!
//! `docs/proxy.example.toml` shows every key with its default.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

use daemon::admin::AdminSettings;
use daemon::config::{ConfigError, ListenAddress, Loaded, Period, PortRange, SecretSource};
use daemon::lifecycle::ShutdownSettings;
use daemon::logging::LogSettings;
use daemon::program::Configuration;
use daemon::tls::{ClientTls, ServerTls};
use serde::{Deserialize, Serialize};

use crate::admission::Ramp;
use crate::lockout::Limits;

/// Everything that can be set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where agents connect.
    pub control: Control,
    /// The Meeting server.
    pub meeting: Meeting,
    /// The public ports.
    pub tunnels: Tunnels,
    /// What guessing tokens costs.
    pub lockout: Lockout,
    /// Health and metrics.
    pub admin: AdminSettings,
    /// What is written to the log.
    pub log: LogSettings,
    /// How long an orderly end may take. Default 10 s.
    pub shutdown: ShutdownSettings,
}

/// Settings that are well-formed one by one but cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem {
    /// The setting at fault.
    pub key: &'static str,
    /// What is wrong with it; together with the key it makes a sentence.
    pub message: &'static str,
}

impl Config {
    /// The first problem with these settings.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let problem = |key, message| Some(Problem { key, message });
        let Self { control, meeting, tunnels, lockout, .. } = self;
        if !meeting.url.starts_with("http://") && !meeting.url.starts_with("https://") {
            return problem("meeting.url", "must be the Meeting server's address, https://… or http://…");
        }
        if meeting.tls.server_name.is_some() {
            return problem(
                "meeting.tls.server_name",
                "cannot be set here: the name in `meeting.url` counts",
            );
        }
        if control.require_tls && control.tls.is_none() {
            return problem("control.require_tls", "needs `control.tls`");
        }
        let client_ca = control.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
        if client_ca && !control.require_tls {
            return problem("control.tls.client_ca", "protects nothing unless `control.require_tls` is true");
        }
        if control.certificate_names_device && !client_ca {
            return problem("control.certificate_names_device", "needs `control.tls.client_ca`");
        }
        let counts = [
            ("control.max_devices", control.max_devices, 1, u32::MAX),
            ("tunnels.max_visitors_per_device", tunnels.max_visitors_per_device, 1, 65_536),
            ("tunnels.max_visitors_per_source", tunnels.max_visitors_per_source, 1, u32::MAX),
            ("lockout.failures", lockout.failures, 1, u32::MAX),
            ("lockout.per_minute", lockout.per_minute, 2, u32::MAX),
        ];
        if let Some((key, ..)) = counts.iter().find(|(_, value, low, high)| !(low..=high).contains(&value)) {
            return problem(key, "is out of range");
        }
        let (tenth, minute, hour) =
            (Duration::from_millis(100), Duration::from_secs(60), Duration::from_secs(3600));
        let times = [
            ("control.handshake_timeout", control.handshake_timeout, tenth, minute),
            ("control.dead_after", control.dead_after, Duration::from_secs(10), minute * 10),
            ("meeting.timeout", meeting.timeout, tenth, minute),
            ("meeting.poll_interval", meeting.poll_interval, tenth, minute * 10),
            ("meeting.recheck_interval", meeting.recheck_interval, tenth, hour),
            ("meeting.cache", meeting.cache, Duration::ZERO, minute),
            ("meeting.unready_after", meeting.unready_after, Duration::ZERO, Duration::MAX),
            ("tunnels.wait_for_place", tunnels.wait_for_place, Duration::ZERO, minute),
            ("tunnels.idle_timeout", tunnels.idle_timeout, Duration::from_secs(1), Duration::MAX),
            ("tunnels.linger", tunnels.linger, Duration::ZERO, Duration::from_secs(30)),
            ("lockout.window", lockout.window, Duration::from_secs(1), lockout.longest.duration()),
            ("shutdown.grace", self.shutdown.grace, Duration::ZERO, minute * 10),
        ];
        let outside = |(_, value, low, high): &&(_, Period, Duration, Duration)| {
            !(*low..=*high).contains(&value.duration())
        };
        times.iter().find(outside).and_then(|(key, ..)| problem(key, "is too short or too long"))
    }
}

impl Configuration for Config {
    fn log(&self) -> &LogSettings {
        &self.log
    }

    fn validate(loaded: &Loaded<Self>) -> Result<(), ConfigError> {
        loaded.settings.problem().map_or(Ok(()), |problem| Err(loaded.refuse(problem.key, problem.message)))
    }
}

/// Where agents connect, and what is asked of a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Control {
    /// Default `0.0.0.0:9001`. Source: meeting §4.
    pub listen: ListenAddress,
    /// Certificate and key; with them the port takes TLS and plain connections, told apart by their first byte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ServerTls>,
    /// Refuse agents that come without TLS. Default false.
    pub require_tls: bool,
    /// The client certificate must name the device's key. Needs `tls.client_ca`. Default false.
    pub certificate_names_device: bool,
    /// Time for TLS and the first line. Default 5 s, 100 ms to 60 s.
    pub handshake_timeout: Period,
    /// Half-open connections of one source, as `start:rate:full`. Default `10:30:100`.
    pub half_open_per_source: Ramp,
    /// Half-open connections altogether. Default `1000:30:2000`.
    pub half_open_total: Ramp,
    /// Devices connected at once. Default 10,000, at least 1.
    pub max_devices: u32,
    /// How often sessions of one device may replace each other within a minute. Default 3.
    pub takeovers_per_minute: u32,
    /// An agent that sends probes of its own and then nothing for so long is lost. Default 45 s, 10 s to 10 min. Others are
    /// found by TCP within 35 s.
    pub dead_after: Period,
}

impl Default for Control {
    fn default() -> Self {
        Self {
            listen: ListenAddress::Host { host: "0.0.0.0".into(), port: 9001 },
            tls: None,
            require_tls: false,
            certificate_names_device: false,
            handshake_timeout: Period::from_secs(5),
            half_open_per_source: Ramp::PER_SOURCE,
            half_open_total: Ramp::TOTAL,
            max_devices: 10_000,
            takeovers_per_minute: 3,
            dead_after: Period::from_secs(45),
        }
    }
}

/// The Meeting server, and what it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Meeting {
    /// Its address, `https://…` or `http://…`. Required.
    pub url: String,
    /// The proxy's own secret there. Without it, Meeting tells no tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretSource>,
    /// Send the secret over plain `http` to another machine too. Default false.
    pub allow_insecure: bool,
    /// Which authorities to believe, and a client certificate if one is asked for.
    pub tls: ClientTls,
    /// Time for one request. Default 5 s, 100 ms to 60 s.
    pub timeout: Period,
    /// How often the tunnels are listed. Default 5 s, 100 ms to 10 min.
    pub poll_interval: Period,
    /// How often each connected device is looked at again. Default 5 s, 100 ms to 1 h.
    pub recheck_interval: Period,
    /// How long an answer about a device serves further attempts to connect. Default 2 s, at most 60 s.
    pub cache: Period,
    /// Without an answer for so long, the proxy is not ready. Default 30 s.
    pub unready_after: Period,
    /// Accept a device whose token Meeting does not tell. Default false. Choice: PX-1.
    pub accept_without_token_check: bool,
    /// Refuse a device that has sent no heartbeat of late. Default true.
    pub require_heartbeat: bool,
}

impl Default for Meeting {
    fn default() -> Self {
        Self {
            url: String::new(),
            secret: None,
            allow_insecure: false,
            tls: ClientTls::default(),
            timeout: Period::from_secs(5),
            poll_interval: Period::from_secs(5),
            recheck_interval: Period::from_secs(5),
            cache: Period::from_secs(2),
            unready_after: Period::from_secs(30),
            accept_without_token_check: false,
            require_heartbeat: true,
        }
    }
}

/// The public ports and their visitors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tunnels {
    /// Address on which public ports are opened. Default 127.0.0.1: only this machine reaches them.
    pub bind: IpAddr,
    /// First and last port that may be opened. Default 9050-9130. Source: meeting §4.3.
    pub ports: PortRange,
    /// Visitors of one device at once. Default 256, 1 to 65,536.
    pub max_visitors_per_device: u32,
    /// Visitors of one device at once from one source; a loopback address is no limit, for there a program on this machine
    /// stands for its own visitors. Default 64, at least 1.
    pub max_visitors_per_source: u32,
    /// How long a visitor may wait for a free place. Default 5 s, at most 60 s.
    pub wait_for_place: Period,
    /// A visit without a byte in either direction for so long is over. Default 2 h, at least 1 s.
    pub idle_timeout: Period,
    /// A visitor who has ended his side after the device's last word, or without a word of his own, is taken as gone
    /// after so much silence. Default 2 s, at most 30 s, which is how long others are waited for.
    pub linger: Period,
}

impl Default for Tunnels {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: PortRange::TUNNELS,
            max_visitors_per_device: 256,
            max_visitors_per_source: 64,
            wait_for_place: Period::from_secs(5),
            idle_timeout: Period::from_secs(2 * 3600),
            linger: Period::from_secs(2),
        }
    }
}

/// What guessing tokens costs (see [`crate::lockout`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lockout {
    /// Failures of one source against one device within `window` that lock it out. Default 5, at least 1.
    pub failures: u32,
    /// Window and first lock-out. Default 15 min, at least 1 s.
    pub window: Period,
    /// Longest lock-out. Default 1 d, at least `window`.
    pub longest: Period,
    /// Failures against one device from everywhere within a minute. Default 10, at least 2.
    pub per_minute: u32,
    /// Where the addresses from which devices proved themselves are kept over a restart; without it they are forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_file: Option<PathBuf>,
}

impl Default for Lockout {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            failures: limits.failures,
            window: limits.window.into(),
            longest: limits.longest.into(),
            per_minute: limits.per_minute,
            state_file: None,
        }
    }
}

impl Lockout {
    /// The limits these settings mean.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            failures: self.failures,
            window: self.window.duration(),
            longest: self.longest.duration(),
            per_minute: self.per_minute,
            ..Limits::default()
        }
    }
}
