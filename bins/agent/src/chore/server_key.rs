//! The server's public key in an `authorized_keys` file, when that is wanted.

use super::ChoreError;
use crate::authorized_keys::{self, Change};
use crate::plan::Plan;

/// What was done with the server's key.
#[derive(Clone, Debug)]
pub(crate) struct Installed {
    pub(crate) fingerprint: String,
    pub(crate) change: Change,
}

/// Fetches the server's key and puts it into the file.
pub(crate) async fn install(plan: &Plan) -> Result<Installed, ChoreError> {
    let settings = &plan.config.server_key;
    let Some(file) = &settings.file else {
        return Err(ChoreError::NotTaken("server_key.file is not set".to_owned()));
    };
    let key = plan.client.server_pubkey().await?;
    let fingerprint = key.fingerprint();
    if let Some(expected) = settings.fingerprint.as_ref().filter(|expected| **expected != fingerprint) {
        return Err(ChoreError::NotTaken(format!("the server shows the key {fingerprint}, not {expected}")));
    }
    let line = authorized_keys::line(&settings.options, &key.without_comment());
    let change = authorized_keys::install(file, &line)
        .map_err(|error| ChoreError::Local(format!("{}: {error}", file.display())))?;
    Ok(Installed { fingerprint, change })
}
