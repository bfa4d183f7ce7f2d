//! `agent init`: a configuration file to start from.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use daemon::exit::{Exit, Failure};
use meeting_api::DeviceKey;

/// The text of a starter file: what must be said, and what people most often want to say.
#[must_use]
pub fn starter(server: &str, device_key: Option<&DeviceKey>, proxy: Option<&str>) -> String {
    let server = toml::Value::String(server.to_owned());
    let device_key = match device_key {
        Some(key) => format!("device_key = \"{key}\""),
        None => "# device_key = \"…\"   # default: that of /etc/meeting/device_info.json".to_owned(),
    };
    let proxy = match proxy {
        Some(host) => format!("host = {}", toml::Value::String(host.to_owned())),
        None => "# host = \"proxy.example.org\"   # default: the host of meeting.url".to_owned(),
    };
    format!(
        "\
# Settings of the agent. All keys with their defaults: docs/agent.example.toml.
# Next: put the token into place, then run `agent check`.

# The device's name on the Meeting server.
{device_key}

# The token of the tunnel: the device's token_code on the Meeting server. Without one there is no tunnel.
# token = {{ file = \"/etc/meeting/token\" }}

# The only local ports that the tunnel may reach.
[services]
ssh = 22

[meeting]
url = {server}

[tunnel]
{proxy}
# tls = true
"
    )
}

/// Writes the starter file, readable by its owner alone because a token may come to stand in it.
///
/// # Errors
/// The file exists already, or cannot be written.
pub fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    let open = options.write(true).create_new(true).mode(0o600).open(path);
    let written = open.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Failure::new(Exit::Io, format!("{} is there already; nothing was written", path.display()))
                .advise("another file with --output, or `--output -` to see the text")
        }
        io::ErrorKind::NotFound => Failure::io(format!("cannot write {}", path.display()), error)
            .advise("make the directory first, or another place with --output"),
        _ => Failure::io(format!("cannot write {}", path.display()), error),
    })
}

#[cfg(test)]
mod tests {
    use daemon::config::Settings;

    use super::*;
    use crate::config::Config;

    fn parsed(text: &str) -> Config {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("agent.toml");
        write(&path, text).unwrap();
        Settings::new("AGENT").file(path).load::<Config>().unwrap().settings
    }

    #[test]
    fn the_starter_is_a_configuration_with_what_was_given() {
        let key: DeviceKey = "0123456789abcdef".parse().unwrap();
        let config = parsed(&starter("https://meeting.example.org", Some(&key), Some("proxy.example.org")));
        assert_eq!(config.device_key, Some(key));
        assert_eq!(config.meeting.url.as_deref(), Some("https://meeting.example.org"));
        assert_eq!(config.tunnel.host.as_deref(), Some("proxy.example.org"));
        assert_eq!(config.problem(), None);

        let config = parsed(&starter("https://a\"b\\.example.org", None, None));
        assert_eq!(config.meeting.url.as_deref(), Some("https://a\"b\\.example.org"));
        assert_eq!(config.device_key, None);
    }

    #[test]
    fn a_file_that_is_there_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("agent.toml");
        std::fs::write(&path, "mine").unwrap();
        let failure = write(&path, "new").unwrap_err();
        assert!(failure.to_string().contains("is there already"), "{failure}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    }
}
