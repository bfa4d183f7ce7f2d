//! A Mosquitto of the test's own, and Mosquitto's own clients.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// What any one step may take. A step that takes longer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A broker, killed when it is dropped.
pub(crate) struct Mosquitto {
    folder: tempfile::TempDir,
    pub(crate) port: u16,
    process: Option<Child>,
}

impl Mosquitto {
    /// One that takes everybody.
    pub(crate) fn open() -> Self {
        Self::with("allow_anonymous true\n", &[])
    }

    /// One with this configuration, beside the listener, and these users and passwords.
    pub(crate) fn with(more: &str, users: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut config = format!("user root\nlistener {port} 127.0.0.1\npersistence false\n{more}");
        if !users.is_empty() {
            let passwords = folder.path().join("passwords");
            std::fs::write(&passwords, "").unwrap();
            for (user, password) in users {
                let made = Command::new("mosquitto_passwd")
                    .arg("-b")
                    .arg(&passwords)
                    .args([user, password])
                    .output();
                assert!(made.expect("mosquitto_passwd, which .ci/run installs").status.success());
            }
            config += &format!("allow_anonymous false\npassword_file {}\n", passwords.display());
        }
        std::fs::write(folder.path().join("mosquitto.conf"), config).unwrap();
        let mut broker = Self { folder, port, process: None };
        broker.start();
        broker
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("mosquitto.conf")
    }

    pub(crate) fn start(&mut self) {
        let mut command = Command::new("mosquitto");
        command.arg("-c").arg(self.config()).stderr(Stdio::null()).stdout(Stdio::null());
        self.process = Some(command.spawn().expect("mosquitto, which .ci/run installs"));
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < deadline, "mosquitto does not listen");
            std::thread::yield_now();
        }
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Publishes by another hand.
    pub(crate) fn publish(&self, topic: &str, payload: &str, more: &[&str]) {
        let port = self.port.to_string();
        let line = ["-h", "127.0.0.1", "-p", &port, "-q", "1", "-t", topic, "-m", payload];
        let status = Command::new("mosquitto_pub").args(line).args(more).status();
        assert!(status.expect("mosquitto_pub, which .ci/run installs").success());
    }

    /// Listens by another hand. Each message is a line: topic, quality of service and retain bit as they were published, payload.
    pub(crate) fn listen(&self) -> Observer {
        let port = self.port.to_string();
        // Into a pipe, it would keep back what it says about itself.
        let mut process = Command::new("stdbuf")
            .args(["-oL", "mosquitto_sub"])
            .args(["-h", "127.0.0.1", "-p", &port, "-V", "mqttv5", "--retain-as-published", "-d"])
            .args(["-q", "1", "-t", "ipwatch/#", "-t", "replies/#", "-F", "> %t q%q r%r %p"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("mosquitto_sub, which .ci/run installs");
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (sender, heard) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let observer = Observer { process, heard };
        observer.line(|line| line.starts_with("Subscribed"));
        observer
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Mosquitto's own client, listening.
pub(crate) struct Observer {
    process: Child,
    heard: Receiver<String>,
}

impl Observer {
    fn line(&self, is_wanted: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.heard.recv_timeout(left).expect("a line within the time");
            if is_wanted(&line) {
                return line;
            }
        }
    }

    /// The next message.
    pub(crate) fn next(&self) -> String {
        self.line(|line| line.starts_with("> ")).split_off(2)
    }

    /// The next message of this topic.
    pub(crate) fn next_on(&self, topic: &str) -> String {
        let begins = format!("> {topic} ");
        self.line(|line| line.starts_with(&begins)).split_off(2)
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}
