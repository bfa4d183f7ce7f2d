//! Signals and the service manager, played by this test to a child that is this same test binary.

use daemon::lifecycle::{Liveness, Stop, Supervisor};
use daemon::{service_manager, signals};
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

const CHILD: &str = "service_manager::child";
const LIMIT: Duration = Duration::from_secs(20);

/// Not a test of its own: the program that the tests below start. Without its variable it does nothing.
#[test]
fn child() {
    let Ok(role) = std::env::var("DAEMON_TEST_ROLE") else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let code = runtime.block_on(async move {
        let stop = Stop::default();
        let liveness = Liveness::default();
        let pulse = liveness.pulse("work", Duration::from_millis(if role == "stalled" { 0 } else { 60_000 }));
        let mut supervisor = Supervisor::new(stop.clone());
        let listening = signals::listen(stop.clone(), || {
            service_manager::reloading();
            service_manager::ready("reloaded");
        });
        tokio::spawn(listening.unwrap());
        tokio::spawn(service_manager::watchdog(liveness));
        let token = stop.gently.clone();
        supervisor.spawn("work", async move {
            let _pulse = pulse;
            token.cancelled().await;
            service_manager::stopping(Duration::from_secs(2));
            if role == "stuck" {
                std::future::pending::<()>().await;
            }
            Ok(())
        });
        service_manager::ready("serving\nSTOPPING=1");
        match supervisor.run(Duration::from_secs(3600)).await {
            Ok(()) => 0,
            Err(failure) => failure.exit().code(),
        }
    });
    std::process::exit(code.into());
}

struct Manager {
    socket: UnixDatagram,
    child: Child,
    _folder: TempDir,
}

impl Manager {
    fn start(role: &str, watchdog: Option<&str>) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(LIMIT)).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", CHILD, "--nocapture"])
            .env("DAEMON_TEST_ROLE", role)
            .env("NOTIFY_SOCKET", &path);
        command
            .env_remove("WATCHDOG_USEC")
            .env_remove("WATCHDOG_PID")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Some(micros) = watchdog {
            command.env("WATCHDOG_USEC", micros);
        }
        Self { socket, child: command.spawn().unwrap(), _folder: folder }
    }

    fn hear(&self) -> String {
        let mut bytes = [0; 4096];
        let length = self.socket.recv(&mut bytes).expect("a notification");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    fn signal(&self, name: &str) {
        // The shell's own `kill`: it is there on every Unix.
        let status =
            Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().unwrap();
        assert!(status.success());
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn ready_reload_and_an_orderly_stop() {
    let mut manager = Manager::start("orderly", None);
    assert_eq!(manager.hear(), "READY=1\nSTATUS=serving STOPPING=1\n");
    manager.signal("HUP");
    let reloading = manager.hear();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(manager.hear(), "READY=1\nSTATUS=reloaded\n");
    manager.signal("TERM");
    assert_eq!(manager.hear(), "STOPPING=1\nEXTEND_TIMEOUT_USEC=2000000\n");
    assert_eq!(manager.child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_second_signal_stops_at_once() {
    let mut manager = Manager::start("stuck", None);
    manager.hear();
    manager.signal("INT");
    assert!(manager.hear().starts_with("STOPPING=1"));
    manager.signal("INT");
    assert_eq!(manager.child.wait().unwrap().code(), Some(75));
}

#[test]
fn the_watchdog_is_fed_while_the_loops_are_alive() {
    let manager = Manager::start("orderly", Some("100000"));
    let heard: Vec<String> = (0..4).map(|_| manager.hear()).collect();
    assert!(heard.iter().any(|text| text.starts_with("READY=1")), "{heard:?}");
    assert_eq!(heard.iter().filter(|text| *text == "WATCHDOG=1\n").count(), 3, "{heard:?}");
}

#[test]
fn the_watchdog_starves_when_a_loop_stands_still() {
    let manager = Manager::start("stalled", Some("100000"));
    assert!(manager.hear().starts_with("READY=1"));
    manager.socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let silence = manager.socket.recv(&mut [0; 64]).unwrap_err();
    assert_eq!(silence.kind(), std::io::ErrorKind::WouldBlock);
}
