//! `[meeting]`: what the operator decides about the Meeting API.

use std::path::{Path, PathBuf};

use daemon::config::{Period, PortRange};
use meeting_api::PublicKey;
use meeting_api::endpoint::server_pubkey::ServerPubkey;
use meeting_api::server::{AddressRange, AuthorizedKeysOptions, DeviceAuth, Settings, host_key_lines};
use serde::{Deserialize, Serialize};

use super::Problem;

/// A host key file larger than this is none: 64 KiB.
const MAX_KEY_FILE_BYTES: u64 = 64 * 1024;

/// What the operator decides about the Meeting API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Meeting {
    /// Whether devices must prove who they are. Default `compatible`: as the document has it, no.
    pub device_credentials: DeviceCredentials,
    /// Whether `X-Token-Code` with the device's token counts as its credential. Default false: it has 24 bits only.
    pub accept_token_code: bool,
    /// Whether anybody may read the list of tunnels. Default true, as in the field; else proxies and operators may.
    pub tunnels_open: bool,
    /// How long a heartbeat keeps a device online. Default 150 s.
    pub online_window: Period,
    /// The public ports that are given out. Default 9050-9130.
    pub ports: PortRange,
    /// How long a port stays reserved without being asked for again. Default 24 h.
    pub reservation: Period,
    /// The host name of the proxy, for the URLs that people are shown. Default `localhost`.
    pub tunnel_host: String,
    /// Reverse proxies that are believed about `X-Forwarded-For`, as addresses or CIDR ranges. Default: none.
    pub trusted_proxies: Vec<String>,
    /// Failed credentials that one source may show in 15 minutes. Default 20.
    pub max_failures: u32,
    /// The SSH host keys that devices are given (meeting §3.2).
    pub host_keys: HostKeys,
    /// The SSH public key that devices may let in. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_pubkey: Option<ServerPubkeyFile>,
    /// What `receiver authorized-keys` prints in front of each key.
    pub authorized_keys: AuthorizedKeys,
}

/// Whether devices must prove who they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceCredentials {
    /// Whoever knows a device key may report for it.
    #[default]
    Compatible,
    /// A secret, or a signature by the device's SSH key, with every call.
    Required,
}

/// The SSH host keys that devices are given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HostKeys {
    /// The host they are for: a name, an address, or `[name]:port`. Required with `files`.
    pub host: String,
    /// Files with public keys, such as `/etc/ssh/ssh_host_ed25519_key.pub`. Default: none, and the answer is 404.
    pub files: Vec<PathBuf>,
}

/// The SSH public key that devices may let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerPubkeyFile {
    /// The file with the public key.
    pub file: PathBuf,
    /// The server's name, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What the key is for, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
}

/// What `receiver authorized-keys` prints in front of each key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthorizedKeys {
    /// The command that a device's login runs; `{device_key}` in it becomes the device's key. Default: one that says no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Whether a device may forward ports by ssh itself. Default false.
    pub port_forwarding: bool,
}

impl Default for Meeting {
    fn default() -> Self {
        let defaults = Settings::default();
        Self {
            device_credentials: DeviceCredentials::Compatible,
            accept_token_code: defaults.accept_token_code,
            tunnels_open: defaults.tunnels_open,
            online_window: defaults.online_window.into(),
            ports: PortRange::TUNNELS,
            reservation: defaults.reservation.into(),
            tunnel_host: defaults.tunnel_host,
            trusted_proxies: Vec::new(),
            max_failures: defaults.max_failures,
            host_keys: HostKeys::default(),
            server_pubkey: None,
            authorized_keys: AuthorizedKeys::default(),
        }
    }
}

fn problem(key: &str, message: impl ToString) -> Problem {
    Problem { key: format!("meeting.{key}"), message: message.to_string() }
}

impl Meeting {
    /// What the Meeting server is told; key files are read now.
    ///
    /// # Errors
    /// A [`Problem`] names the value that cannot be used.
    pub fn settings(&self) -> Result<Settings, Problem> {
        let mut settings = Settings::default();
        settings.device_auth = match self.device_credentials {
            DeviceCredentials::Compatible => DeviceAuth::Compatible,
            DeviceCredentials::Required => DeviceAuth::Required,
        };
        settings.accept_token_code = self.accept_token_code;
        settings.tunnels_open = self.tunnels_open;
        settings.online_window = self.online_window.duration();
        settings.ports = self.ports.ports();
        settings.reservation = self.reservation.duration();
        settings.tunnel_host.clone_from(&self.tunnel_host);
        settings.trusted_proxies = self
            .trusted_proxies
            .iter()
            .map(|text| text.parse::<AddressRange>())
            .collect::<Result<_, _>>()
            .map_err(|error| problem("trusted_proxies", error))?;
        settings.max_failures = self.max_failures;
        settings.host_keys = self.host_keys.lines()?;
        settings.server_pubkey = self.server_pubkey.as_ref().map(ServerPubkeyFile::read).transpose()?;
        self.authorized_keys.options()?;
        if self.online_window.duration().is_zero() {
            return Err(problem("online_window", "must be longer than nothing"));
        }
        Ok(settings)
    }
}

impl HostKeys {
    fn lines(&self) -> Result<String, Problem> {
        if self.files.is_empty() {
            return Ok(String::new());
        }
        let mut keys = String::new();
        for file in &self.files {
            keys.push_str(&read_key_file("host_keys.files", file)?);
            keys.push('\n');
        }
        host_key_lines(&self.host, &keys).map_err(|error| problem("host_keys", error))
    }
}

impl ServerPubkeyFile {
    fn read(&self) -> Result<ServerPubkey, Problem> {
        let text = read_key_file("server_pubkey.file", &self.file)?;
        let key = PublicKey::parse(text.trim_end()).map_err(|error| problem("server_pubkey.file", error))?;
        Ok(ServerPubkey {
            pubkey: key.to_string(),
            fingerprint: Some(key.fingerprint()),
            host: self.host.clone(),
            generated_at: None,
            usage: self.usage.clone(),
        })
    }
}

impl AuthorizedKeys {
    /// The options in front of each key.
    ///
    /// # Errors
    /// A [`Problem`] when the command cannot stand in an `authorized_keys` line.
    pub fn options(&self) -> Result<AuthorizedKeysOptions, Problem> {
        let options = AuthorizedKeysOptions::default().with_port_forwarding(self.port_forwarding);
        match &self.command {
            Some(command) => {
                options.with_command(command).map_err(|error| problem("authorized_keys.command", error))
            }
            None => Ok(options),
        }
    }
}

fn read_key_file(key: &str, path: &Path) -> Result<String, Problem> {
    let wrong = |what: String| problem(key, format!("{}: {what}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
    if size > MAX_KEY_FILE_BYTES {
        return Err(wrong("is larger than 64 KiB".into()));
    }
    std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))
}
