//! The keys that the agent keeps: the device's own, the server's host keys, the server's public key.

use std::path::PathBuf;

use daemon::config::Period;
use serde::{Deserialize, Serialize};

/// `[ssh_key]`: the device's own key (§3.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SshKeySettings {
    /// The private key in OpenSSH's format; made when absent. Default: `id_ed25519` in the state directory.
    pub file: PathBuf,
    /// Whether the public half is published. Default: yes.
    pub publish: bool,
    /// How often the server's copy is compared with ours. Default 6 h; 1 m or more.
    pub check_every: Period,
}

impl Default for SshKeySettings {
    fn default() -> Self {
        Self { file: "id_ed25519".into(), publish: true, check_every: Period::from_secs(6 * 3600) }
    }
}

/// `[known_hosts]`: the server's host keys (§3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KnownHostsSettings {
    /// Whether the file is kept fresh. Default: yes.
    pub enabled: bool,
    /// The file. Default: `known_hosts` in the state directory.
    pub file: PathBuf,
    /// The hosts that the server's lines may be about: `name`, or `[name]:port`. Default: the host of `meeting.url`.
    pub hosts: Vec<String>,
    /// Takes new keys although none of the old ones is among them. Default: no, which is what protects against a
    /// server that was replaced (R4); switch it on for the one run in which a change is expected.
    pub accept_new_keys: bool,
    /// Time between refreshes. Default 1 h; 1 m or more.
    pub refresh_every: Period,
}

impl Default for KnownHostsSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            file: "known_hosts".into(),
            hosts: Vec::new(),
            accept_new_keys: false,
            refresh_every: Period::from_secs(3600),
        }
    }
}

/// `[server_key]`: lets the server log in to the device. Off unless asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerKeySettings {
    /// Whether the server's public key is kept in `file`. Default: no.
    pub install: bool,
    /// The `authorized_keys` file; an absolute path. Required with `install`.
    pub file: Option<PathBuf>,
    /// sshd's options for the line, such as `restrict,pty`. Default: none.
    pub options: String,
    /// Accept this key only, `SHA256:…`. Default: whatever the server shows.
    pub fingerprint: Option<String>,
    /// Time between refreshes. Default 6 h; 1 m or more.
    pub refresh_every: Period,
}

impl Default for ServerKeySettings {
    fn default() -> Self {
        Self {
            install: false,
            file: None,
            options: String::new(),
            fingerprint: None,
            refresh_every: Period::from_secs(6 * 3600),
        }
    }
}
