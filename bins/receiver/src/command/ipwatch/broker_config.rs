//! `receiver ipwatch broker-config`: Mosquitto's settings for the machines: a user each, and who may say what.
//!
//! The document's own list lets every agent speak for every machine, and keeps the answers from its backend. Here each machine has a user that
//! may speak for its own address only (threat M3), and the backend hears what it has to hear.
//!
//! Source: ipwatch §5.1, §5.3. Choice: IM-112.

mod password;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use daemon::cli::Table;
use daemon::exit::{Exit, Failure};
use ipwatch_mqtt::Leaf;
use ipwatch_mqtt::server::SqlStore;
use ipwatch_mqtt::server::store::Devices;
use serde::Serialize;

use super::database;
use crate::command::listing::Json;
use crate::config::IpWatch;

/// Home Assistant's user.
const HOME_ASSISTANT: &str = "homeassistant";

/// Writes Mosquitto's files into a folder: `passwd`, `acl`, and `ipwatch.conf`, which names them.
///
/// Users that have a password keep it; those that are new are given one, which is shown this once. Users of machines that are retired lose theirs.
/// Mosquitto reads the files again on SIGHUP.
#[derive(Debug, Args)]
pub struct BrokerConfig {
    /// The folder; it is made if it is not there
    #[arg(long, value_name = "FOLDER")]
    output: PathBuf,
    /// Give this user a new password; as often as there are such users
    #[arg(long, value_name = "USER")]
    renew: Vec<String>,
    /// A user for Home Assistant, which sees all machines and may switch them
    #[arg(long)]
    home_assistant: bool,
    /// Where Mosquitto listens, such as 0.0.0.0:8883
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:1883")]
    listen: std::net::SocketAddr,
    /// PEM file with Mosquitto's certificate; with it and --key it takes TLS only
    #[arg(long, value_name = "FILE", requires = "key")]
    certificate: Option<PathBuf>,
    /// PEM file with the key of --certificate
    #[arg(long, value_name = "FILE", requires = "certificate")]
    key: Option<PathBuf>,
    /// PEM file with the authority of the agents' certificates; then each must show one
    #[arg(long, value_name = "FILE", requires = "certificate")]
    client_ca: Option<PathBuf>,
    #[command(flatten)]
    json: Json,
}

/// A password that was made.
#[derive(Serialize)]
struct Made {
    user: String,
    /// The machine that it is for; none for the receiver and Home Assistant.
    ip: Option<IpAddr>,
    password: String,
}

/// Everybody who may connect: the machine that a user speaks for, if it is one's.
type Users = BTreeMap<String, Option<IpAddr>>;

impl BrokerConfig {
    pub(super) async fn run(
        self,
        settings: &IpWatch,
        store: &SqlStore,
        width: Option<usize>,
    ) -> Result<String, Failure> {
        let users = self.users(settings, store).await?;
        if let Some(stranger) = self.renew.iter().find(|user| !users.contains_key(*user)) {
            return Err(Failure::new(Exit::Failed, format!("there is no user {stranger}"))
                .advise("`receiver ipwatch devices --json` shows the machines' users"));
        }
        let folder = std::path::absolute(&self.output)
            .map_err(|error| Failure::io(format!("folder {}", self.output.display()), error))?;
        std::fs::create_dir_all(&folder)
            .map_err(|error| Failure::io(format!("cannot make the folder {}", folder.display()), error))?;
        let (passwords, made) = self.passwords(&folder.join("passwd"), &users)?;
        for (name, text) in [
            ("passwd", passwords),
            ("acl", acl(&settings.broker.user, &users)),
            ("ipwatch.conf", self.configuration(&folder)),
        ] {
            let path = folder.join(name);
            replace(&path, &text)
                .map_err(|error| Failure::io(format!("cannot write {}", path.display()), error))?;
        }
        self.json.listing(&made, width, |made| {
            let mut table = Table::new(["USER", "MACHINE", "PASSWORD, SHOWN THIS ONCE"])
                .when_empty("Written; every user has a password already.");
            for Made { user, ip, password } in made {
                table.row([user.clone(), ip.map(|ip| ip.to_string()).unwrap_or_default(), password.clone()]);
            }
            table
        })
    }

