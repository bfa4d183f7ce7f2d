//! Published keys as lines for sshd's `AuthorizedKeysCommand`.

use std::fmt::Write;

use super::store::{KeyRecord, KeyStatus};
use crate::PublicKey;

/// The options in front of each key.
///
/// `restrict` always: no forwarding, no terminal, no agent, no rc file. By default the key can do nothing but log in:
/// the forced command is `/usr/sbin/nologin`, which says so and ends.
///
/// Choice: MA-61.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizedKeysOptions {
    command: String,
    port_forwarding: bool,
}

impl Default for AuthorizedKeysOptions {
    fn default() -> Self {
        Self { command: "/usr/sbin/nologin".to_owned(), port_forwarding: false }
    }
}

impl AuthorizedKeysOptions {
    /// Runs this command, whatever the device asks for. `{device_key}` in it becomes the device's key, which needs no
    /// quoting.
    ///
    /// # Errors
    /// [`InvalidCommand`] when it is empty, holds a control character, or a backslash before a quote or at its end.
    pub fn with_command(mut self, command: impl Into<String>) -> Result<Self, InvalidCommand> {
        self.command = command.into();
        // In front of a quote, sshd reads a backslash as part of an escape.
        let escapes = self.command.ends_with('\\') || self.command.contains("\\\"");
        if self.command.trim().is_empty() || self.command.contains(char::is_control) || escapes {
            return Err(InvalidCommand);
        }
        Ok(self)
    }

    /// Lets devices forward ports, for reverse tunnels by ssh itself. sshd's `PermitListen` and `PermitOpen` say which.
    #[must_use]
    pub fn with_port_forwarding(mut self, allowed: bool) -> Self {
        self.port_forwarding = allowed;
        self
    }
}

/// The command cannot stand in an authorized_keys line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a forced command is one line of text, without a backslash before a quote or at its end")]
pub struct InvalidCommand;

/// The authorized_keys lines of the keys that count: authorised, not withdrawn, of devices which the operator let in, and
/// of use at `user` (`None` leaves that out). A stored line that no longer parses is left out.
#[must_use]
pub fn authorized_keys(records: &[KeyRecord], user: Option<&str>, options: &AuthorizedKeysOptions) -> String {
    let counts = |record: &&KeyRecord| {
        let meant = match (user, &record.ssh_user) {
            (Some(user), Some(only)) => user == only,
            _ => true,
        };
        meant && record.status == KeyStatus::Authorized && record.device_authorized
    };
    let mut lines = String::new();
    for record in records.iter().filter(counts) {
        let Ok(key) = PublicKey::parse(&record.pubkey) else { continue };
        let device = record.device_key.as_str();
        let command = quoted(&options.command.replace("{device_key}", device));
        let forwarding = if options.port_forwarding { "port-forwarding," } else { "" };
        // Writing to a String cannot fail.
        let _ = writeln!(
            lines,
            "restrict,{forwarding}command={command} {} meeting:{device}",
            key.without_comment()
        );
    }
    lines
}

/// A text in the quotes of authorized_keys, in which only the quote itself is escaped.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\\\""))
}
