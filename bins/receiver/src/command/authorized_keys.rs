//! `receiver authorized-keys`: what sshd asks when a device logs in.

use clap::Args;
use daemon::exit::{Exit, Failure};
use meeting_api::server::{Store, authorized_keys};

use super::database;
use crate::config::{Config, Problem};

/// Prints authorized_keys lines.
#[derive(Debug, Args)]
pub struct AuthorizedKeysCommand {
    /// Only keys of use at this user (sshd's %u)
    user: Option<String>,
    /// Only keys with this fingerprint (sshd's %f)
    fingerprint: Option<String>,
}

impl AuthorizedKeysCommand {
    pub(super) async fn run<S: Store>(self, store: &S, config: &Config) -> Result<String, Failure> {
        let options = config.meeting.authorized_keys.options().map_err(|Problem { key, message }| {
            Failure::new(Exit::Configuration, format!("`{key}`: {message}"))
        })?;
        let mut records = store.ssh_keys(false).await.map_err(database)?;
        if let Some(fingerprint) = &self.fingerprint {
            records.retain(|record| record.fingerprint == *fingerprint);
        }
        Ok(authorized_keys(&records, self.user.as_deref(), &options))
    }
}