    async fn users(&self, settings: &IpWatch, store: &SqlStore) -> Result<Users, Failure> {
        let mut users = Users::from([(settings.broker.user.clone(), None)]);
        if self.home_assistant {
            users.insert(HOME_ASSISTANT.to_owned(), None);
        }
        for device in store.devices().await.map_err(database)? {
            if device.retired_at.is_some() {
                continue;
            }
            let user = device.user.unwrap_or_else(|| user_of(device.address));
            if let Some(other) = users.insert(user.clone(), Some(device.address)) {
                let other = other.map_or_else(|| "the receiver".to_owned(), |ip| ip.to_string());
                let words = format!("{} and {other} have one user, {user}", device.address);
                return Err(Failure::new(Exit::Failed, words)
                    .advise("give each machine a user of its own: `receiver ipwatch device add`"));
            }
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        match users.keys().find(|user| user.is_empty() || !user.chars().all(plain)) {
            None => Ok(users),
            Some(odd) => Err(Failure::new(Exit::Failed, format!("{odd:?} can be no user of Mosquitto"))
                .advise("a user is made of letters, digits, dots and dashes")),
        }
    }

    /// The password file with those who have one already, and what was made for the others.
    fn passwords(&self, path: &Path, users: &Users) -> Result<(String, Vec<Made>), Failure> {
        let before = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Failure::io(path.display().to_string(), error)),
        };
        let kept: BTreeMap<&str, &str> = before.lines().filter_map(|line| line.split_once(':')).collect();
        let (mut text, mut made) = (String::new(), Vec::new());
        for (user, ip) in users {
            let hash = match kept.get(user.as_str()) {
                Some(hash) if !self.renew.contains(user) => (*hash).to_owned(),
                _ => {
                    let (password, hash) =
                        password::mint().map_err(|error| Failure::io("no random numbers", error))?;
                    made.push(Made { user: user.clone(), ip: *ip, password });
                    hash
                }
            };
            let _ = writeln!(text, "{user}:{hash}");
        }
        Ok((text, made))
    }

    fn configuration(&self, folder: &Path) -> String {
        let mut text = format!(
            "# Written by `receiver ipwatch broker-config`; `include_dir` or `mosquitto -c` names this file.\n\
             per_listener_settings false\nallow_anonymous false\npassword_file {0}/passwd\nacl_file {0}/acl\n\
             max_packet_size 65536\n\nlistener {1} {2}\n",
            folder.display(),
            self.listen.port(),
            self.listen.ip(),
        );
        if let (Some(certificate), Some(key)) = (&self.certificate, &self.key) {
            let _ = writeln!(text, "certfile {}\nkeyfile {}", certificate.display(), key.display());
        }
        if let Some(authority) = &self.client_ca {
            let _ = writeln!(text, "cafile {}\nrequire_certificate true", authority.display());
        }
        text
    }
}

/// The usual user of a machine: its address, where a password file takes no colon.
pub(super) fn user_of(address: IpAddr) -> String {
    address.to_string().replace(':', "-")
}

/// Who may say and hear what.
fn acl(backend: &str, users: &Users) -> String {
    let mut text = String::from("# Written by `receiver ipwatch broker-config`.\n");
    let mut rules = |user: &str, rules: &[(&str, String)]| {
        let _ = writeln!(text, "\nuser {user}");
        for (access, topic) in rules {
            let _ = writeln!(text, "topic {access} {topic}");
        }
    };
    let told = [Leaf::Status, Leaf::Availability, Leaf::Response];
    for (user, ip) in users {
        let Some(ip) = ip else {
            let mut all: Vec<_> = told.map(|leaf| ("read", leaf.filter())).into();
            all.push(("write", Leaf::Command.filter()));
            if user == backend {
                // A machine that is retired leaves nothing behind.
                all.push(("write", Leaf::Availability.filter()));
            }
            if user == HOME_ASSISTANT && user != backend {
                all.extend([
                    ("read", "homeassistant/#".to_owned()),
                    ("write", "homeassistant/status".to_owned()),
                ]);
            }
            rules(user, &all);
            continue;
        };
        let topic = |leaf| ipwatch_mqtt::Topic::Device(*ip, leaf).to_string();
        let mut own: Vec<_> = told.map(|leaf| ("write", topic(leaf))).into();
        own.push(("write", format!("{}/gz", topic(Leaf::Status))));
        own.push(("read", topic(Leaf::Command)));
        own.push(("read", "homeassistant/status".to_owned()));
        // What it announces of itself: ids have neither dots nor colons.
        let id = ip.to_string().replace(['.', ':'], "_");
        own.push(("write", format!("homeassistant/+/ipwatch_{id}/#")));
        rules(user, &own);
    }
    text
}

/// In one step, so that nobody reads half of it; for the owner and the group.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let fresh = path.with_extension("new");
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o640).open(&fresh)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o640))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_speaks_for_itself_and_the_backend_hears_all() {
        let users = Users::from([
            ("ipwatch".to_owned(), None),
            ("192.0.2.7".to_owned(), Some("192.0.2.7".parse().unwrap())),
            ("2001-db8--7".to_owned(), Some("2001:db8::7".parse().unwrap())),
        ]);
        let text = acl("ipwatch", &users);
        let block = |user: &str| {
            let (_, rest) = text.split_once(&format!("\nuser {user}\n")).unwrap();
            rest.split("\nuser ").next().unwrap().trim().lines().collect::<Vec<_>>()
        };
        assert_eq!(
            block("ipwatch"),
            [
                "topic read ipwatch/device/+/status",
                "topic read ipwatch/device/+/availability",
                "topic read ipwatch/device/+/response",
                "topic write ipwatch/device/+/command",
                "topic write ipwatch/device/+/availability",
            ]
        );
        assert_eq!(
            block("192.0.2.7"),
            [
                "topic write ipwatch/device/192.0.2.7/status",
                "topic write ipwatch/device/192.0.2.7/availability",
                "topic write ipwatch/device/192.0.2.7/response",
                "topic write ipwatch/device/192.0.2.7/status/gz",
                "topic read ipwatch/device/192.0.2.7/command",
                "topic read homeassistant/status",
                "topic write homeassistant/+/ipwatch_192_0_2_7/#",
            ]
        );
        assert!(block("2001-db8--7").contains(&"topic read ipwatch/device/2001:db8::7/command"));
    }
}
