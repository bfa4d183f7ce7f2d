//! The receiver's settings: one TOML file, the environment (`RECEIVER_…`) over it, flags over both.
//!
//! `docs/receiver.example.toml` shows every key with its default.

mod check_in;
mod ipwatch;
mod meeting;

use std::path::PathBuf;

use daemon::admin::AdminSettings;
use daemon::config::{ConfigError, ListenAddress, Loaded, SecretSource};
use daemon::http::HttpLimits;
use daemon::lifecycle::ShutdownSettings;
use daemon::logging::LogSettings;
use daemon::program::Configuration;
use daemon::tls::ServerTls;
use serde::{Deserialize, Serialize};

pub use check_in::{CheckIn, CheckInLimits};
pub use ipwatch::{Broker, BrokerAccess, IpWatch};
pub use meeting::{AuthorizedKeys, DeviceCredentials, HostKeys, Meeting, ServerPubkeyFile};

/// Everything that can be set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The listener that serves every protocol.
    pub http: Http,
    /// Where devices, keys and ports are kept.
    pub database: Database,
    /// The Meeting API.
    pub meeting: Meeting,
    /// Check-ins; without it there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkin: Option<CheckIn>,
    /// The machines; without it there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ipwatch: Option<IpWatch>,
    /// Health and metrics.
    pub admin: AdminSettings,
    /// What is written to the log.
    pub log: LogSettings,
    /// The end of the program.
    pub shutdown: ShutdownSettings,
}

/// The listener that serves every protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Default `127.0.0.1:8080`.
    pub listen: ListenAddress,
    /// Certificate and key; with them the listener takes TLS only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<ServerTls>,
    /// What one connection may cost.
    pub limits: HttpLimits,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: ListenAddress::Host { host: "127.0.0.1".into(), port: 8080 },
            tls: None,
            limits: HttpLimits::default(),
        }
    }
}

/// Where devices, keys and ports are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// The SQLite file. A relative path is below `$STATE_DIRECTORY`, or below the working directory where there is none.
    /// Default `receiver.db`.
    pub path: PathBuf,
    /// PostgreSQL instead, as `postgresql://…` or `host=… user=… dbname=…`. Needs a build with the feature `postgres`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres: Option<SecretSource>,
}

impl Default for Database {
    fn default() -> Self {
        Self { path: "receiver.db".into(), postgres: None }
    }
}

impl Configuration for Config {
    fn log(&self) -> &LogSettings {
        &self.log
    }

    fn validate(loaded: &Loaded<Self>) -> Result<(), ConfigError> {
        let refuse = |problem: Problem| loaded.refuse(&problem.key, &problem.message);
        loaded.settings.meeting.settings().map_err(refuse)?;
        loaded.settings.checkin.as_ref().map(CheckIn::settings).transpose().map_err(refuse)?;
        loaded.settings.ipwatch.as_ref().map(IpWatch::settings).transpose().map_err(refuse)?;
        Ok(())
    }
}

/// A value that is well-formed and cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, dotted.
    pub key: String,
    /// What is wrong.
    pub message: String,
}
