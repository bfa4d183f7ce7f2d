//! The server's own host keys, as `GET /api/ssh-hostkey` gives them.

use crate::endpoint::ssh_hostkey::{MAX_KEYS, MAX_REPLY_BYTES};
use crate::{PublicKey, PublicKeyRefused};

/// Makes the lines of `GET /api/ssh-hostkey` out of public keys: `host type key`, one line each, as `ssh-keyscan` has it.
///
/// `keys` holds one key a line, either alone (as in `/etc/ssh/ssh_host_*_key.pub`) or after a host name (as
/// `ssh-keyscan` prints it). Every key is parsed and written back; comments are dropped, and so are empty lines and
/// those that begin with `#`. A host name in front of a key is replaced by `host`.
///
/// # Errors
/// [`HostKeysRefused`] names the line that is no key, or says what is wrong with the whole.
///
/// Source: meeting §3.2. Choice: MA-67.
pub fn host_key_lines(host: &str, keys: &str) -> Result<String, HostKeysRefused> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    if host.is_empty() || host.len() > 255 || !host.bytes().all(allowed) {
        return Err(HostKeysRefused::Host);
    }
    let mut lines = String::new();
    let mut count = 0;
    for (index, line) in keys.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let after_host = line.split_once(' ').map(|(_, key)| PublicKey::parse(key));
        let key = match (PublicKey::parse(line), after_host) {
            (Ok(key), _) | (_, Some(Ok(key))) => key,
            (Err(reason), _) => return Err(HostKeysRefused::Line { number: index + 1, reason }),
        };
        count += 1;
        lines.push_str(&format!("{host} {}\n", key.without_comment()));
    }
    if count > MAX_KEYS || lines.len() > MAX_REPLY_BYTES {
        return Err(HostKeysRefused::TooMany);
    }
    Ok(lines)
}

/// Why the host keys are not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostKeysRefused {
    /// The host is not a name or an address as known_hosts has it.
    #[error("the host of the host keys is a name, an address, or [name]:port")]
    Host,
    /// A line is no key.
    #[error("line {number}: {reason}")]
    Line {
        /// Which line, from 1.
        number: usize,
        /// What is wrong with it.
        reason: PublicKeyRefused,
    },
    /// More than 16 keys or 64 KiB.
    #[error("more than 16 host keys")]
    TooMany,
}
