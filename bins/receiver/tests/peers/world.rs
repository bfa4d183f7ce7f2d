//! A receiver, a proxy and agents as an operator would set them up, on loopback and in a folder of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::authority::Authority;
use crate::program::{Program, free_port, ours, peer, run_command};

/// What any one step may take. A step that takes longer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The device's name in these tests.
pub(crate) const DEVICE: &str = "0123456789abcdef0123456789abcdef";
/// The device's token.
pub(crate) const TOKEN: &str = "9c21ab";
const CLOCK: &str = "clock";
const TRACE: &str = "syncs";

/// What differs from a receiver and a proxy on plain connections and SQLite.
#[derive(Default)]
pub(crate) struct Setup {
    /// Settings over those of the files, as `key=value`.
    pub(crate) receiver: Vec<String>,
    pub(crate) proxy: Vec<String>,
    pub(crate) agent: Vec<String>,
    /// Visitors that a device may have at once; 256 if not set.
    pub(crate) streams: Option<usize>,
    /// TLS everywhere, with certificates from here.
    pub(crate) authority: Option<Authority>,
    /// Whether the receiver's wall clock is off by what [`World::set_clock`] says.
    pub(crate) clock: bool,
    /// Whether strace writes down when the receiver brings something to disk; [`World::trace`] is where.
    pub(crate) traced: bool,
    /// Where everybody but the operator finds the Meeting API, if not at the receiver itself.
    pub(crate) front: Option<u16>,
}

impl Setup {
    fn scheme(&self) -> &'static str {
        if self.authority.is_some() { "https" } else { "http" }
    }
}

/// Everything that runs. Dropping it kills it all.
pub(crate) struct World {
    folder: tempfile::TempDir,
    setup: Setup,
    pub(crate) api_port: u16,
    pub(crate) control_port: u16,
    public_port: u16,
    operator: String,
    pub(crate) receiver: Program,
    pub(crate) proxy: Program,
    pub(crate) agent: Option<Program>,
}

impl World {
    /// A receiver and a proxy, and no device yet.
    pub(crate) fn start() -> Self {
        Self::with(Setup::default())
    }

    /// The same, with room for so many visitors at once.
    pub(crate) fn start_with_streams(streams: usize) -> Self {
        Self::with(Setup { streams: Some(streams), ..Setup::default() })
    }

    /// The same, with a receiver whose wall clock is off by what [`World::set_clock`] says.
    pub(crate) fn start_with_clock() -> Self {
        Self::with(Setup { clock: true, ..Setup::default() })
    }

    /// From now on the receiver's wall clock is off by this much, such as `+1d`.
    pub(crate) fn set_clock(&self, offset: &str) {
        write(&self.folder().join(CLOCK), offset);
    }

    /// A receiver and a proxy as `setup` has them.
    pub(crate) fn with(setup: Setup) -> Self {
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
        let receiver = start_receiver(folder.path(), &setup);
        let operator = fs::read_to_string(folder.path().join("operator.secret")).unwrap().trim().to_owned();
        let ask = json!({"role": "proxy", "name": "edge"});
        let secret = call(&setup, api_port, &operator, "POST", "/api/tokens", &ask);
        let secret = secret["token"].as_str().unwrap().to_owned();
        let streams = setup.streams.unwrap_or(256);
        write(
            &folder.path().join("proxy.toml"),
            &format!(
                "[control]\nlisten = \"127.0.0.1:{control_port}\"\n\
                 [meeting]\nurl = \"{}://127.0.0.1:{}\"\nsecret = \"{secret}\"\npoll_interval = \"500ms\"\n\
                 [tunnels]\nports = \"{public_port}\"\nmax_visitors_per_device = {streams}\n\
                 max_visitors_per_source = {streams}\n[shutdown]\ngrace = \"1s\"\n",
                setup.scheme(),
                setup.front.unwrap_or(api_port),
            ),
        );
        let proxy = start_proxy(folder.path(), &setup);
        Self { folder, setup, api_port, control_port, public_port, operator, receiver, proxy, agent: None }
    }

    /// Where tests and programs keep things.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Provisions the device, starts its agent, publishes this local port, and waits until visitors can come.
    pub(crate) fn device_with_service(&mut self, service: &str, local_port: u16) -> u16 {
        self.provision();
        self.agent = Some(self.start_agent("agent", service, local_port));
        self.agent.as_mut().unwrap().wait_for("first heartbeat accepted", PATIENCE);
        self.publish(service, local_port);
        self.proxy.wait_for("tunnel up", PATIENCE);
        self.public_port
    }

    /// Enters the device.
    pub(crate) fn provision(&self) {
        let device = json!({
            "device_key": DEVICE, "authorized": true, "token_code": TOKEN, "token_count": 1,
        });
        self.operate("POST", "/api/devices/manual-create", &device);
    }

    /// Gives the device's local port a public one.
    pub(crate) fn publish(&self, service: &str, local_port: u16) -> u16 {
        let path = format!("/api/devices/{DEVICE}/service?permanent=1&local_port={local_port}");
        let granted = self.operate("POST", &path, &json!({"service": service}));
        assert_eq!(granted["port"].as_u64(), Some(u64::from(self.public_port)), "{granted}");
        self.public_port
    }

    /// An agent of the device, with its own folder.
    pub(crate) fn start_agent(&self, name: &str, service: &str, local_port: u16) -> Program {
        self.start_agent_of(name, service, local_port, self.control_port)
    }

