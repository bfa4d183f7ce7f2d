//! What the server knows of the device: record, heartbeat, host keys, the device's key.

use meeting_api::PublicKey;
use meeting_api::client::ClientError;
use meeting_api::endpoint::ssh_key::KeyStatus;

use super::report::Progress;
use crate::addresses::Network;
use crate::chore;
use crate::plan::Plan;
use crate::ssh_key_file::{self, KeyFileError};

const CREATE: &str =
    "have the operator create it: `receiver device add`; or compare device_key with the one they know";

/// Goes through the calls of §3.
pub(super) async fn check(plan: &Plan, network: &dyn Network, progress: &mut Progress<'_>) {
    if !record(plan, progress).await {
        progress.skipped("heartbeat", HEARTBEAT, "the server does not know the device");
        return;
    }
    heartbeat(plan, network, progress).await;
    host_keys(plan, progress).await;
    key(plan, progress).await;
}

const HEARTBEAT: &str = "Heartbeat is accepted (§3.1)";

/// Whether the server knows the device; also when it does not say.
async fn record(plan: &Plan, progress: &mut Progress<'_>) -> bool {
    const KNOWN: &str = "The server knows the device";
    const AUTHORISED: &str = "The device is authorised (§1.2)";
    match plan.client.device(&plan.identity.device_key).await {
        Ok(record) => {
            progress.ok("known", KNOWN, record.device_name.unwrap_or_default());
            if record.authorized {
                progress.ok("authorized", AUTHORISED, "");
            } else {
                let advice = "have the operator do it: `receiver device authorize <device_key>`; until then only \
                              heartbeats are taken";
                progress.failed("authorized", AUTHORISED, "no", advice);
            }
            true
        }
        Err(error) if error.is_not_provisioned() => {
            progress.failed("known", KNOWN, "no: device not provisioned", CREATE);
            false
        }
        Err(error) => {
            // Servers may keep the record to themselves; the heartbeat shows the same.
            progress.skipped("known", KNOWN, format!("the server does not say: {error}"));
            true
        }
    }
}

async fn heartbeat(plan: &Plan, network: &dyn Network, progress: &mut Progress<'_>) {
    let (seen, _) = chore::heartbeat::observe(plan, network).await;
    match chore::heartbeat::send(plan, &seen).await {
        Ok(accepted) => {
            let noted =
                accepted.reply.ip_address.map_or_else(String::new, |address| format!("seen at {address}"));
            let lan =
                seen.lan.map_or_else(|| "no LAN address".to_owned(), |lan| format!("LAN address {lan}"));
            let mac = seen.mac.map_or_else(String::new, |mac| format!(", MAC {mac}"));
            progress.ok("heartbeat", HEARTBEAT, format!("{noted}; {lan}{mac}"));
        }
        Err(error) => {
            let advice = match &error {
                chore::ChoreError::Server(error) => server_advice(error),
                _ => "the message above",
            };
            progress.failed("heartbeat", HEARTBEAT, error.to_string(), advice);
        }
    }
}

fn server_advice(error: &ClientError) -> &'static str {
    match error.refusal().map(|refusal| refusal.status) {
        Some(404) => CREATE,
        Some(401) => {
            "meeting.credential: the server wants a bearer secret, or a signature by a key that it has: \
             `receiver device key set KEY id_ed25519.pub` on the server puts this device's key in force"
        }
        Some(403) => "have the operator authorise the device: `receiver device authorize KEY`",
        Some(429 | 500..=599) => "the server's own log; try again later",
        Some(_) => "whether meeting.url is a Meeting server's; the words above are its own",
        None => "whether the server can be reached from here: see the steps above",
    }
}

