//! rathole as the tunnel beside ours: its server and client as processes of their own, over plain TCP.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A running pair. Dropping it ends both.
#[derive(Debug)]
pub struct Rathole {
    /// Where visitors connect.
    pub public: SocketAddr,
    server: Child,
    client: Child,
}

impl Rathole {
    /// Starts the pair in front of `local`, or `None` when rathole is not installed.
    ///
    /// # Errors
    /// The configuration cannot be written, a process does not start, or the port does not open in ten seconds.
    pub fn start(folder: &Path, local: SocketAddr) -> io::Result<Option<Self>> {
        let Some(program) = installed() else { return Ok(None) };
        let control = crate::free_address()?;
        let public = crate::free_address()?;
        let server = folder.join("rathole-server.toml");
        let client = folder.join("rathole-client.toml");
        std::fs::write(
            &server,
            format!(
                "[server]\nbind_addr = \"{control}\"\ndefault_token = \"bench\"\n\
                 [server.services.bench]\nbind_addr = \"{public}\"\nnodelay = true\n"
            ),
        )?;
        std::fs::write(
            &client,
            format!(
                "[client]\nremote_addr = \"{control}\"\ndefault_token = \"bench\"\n\
                 [client.services.bench]\nlocal_addr = \"{local}\"\nnodelay = true\n"
            ),
        )?;
        let pair = Self { public, server: start(&program, &server)?, client: start(&program, &client)? };
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, public.port())).is_err() {
            if Instant::now() > deadline {
                return Err(io::Error::other("rathole's public port did not open"));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(Some(pair))
    }
}

impl Drop for Rathole {
    fn drop(&mut self) {
        for child in [&mut self.client, &mut self.server] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start(program: &Path, configuration: &Path) -> io::Result<Child> {
    Command::new(program)
        .arg(configuration)
        .env("RUST_LOG", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("rathole")).find(|program| program.exists())
}
