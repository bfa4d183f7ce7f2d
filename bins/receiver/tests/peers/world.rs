//! A receiver, a proxy and agents as an operator would set them up, on loopback and in a folder of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::{Program, free_port, ours, peer, run_command};

/// What any one step may take. A step that takes longer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The device's name in these tests.
pub(crate) const DEVICE: &str = "0123456789abcdef0123456789abcdef";
const TOKEN: &str = "9c21ab";
const CLOCK: &str = "clock";

/// Everything that runs. Dropping it kills it all.
pub(crate) struct World {
    folder: tempfile::TempDir,
    api_port: u16,
    control_port: u16,
    public_port: u16,
    operator: String,
    streams: usize,
    pub(crate) receiver: Program,
    pub(crate) proxy: Program,
    pub(crate) agent: Option<Program>,
}

impl World {
    /// A receiver and a proxy, and no device yet.
    pub(crate) fn start() -> Self {
        Self::start_with_streams(256)
    }

    /// The same, with room for so many visitors at once.
    pub(crate) fn start_with_streams(streams: usize) -> Self {
        Self::start_with(streams, |_| {})
    }

    /// The same, with a receiver whose wall clock is off by what [`World::set_clock`] says.
    pub(crate) fn start_with_clock() -> Self {
        Self::start_with(256, fake_clock)
    }

    /// From now on the receiver's wall clock is off by this much, such as `+1d`.
    pub(crate) fn set_clock(&self, offset: &str) {
        write(&self.folder().join(CLOCK), offset);
    }

    fn start_with(streams: usize, prepare: impl Fn(&mut Command)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (api_port, control_port, public_port) = (free_port(), free_port(), free_port());
        write(
            &folder.path().join("receiver.toml"),
            &format!(
                "[http]\nlisten = \"127.0.0.1:{api_port}\"\n[database]\npath = \"{}\"\n\
                 [meeting]\nports = \"{public_port}\"\n[log]\nlevel = \"debug\"\n",
                folder.path().join("receiver.db").display()
            ),
        );
        write(&folder.path().join(CLOCK), "+0");
        let mut command = program("receiver", folder.path());
        command.current_dir(folder.path());
        prepare(&mut command);
        let mut receiver = Program::start("receiver", &mut command);
        receiver.wait_for("listening", PATIENCE);
        let operator = fs::read_to_string(folder.path().join("operator.secret")).unwrap().trim().to_owned();
        let secret =
            call(api_port, &operator, "POST", "/api/tokens", &json!({"role": "proxy", "name": "edge"}));
        let secret = secret["token"].as_str().unwrap().to_owned();
        write(
            &folder.path().join("proxy.toml"),
            &format!(
                "[control]\nlisten = \"127.0.0.1:{control_port}\"\n\
                 [meeting]\nurl = \"http://127.0.0.1:{api_port}\"\nsecret = \"{secret}\"\npoll_interval = \"500ms\"\n\
                 [tunnels]\nports = \"{public_port}\"\nmax_visitors_per_device = {streams}\n\
                 max_visitors_per_source = {streams}\n[shutdown]\ngrace = \"1s\"\n"
            ),
        );
        let mut proxy = start("proxy", folder.path());
        proxy.wait_for("agents connect here", PATIENCE);
        Self { folder, api_port, control_port, public_port, operator, streams, receiver, proxy, agent: None }
    }

    /// Where tests and programs keep things.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Provisions the device, starts its agent, publishes this local port, and waits until visitors can come.
    pub(crate) fn device_with_service(&mut self, service: &str, local_port: u16) -> u16 {
        let device = json!({
            "device_key": DEVICE, "authorized": true, "token_code": TOKEN, "token_count": 1,
        });
        self.operate("POST", "/api/devices/manual-create", &device);
        self.agent = Some(self.start_agent("agent", service, local_port));
        self.agent.as_mut().unwrap().wait_for("first heartbeat accepted", PATIENCE);
        let path = format!("/api/devices/{DEVICE}/service?permanent=1&local_port={local_port}");
        let granted = self.operate("POST", &path, &json!({"service": service}));
        assert_eq!(granted["port"].as_u64(), Some(u64::from(self.public_port)), "{granted}");
        self.proxy.wait_for("tunnel up", PATIENCE);
        self.public_port
    }