async fn host_keys(plan: &Plan, progress: &mut Progress<'_>) {
    const TITLE: &str = "Host keys are fetched, known_hosts is written (§3.2)";
    if !plan.config.known_hosts.enabled {
        return progress.skipped("host_keys", TITLE, "switched off");
    }
    let path = plan.config.known_hosts_path();
    match chore::host_keys::refresh(plan).await {
        Ok(Some(keys)) => progress.ok(
            "host_keys",
            TITLE,
            format!("{} keys, {} new, in {}", keys.offered, keys.added, path.display()),
        ),
        Ok(None) => progress.note(
            "host_keys",
            TITLE,
            "the server has none to give",
            "have the operator name their files: meeting.host_keys in the receiver's settings",
        ),
        Err(error) => {
            let advice = match &error {
                chore::ChoreError::Server(ClientError::Usage(_)) => "https, or meeting.allow_insecure = true",
                chore::ChoreError::Server(error) => server_advice(error),
                chore::ChoreError::Local(_) => {
                    "run as the user of the agent; set known_hosts.file to a place it may write"
                }
                chore::ChoreError::NotTaken(_) => {
                    "known_hosts.hosts, when the lines are about another name; known_hosts.accept_new_keys = true for \
                     one run, when the operator confirms that all keys were changed"
                }
            };
            progress.failed("host_keys", TITLE, error.to_string(), advice);
        }
    }
}

async fn key(plan: &Plan, progress: &mut Progress<'_>) {
    const PRESENT: &str = "The device has an SSH key (§3.3)";
    const PUBLISHED: &str = "The key is published and approved (§3.3)";
    if !plan.config.needs_ssh_key() {
        return progress.skipped("key", PRESENT, "switched off");
    }
    let path = plan.config.ssh_key_path();
    let public = ssh_key_file::load(&path).and_then(|key| Ok((key.public_key()?, key.open_to_others())));
    let ours = match public {
        Ok((public, None)) => {
            progress.ok("key", PRESENT, format!("{} in {}", public.fingerprint(), path.display()));
            public
        }
        Ok((public, Some(mode))) => {
            let found = format!("others can read {} (mode {mode:03o})", path.display());
            progress.note("key", PRESENT, found, format!("chmod 600 {}", path.display()));
            public
        }
        Err(KeyFileError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            progress.note("key", PRESENT, "not yet", "`agent once` or `agent run` makes one");
            return progress.skipped("key_published", PUBLISHED, "there is no key yet");
        }
        Err(error) => {
            progress.failed(
                "key",
                PRESENT,
                error.to_string(),
                "run as the user of the agent; or another ssh_key.file",
            );
            return progress.skipped("key_published", PUBLISHED, "the key cannot be read");
        }
    };
    if !plan.config.ssh_key.publish {
        return progress.skipped("key_published", PUBLISHED, "switched off");
    }
    match state(plan, &ours).await {
        Ok(KeyState::Approved) => progress.ok("key_published", PUBLISHED, ""),
        Ok(KeyState::Pending) => progress.note(
            "key_published",
            PUBLISHED,
            "published; the server keeps it back until the operator approves it",
            "have the operator do it: `receiver device show <device_key>` names the key that waits",
        ),
        Ok(KeyState::Other) => progress.note(
            "key_published",
            PUBLISHED,
            "not yet, or another key is",
            "`agent once` or `agent run` publishes it",
        ),
        Err(error) => progress.failed("key_published", PUBLISHED, error.to_string(), server_advice(&error)),
    }
}

enum KeyState {
    Approved,
    Pending,
    Other,
}

/// What the server has. The record says most; where there is none, the key alone (§3.4).
async fn state(plan: &Plan, ours: &PublicKey) -> Result<KeyState, ClientError> {
    let (client, device_key) = (&plan.client, &plan.identity.device_key);
    let fingerprint = ours.fingerprint();
    if let Ok(record) = client.key_record(device_key).await {
        let same = record.pubkey.as_deref().and_then(|line| PublicKey::parse(line).ok());
        if same.is_some_and(|key| key.same_key(ours)) && record.status != Some(KeyStatus::Revoked) {
            return Ok(KeyState::Approved);
        }
        let waits = record.pending_fingerprint.as_deref() == Some(fingerprint.as_str());
        return Ok(if waits { KeyState::Pending } else { KeyState::Other });
    }
    match client.device_pubkey(device_key).await {
        Ok(theirs) if theirs.same_key(ours) => Ok(KeyState::Approved),
        Ok(_) | Err(ClientError::Malformed(_)) => Ok(KeyState::Other),
        Err(error) if error.is_not_provisioned() => Ok(KeyState::Other),
        Err(error) => Err(error),
    }
}
