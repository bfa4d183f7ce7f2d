//! The publication of the device's own key (§3.3): once, and again when the server's copy differs.
//!
//! Source: meeting §3.3. Choice: AG-5.

use meeting_api::PublicKey;
use meeting_api::client::{Client, ClientError};
use meeting_api::endpoint::ssh_key::KeyStatus;

use super::ChoreError;
use crate::events::Event;
use crate::journal::Journal;
use crate::plan::Plan;
use crate::ssh_key_file::{KeyFileError, Provenance};

/// What the server has now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Publication {
    /// It had this very key already.
    Confirmed,
    /// It took the key.
    Published,
    /// It keeps the key back until an operator approves it.
    Pending,
}

/// What was done about the device's key.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    pub(crate) fingerprint: String,
    pub(crate) publication: Publication,
}

/// Makes the key if there is none, and sees to it that the server has it. A key that was made is told of at once,
/// whatever the server says afterwards.
pub(crate) async fn publish(plan: &Plan, journal: &Journal) -> Result<Published, ChoreError> {
    let local = |error: KeyFileError| ChoreError::Local(error.to_string());
    let key = plan.ssh_key().map_err(local)?;
    let public = key.public_key().map_err(local)?;
    let fingerprint = public.fingerprint();
    if key.provenance() == Provenance::Generated {
        journal.tell(&Event::KeyGenerated { fingerprint: fingerprint.clone() });
    }
    if let Some(mode) = key.open_to_others() {
        let path = plan.config.ssh_key_path();
        tracing::warn!(path = %path.display(), "others can read the private key (mode {mode:03o}); chmod 600 it");
    }
    let publication = settle(plan, &public).await?;
    Ok(Published { fingerprint, publication })
}

async fn settle(plan: &Plan, ours: &PublicKey) -> Result<Publication, ClientError> {
    let (client, device_key) = (&plan.client, &plan.identity.device_key);
    if has_key(client, device_key, ours).await? {
        return Ok(Publication::Confirmed);
    }
    let answer = client.publish_key(device_key, ours).await?;
    Ok(if answer.status == Some(KeyStatus::Pending) { Publication::Pending } else { Publication::Published })
}

/// Whether the server's copy is `ours`. A copy that is no key counts as another one; 404 says "none".
async fn has_key(
    client: &Client,
    device_key: &meeting_api::DeviceKey,
    ours: &PublicKey,
) -> Result<bool, ClientError> {
    match client.device_pubkey(device_key).await {
        Ok(theirs) => Ok(theirs.same_key(ours)),
        Err(ClientError::Malformed(_)) => Ok(false),
        Err(error) if error.is_not_provisioned() => Ok(false),
        Err(error) => Err(error),
    }
}