    /// The same, of a proxy on another port.
    pub(crate) fn start_agent_of(
        &self,
        name: &str,
        service: &str,
        local_port: u16,
        control_port: u16,
    ) -> Program {
        let state = self.folder().join(name);
        fs::create_dir_all(&state).unwrap();
        write(
            &self.folder().join(format!("{name}.toml")),
            &format!(
                "device_key = \"{DEVICE}\"\ntoken = \"{TOKEN}\"\nstate_directory = \"{state}\"\n\
                 [meeting]\nurl = \"{scheme}://127.0.0.1:{api}\"\nheartbeat_every = \"5s\"\n\
                 [tunnel]\nhost = \"127.0.0.1\"\nport = {control_port}\nmax_connections = {streams}\n\
                 [services]\n{service} = {local_port}\n[known_hosts]\nenabled = false\n[log]\nlevel = \"agent=debug\"\n",
                state = state.display(),
                scheme = self.setup.scheme(),
                api = self.setup.front.unwrap_or(self.api_port),
                streams = self.setup.streams.unwrap_or(256),
            ),
        );
        let mut command = ours("agent");
        command.args(["--config"]).arg(self.folder().join(format!("{name}.toml")));
        set(&mut command, &self.setup.agent);
        Program::start(name, &mut command)
    }

    /// Starts a killed receiver again, on the same port and database.
    pub(crate) fn restart_receiver(&mut self) {
        self.receiver = start_receiver(self.folder.path(), &self.setup);
    }

    /// Starts a killed proxy again.
    pub(crate) fn restart_proxy(&mut self) {
        self.proxy = start_proxy(self.folder.path(), &self.setup);
    }

    /// A second receiver with the same settings on this port.
    #[cfg(feature = "postgres")]
    pub(crate) fn another_receiver(&self, port: u16) -> Program {
        let mut command = program("receiver", self.folder.path(), &self.setup.receiver);
        command.current_dir(self.folder.path());
        set(&mut command, &[format!("http.listen=127.0.0.1:{port}")]);
        let mut receiver = Program::start("another receiver", &mut command);
        receiver.wait_for("listening", PATIENCE);
        receiver
    }

    /// A call with the operator's secret; it must succeed.
    pub(crate) fn operate(&self, method: &str, path: &str, body: &Value) -> Value {
        call(&self.setup, self.api_port, &self.operator, method, path, body)
    }

    /// The status code that a heartbeat of the device gets.
    pub(crate) fn heartbeat_status(&self) -> String {
        let mut curl = Command::new(peer("curl"));
        if let Some(authority) = &self.setup.authority {
            curl.arg("--cacert").arg(authority.file("ca.pem"));
        }
        run_command(curl.args([
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "-X",
            "POST",
            "-d",
            "{}",
            &format!(
                "{}://127.0.0.1:{}/api/devices/{DEVICE}/online",
                self.setup.scheme(),
                self.setup.front.unwrap_or(self.api_port)
            ),
        ]))
    }

    /// The certificates, where there are some.
    pub(crate) fn authority(&self) -> &Authority {
        self.setup.authority.as_ref().expect("a world with TLS")
    }

    /// The file that strace writes.
    pub(crate) fn trace(&self) -> PathBuf {
        self.folder().join(TRACE)
    }

    /// The path of the receiver's database.
    pub(crate) fn database(&self) -> PathBuf {
        self.folder().join("receiver.db")
    }
}

fn start_receiver(folder: &Path, setup: &Setup) -> Program {
    let mut command = program("receiver", folder, &setup.receiver);
    if setup.traced {
        command = traced(&command, &folder.join(TRACE));
    }
    command.current_dir(folder);
    if setup.clock {
        fake_clock(&mut command);
    }
    let mut receiver = Program::start("receiver", &mut command);
    receiver.wait_for("listening", PATIENCE);
    receiver
}

fn start_proxy(folder: &Path, setup: &Setup) -> Program {
    let mut proxy = Program::start("proxy", &mut program("proxy", folder, &setup.proxy));
    proxy.wait_for("agents connect here", PATIENCE);
    proxy
}

fn program(name: &str, folder: &Path, settings: &[String]) -> Command {
    let mut command = ours(name);
    command.arg("--config").arg(folder.join(format!("{name}.toml")));
    set(&mut command, settings);
    command
}

fn set(command: &mut Command, settings: &[String]) {
    for setting in settings {
        command.args(["--set", setting]);
    }
}

/// The same program under strace, which stays in the background: the process that is started is the program.
fn traced(command: &Command, trace: &Path) -> Command {
    let mut strace = Command::new(peer("strace"));
    strace.args(["-D", "-f", "-qq", "-ttt", "-T", "-e", "trace=fdatasync,fsync", "-e", "signal=none", "-o"]);
    strace.arg(trace).arg(command.get_program()).args(command.get_args());
    strace
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

fn call(setup: &Setup, port: u16, secret: &str, method: &str, path: &str, body: &Value) -> Value {
    let mut curl = Command::new(peer("curl"));
    if let Some(authority) = &setup.authority {
        curl.arg("--cacert").arg(authority.file("ca.pem"));
    }
    let answer = run_command(curl.args([
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
        &format!("{}://127.0.0.1:{port}{path}", setup.scheme()),
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
