//! File descriptors: handed over by a service manager, and used up.

use crate::world::{Echo, exchange};
use daemon::config::ListenAddress;
use daemon::http::{HttpLimits, Server};
use daemon::lifecycle::Stop;
use daemon::logging::{LogSettings, init};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use tokio::net::TcpStream;

/// Not a test of its own: the program that the tests below start. Without its variable it does nothing.
#[test]
fn child() {
    let Ok(listen) = std::env::var("DAEMON_TEST_LISTEN") else { return };
    init(&LogSettings::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let address: ListenAddress = listen.parse().unwrap();
        let listener = daemon::net::bind(&address).await.unwrap();
        writeln!(std::io::stdout(), "\naddress={}", listener.local_addr().unwrap()).unwrap();
        Server::new(HttpLimits::default()).serve(listener, Echo, Stop::default()).await;
    });
}

struct Program {
    child: Child,
    address: SocketAddr,
}

impl Program {
    /// Starts this test binary through a line of shell in which `"$@"` is the program.
    fn start(shell: &str, listen: &str, stdin: Stdio) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", shell, "sh"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "descriptors::child", "--nocapture"])
            .env("DAEMON_TEST_LISTEN", listen)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines
            .map(|line| line.unwrap())
            .find_map(|line| Some(line.strip_prefix("address=")?.parse().unwrap()));
        Self { child, address: address.expect("the program listens") }
    }

    fn log(mut self) -> String {
        self.child.kill().unwrap();
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        self.child.wait().unwrap();
        log
    }
}

const REQUEST: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn a_socket_of_the_service_manager_is_taken_by_its_name() {
    let sockets = [TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap()];
    let wanted = sockets[1].local_addr().unwrap();
    let [other, control] = sockets;
    // The wanted one goes in as standard input and on as descriptor 4; descriptor 3 is one that nobody asks for.
    let shell = "export LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=other:control; exec 4<&0 3</dev/null 0</dev/null; exec \"$@\"";
    let control = OwnedFd::from(control);
    let program = Program::start(shell, "systemd:control", Stdio::from(control));
    assert_eq!(program.address, wanted);
    let answer = exchange(wanted, REQUEST).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    drop((other, program.log()));
}

#[tokio::test]
async fn used_up_descriptors_are_a_pause_and_not_the_end() {
    let program = Program::start("ulimit -n 32; exec \"$@\"", "127.0.0.1:0", Stdio::null());
    let mut held = Vec::new();
    for _ in 0..64 {
        held.push(TcpStream::connect(program.address).await.unwrap());
    }
    // The kernel completes these connections; the program has no descriptor for the later ones until they close.
    let mut waiting = std::pin::pin!(exchange(program.address, REQUEST));
    let early = tokio::time::timeout(std::time::Duration::from_millis(400), waiting.as_mut()).await;
    assert!(early.is_err(), "the limit was not reached: {early:?}");
    drop(held);
    let answer = waiting.await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let log = program.log();
    let warnings = log.matches("cannot accept connections; waiting").count();
    assert!((1..=12).contains(&warnings), "{warnings} warnings:\n{log}");
}
