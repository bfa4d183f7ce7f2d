//! Debian's OpenSSH server as the device's local service, on a port and with keys of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::program::{Program, free_port, peer, run};

/// A running sshd.
pub(crate) struct Sshd {
    /// The port it listens on, on 127.0.0.1.
    pub(crate) port: u16,
    /// The private key that may log in.
    pub(crate) user_key: PathBuf,
    host_key: PathBuf,
    _program: Program,
}

impl Sshd {
    /// Makes the keys, writes the configuration, starts it, waits until it listens.
    pub(crate) fn start(folder: &Path) -> Self {
        let host_key = folder.join("ssh_host_ed25519_key");
        let user_key = folder.join("visitor_key");
        for key in [&host_key, &user_key] {
            run(peer("ssh-keygen"), ["-q", "-t", "ed25519", "-N", "", "-f", key.to_str().unwrap()]);
        }
        fs::copy(user_key.with_extension("pub"), folder.join("authorized_keys")).unwrap();
        // sshd wants this folder for privilege separation when it runs as root.
        let _ = fs::create_dir_all("/run/sshd");
        let port = free_port();
        let configuration = folder.join("sshd_config");
        fs::write(
            &configuration,
            format!(
                "ListenAddress 127.0.0.1:{port}\nHostKey {host}\nAuthorizedKeysFile {keys}\nPidFile none\n\
                 StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n\
                 MaxStartups 100\nMaxSessions 100\n",
                host = host_key.display(),
                keys = folder.join("authorized_keys").display(),
            ),
        )
        .unwrap();
        let mut program =
            Program::start("sshd", Command::new(peer("sshd")).args(["-D", "-e", "-f"]).arg(&configuration));
        program.wait_for("Server listening on", Duration::from_secs(10));
        Self { port, user_key, host_key, _program: program }
    }

    /// The server's public key: type and base64, without the comment.
    pub(crate) fn host_public_key(&self) -> String {
        let line = fs::read_to_string(self.host_key.with_extension("pub")).unwrap();
        line.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
    }

    /// An ssh command towards `127.0.0.1:port` that believes no other host key than this server's.
    pub(crate) fn ssh(&self, folder: &Path, port: u16) -> Command {
        let known_hosts = folder.join(format!("visitor_known_hosts_{port}"));
        fs::write(&known_hosts, format!("[127.0.0.1]:{port} {}\n", self.host_public_key())).unwrap();
        let mut ssh = Command::new(peer("ssh"));
        ssh.args(["-F", "none", "-p", &port.to_string(), "-i"])
            .arg(&self.user_key)
            .args(["-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"])
            .args(["-o", "ConnectTimeout=10", "-o"])
            .arg(format!("UserKnownHostsFile={}", known_hosts.display()));
        ssh
    }
}

/// Who runs this test, which is who logs in.
pub(crate) fn user() -> String {
    run("/usr/bin/id", ["-un"]).trim().to_owned()
}
