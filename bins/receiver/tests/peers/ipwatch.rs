//! The machines: a real receiver, a real broker, and agents by another hand.

mod document;
mod encrypted;
mod ours;
mod page;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::program::{Program, free_port, ours, peer, run_command};

/// What any one step may take. A step that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A receiver that looks after machines, and a Mosquitto with the settings that it wrote.
struct Room {
    url: String,
    config: PathBuf,
    folder: tempfile::TempDir,
    broker: u16,
    passwords: BTreeMap<String, String>,
    /// More flags of `broker-config`, and the receiver's table `[ipwatch.broker.tls]` where it is encrypted.
    flags: Vec<String>,
    tls: Option<String>,
    mosquitto: Option<Program>,
    receiver: Option<Program>,
}

impl Room {
    /// The machines are `(address, name, more flags)`.
    fn open(machines: &[(IpAddr, &str, &[&str])]) -> Self {
        Self::open_with(machines, Vec::new(), None)
    }

    fn open_with(machines: &[(IpAddr, &str, &[&str])], flags: Vec<String>, tls: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, broker, config) = (free_port(), free_port(), folder.path().join("receiver.toml"));
        let url = format!("http://127.0.0.1:{port}");
        let mut room = Self {
            url,
            config,
            folder,
            broker,
            passwords: BTreeMap::new(),
            flags,
            tls,
            mosquitto: None,
            receiver: None,
        };
        room.configure("none yet");
        for (ip, name, more) in machines {
            let ip = ip.to_string();
            let line: Vec<&str> =
                ["device", "add", &ip, name].into_iter().chain(more.iter().copied()).collect();
            room.command(&line);
        }
        room.passwords = room.broker_config();
        room.configure(&room.passwords["ipwatch"]);
        room.start_mosquitto();
        room.start_receiver();
        room
    }

    fn configure(&self, password: &str) {
        let (scheme, tls) = match &self.tls {
            Some(tls) => ("mqtts", format!("[ipwatch.broker.tls]\n{tls}\n")),
            None => ("mqtt", String::new()),
        };
        let text = format!(
            "[http]\nlisten = \"{1}\"\n[database]\npath = \"{0}/receiver.db\"\n[ipwatch]\npath = \"{0}/ipwatch.db\"\n\
             [ipwatch.broker]\naddress = \"{scheme}://127.0.0.1:{2}\"\npassword = \"{password}\"\n{tls}",
            self.folder.path().display(),
            self.url.strip_prefix("http://").unwrap(),
            self.broker,
        );
        std::fs::write(&self.config, text).unwrap();
    }

    /// Writes Mosquitto's files; the passwords that were made.
    fn broker_config(&self) -> BTreeMap<String, String> {
        let (output, listen) = (self.folder.path().join("mosquitto"), format!("127.0.0.1:{}", self.broker));
        let mut line =
            vec!["broker-config", "--output", output.to_str().unwrap(), "--listen", &listen, "--json"];
        line.extend(self.flags.iter().map(String::as_str));
        let made: serde_json::Value = serde_json::from_str(&self.command(&line)).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        made.as_array().unwrap().iter().map(|made| (text(&made["user"]), text(&made["password"]))).collect()
    }

    fn start_mosquitto(&mut self) {
        let folder = self.folder.path().join("mosquitto");
        let written = std::fs::read_to_string(folder.join("ipwatch.conf")).unwrap();
        let config = folder.join("main.conf");
        let store = folder.display();
        // What a distribution's own file says around it.
        let around =
            format!("user root\nlog_dest stderr\npersistence true\npersistence_location {store}/\n{written}");
        std::fs::write(&config, around).unwrap();
        let mut program = Program::start("mosquitto", Command::new(peer("mosquitto")).arg("-c").arg(&config));
        program.wait_for("running", PATIENCE);
        self.mosquitto = Some(program);
    }

    fn start_receiver(&mut self) {
        let mut program =
            Program::start("receiver", ours("receiver").arg("serve").arg("--config").arg(&self.config));
        program.wait_for("connected to the broker", PATIENCE);
        self.receiver = Some(program);
    }

    /// What `receiver ipwatch …` prints.
    fn command(&self, line: &[&str]) -> String {
        run_command(ours("receiver").arg("--config").arg(&self.config).arg("ipwatch").args(line))
    }

    fn key(&self, name: &str, role: &str) -> String {
        self.command(&["keys", "add", name, "--role", role]).trim().to_owned()
    }

    /// The machines as the receiver sees them.
    fn devices(&self) -> BTreeMap<String, serde_json::Value> {
        let rows: Vec<serde_json::Value> =
            serde_json::from_str(&self.command(&["devices", "--json"])).unwrap();
        rows.into_iter().map(|row| (row["ip"].as_str().unwrap().to_owned(), row)).collect()
    }

    /// Waits until a machine is seen so.
    fn wait_for(&self, ip: IpAddr, availability: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.devices()[&ip.to_string()]["availability"] != availability {
            assert!(Instant::now() < deadline, "{ip} is not {availability}: {:?}", self.devices());
        }
    }

    /// The document's agent, by another hand, with this machine's own user.
    fn agent(&self, ip: IpAddr, hostname: &str, more: &[&str]) -> Program {
        let user = ip.to_string().replace(':', "-");
        let mut program = self.agent_as(&user, ip, hostname, more);
        program.wait_for("connected: Success", PATIENCE);
        program
    }

    fn agent_as(&self, user: &str, ip: IpAddr, hostname: &str, more: &[&str]) -> Program {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/ipwatch/agent.py");
        let mut command = Command::new(python());
        let (port, ip) = (self.broker.to_string(), ip.to_string());
        command.arg(script).args([&port, &ip, user, &self.passwords[user], hostname]).args(more);
        Program::start(hostname, &mut command)
    }
}

/// Where `.ci/run` puts Python's packages.
fn python() -> PathBuf {
    let cache = std::env::var_os("CI_CACHE").map(PathBuf::from).unwrap_or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache");
        cache.unwrap_or_else(home).join("meeting-ci")
    });
    let path = cache.join("venv/bin/python");
    assert!(path.exists(), "{} is missing; .ci/run installs it", path.display());
    path
}
