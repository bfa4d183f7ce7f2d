//! `[checkin]`: what the operator decides about check-ins.

use std::path::PathBuf;

use checkin_api::ApiKey;
use checkin_api::net::{Definition, Net, Regulars};
use checkin_api::server::{RateLimit, Settings, SharedSecret};
use daemon::config::SecretSource;
use serde::{Deserialize, Serialize};

use super::Problem;

/// What the operator decides about check-ins. The receiver takes them when there is such a section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckIn {
    /// The SQLite file, which holds nothing else. A relative path is below `$STATE_DIRECTORY`, or below the working directory where
    /// there is none; folders that are missing are made. The file of the document's script is taken over in place.
    /// Default `checkins.db`.
    pub path: PathBuf,
    /// PostgreSQL instead, as `postgresql://…` or `host=… user=… dbname=…`. Needs a build with the feature `postgres`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgres: Option<SecretSource>,
    /// One key that all bots share, as the document has it; those of `receiver checkin keys` count beside it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretSource>,
    /// Where bots post. Default `/checkins` and `/v1/checkins`; `receiver checkin` takes `/` too.
    pub paths: Vec<String>,
    /// Whether anybody may read check-ins, and see the page, without a key. Default false.
    pub public_reading: bool,
    /// What one key, and all of them together, may ask for.
    pub limits: CheckInLimits,
    /// Who is missed: a regular was there in at least `present` of the last `of` weeks. Default 3 of 4; at most 52.
    pub regulars: Regulars,
    /// The weekly nets, in the order in which people see them. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub net: Vec<Definition>,
}

/// What one key, and all of them together, may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckInLimits {
    /// Check-ins that a key may submit at once. Default 2000.
    pub burst: u32,
    /// How many more for each second. Default 200.
    pub per_second: u32,
    /// Check-ins that may wait for the disk before the answer is 503. Default 4096.
    pub queue: u32,
}

impl Default for CheckIn {
    fn default() -> Self {
        Self {
            path: "checkins.db".into(),
            postgres: None,
            secret: None,
            paths: ["/checkins", "/v1/checkins"].map(str::to_owned).into(),
            public_reading: false,
            limits: CheckInLimits::default(),
            regulars: Regulars::default(),
            net: Vec::new(),
        }
    }
}

impl Default for CheckInLimits {
    fn default() -> Self {
        let RateLimit { burst, per_second } = RateLimit::default();
        Self { burst, per_second, queue: 4096 }
    }
}

fn problem(key: &str, message: impl ToString) -> Problem {
    Problem { key: format!("checkin.{key}"), message: message.to_string() }
}

impl CheckIn {
    /// What the server of check-ins is told; the secret is read now.
    ///
    /// # Errors
    /// A [`Problem`] names the value that cannot be used.
    pub fn settings(&self) -> Result<Settings, Problem> {
        let mut settings = Settings::default();
        for path in &self.paths {
            let plain = path.starts_with('/')
                && path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#%".contains(&byte));
            if !plain {
                return Err(problem(
                    "paths",
                    format!("`{path}` is no path: it begins with `/` and holds no blank, `?`, `#` or `%`"),
                ));
            }
            if ["/api", "/console"]
                .iter()
                .any(|taken| path == taken || path.starts_with(&format!("{taken}/")))
            {
                return Err(problem("paths", format!("`{path}` leads to something else already")));
            }
        }
        settings.nets = self.nets()?;
        settings.regulars = self.regulars;
        settings.submission_paths.clone_from(&self.paths);
        settings.secret = self.secret.as_ref().map(shared_secret).transpose()?;
        settings.public_reading = self.public_reading;
        settings.rate = RateLimit { burst: self.limits.burst, per_second: self.limits.per_second };
        Ok(settings)
    }
}

impl CheckIn {
    /// The nets, checked.
    fn nets(&self) -> Result<Vec<Net>, Problem> {
        let mut nets: Vec<Net> = Vec::with_capacity(self.net.len());
        for definition in &self.net {
            let net = Net::new(definition.clone())
                .map_err(|error| problem("net", format!("`{}`: {error}", definition.name)))?;
            if nets.iter().any(|other| other.name() == net.name()) {
                return Err(problem("net", format!("two nets have the name `{}`", net.name())));
            }
            nets.push(net);
        }
        Ok(nets)
    }
}

fn shared_secret(source: &SecretSource) -> Result<SharedSecret, Problem> {
    let text = source.read().map_err(|error| problem("secret", error))?;
    let key = ApiKey::new(text.expose_secret()).map_err(|error| problem("secret", error))?;
    Ok(SharedSecret::new(&key))
}
