//! nginx as the device's local web service.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::program::{Program, free_port, peer};

/// A running nginx that serves `folder/www`.
pub(crate) struct Nginx {
    /// The port it listens on, on 127.0.0.1.
    pub(crate) port: u16,
    _program: Program,
}

impl Nginx {
    /// Writes the configuration, starts it, waits until it is ready.
    pub(crate) fn start(folder: &Path) -> Self {
        let root = folder.join("www");
        fs::create_dir_all(&root).unwrap();
        let port = free_port();
        let configuration = folder.join("nginx.conf");
        let user = if crate::sshd::user() == "root" { "user root;" } else { "" };
        fs::write(
            &configuration,
            format!(
                "daemon off; master_process off; {user} worker_processes 1; pid {folder}/nginx.pid; error_log stderr notice;\n\
                 events {{ worker_connections 4096; }}\n\
                 http {{ access_log off; default_type application/octet-stream;\n\
                   client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fcgi;\n\
                   uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n\
                   server {{ listen 127.0.0.1:{port} backlog=2048; root {root};\n\
                     location /put/ {{ client_max_body_size 1g; dav_methods PUT; }} }} }}\n",
                folder = folder.display(),
                root = root.display(),
            ),
        )
        .unwrap();
        fs::create_dir_all(root.join("put")).unwrap();
        let mut program = Program::start(
            "nginx",
            Command::new(peer("nginx")).arg("-e").arg("stderr").arg("-c").arg(&configuration),
        );
        program.wait_for("event method", Duration::from_secs(10));
        Self { port, _program: program }
    }
}