    /// An agent of the device, with its own folder.
    pub(crate) fn start_agent(&self, name: &str, service: &str, local_port: u16) -> Program {
        let state = self.folder().join(name);
        fs::create_dir_all(&state).unwrap();
        write(
            &self.folder().join(format!("{name}.toml")),
            &format!(
                "device_key = \"{DEVICE}\"\ntoken = \"{TOKEN}\"\nstate_directory = \"{state}\"\n\
                 [meeting]\nurl = \"http://127.0.0.1:{api}\"\nheartbeat_every = \"5s\"\n\
                 [tunnel]\nhost = \"127.0.0.1\"\nport = {control}\nmax_connections = {streams}\n\
                 [services]\n{service} = {local_port}\n[known_hosts]\nenabled = false\n[log]\nlevel = \"agent=debug\"\n",
                state = state.display(),
                api = self.api_port,
                control = self.control_port,
                streams = self.streams,
            ),
        );
        let mut command = ours("agent");
        command.args(["--config"]).arg(self.folder().join(format!("{name}.toml")));
        Program::start(name, &mut command)
    }

    /// Starts a killed receiver again, on the same port and database.
    pub(crate) fn restart_receiver(&mut self) {
        self.receiver = start("receiver", self.folder.path());
        self.receiver.wait_for("listening", PATIENCE);
    }

    /// Starts a killed proxy again.
    pub(crate) fn restart_proxy(&mut self) {
        self.proxy = start("proxy", self.folder.path());
        self.proxy.wait_for("agents connect here", PATIENCE);
    }

    /// A call with the operator's secret; it must succeed.
    pub(crate) fn operate(&self, method: &str, path: &str, body: &Value) -> Value {
        call(self.api_port, &self.operator, method, path, body)
    }

    /// The status code that a heartbeat of the device gets.
    pub(crate) fn heartbeat_status(&self) -> String {
        run_command(Command::new(peer("curl")).args([
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "-X",
            "POST",
            "-d",
            "{}",
            &format!("http://127.0.0.1:{}/api/devices/{DEVICE}/online", self.api_port),
        ]))
    }

    /// The path of the receiver's database.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder().join("receiver.db")
    }
}

fn start(name: &str, folder: &Path) -> Program {
    Program::start(name, &mut program(name, folder))
}

fn program(name: &str, folder: &Path) -> Command {
    let mut command = ours(name);
    command.arg("--config").arg(folder.join(format!("{name}.toml")));
    command
}

/// Puts libfaketime between a program and its wall clock; it reads the offset from a file in the working directory.
fn fake_clock(command: &mut Command) {
    let library = ["x86_64", "aarch64"]
        .map(|machine| PathBuf::from(format!("/usr/lib/{machine}-linux-gnu/faketime/libfaketime.so.1")))
        .into_iter()
        .find(|path| path.exists())
        .expect("libfaketime is not installed; .ci/run installs it");
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", CLOCK)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .env("DONT_FAKE_MONOTONIC", "1");
}

fn call(port: u16, secret: &str, method: &str, path: &str, body: &Value) -> Value {
    let answer = run_command(Command::new(peer("curl")).args([
        "-sS",
        "--fail-with-body",
        "-X",
        method,
        "-H",
        "Content-Type: application/json",
        "-H",
        &format!("Authorization: Bearer {secret}"),
        "-d",
        &body.to_string(),
        &format!("http://127.0.0.1:{port}{path}"),
    ]));
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{method} {path}: {error}: {answer}"))
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
}

/// Bytes that look random and are the same every time.
pub(crate) fn pseudo_random(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ length as u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}
