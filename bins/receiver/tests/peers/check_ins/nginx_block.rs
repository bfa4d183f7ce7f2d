//! The document's nginx block in front (checkin §7.3), with no word changed but the port.

use std::process::Command;

use super::{DropIn, EXAMPLE, PATIENCE, SECRET};
use crate::program::{Program, free_port, peer, run_command};

const BLOCK: &str = "location /checkins {
    limit_except POST { deny all; }
    client_max_body_size 4k;
    proxy_http_version 1.1;
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_pass http://127.0.0.1:9999;
}";

#[test]
#[ignore = "needs nginx and curl; run by .ci/run"]
fn bots_get_through_the_documents_nginx_and_readers_do_not() {
    let receiver = DropIn::start();
    let folder = receiver.folder.path();
    let port = free_port();
    let block = BLOCK.replace("9999", &receiver.port.to_string());
    let user = if crate::sshd::user() == "root" { "user root;" } else { "" };
    let configuration = folder.join("nginx.conf");
    let text = format!(
        "daemon off; master_process off; {user} worker_processes 1; pid {folder}/nginx.pid; error_log stderr notice;\n\
         events {{ worker_connections 512; }}\n\
         http {{ access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n\
           fastcgi_temp_path {folder}/fcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;\n\
           server {{ listen 127.0.0.1:{port}; {block} }} }}\n",
        folder = folder.display(),
    );
    std::fs::write(&configuration, text).unwrap();
    let mut nginx = Program::start(
        "nginx",
        Command::new(peer("nginx")).arg("-e").arg("stderr").arg("-c").arg(&configuration),
    );
    nginx.wait_for("event method", PATIENCE);

    let status = |arguments: &[&str]| {
        let url = format!("http://127.0.0.1:{port}/checkins");
        let mut curl = Command::new(peer("curl"));
        curl.args(["-sS", "-o", "/dev/null", "-w", "%{http_code}"]).args(arguments).arg(url);
        run_command(&mut curl)
    };
    let (key, json) = (format!("Authorization: Bearer {SECRET}"), "Content-Type: application/json");
    let post = |body: &str| status(&["-H", &key, "-H", json, "--data-binary", body]);
    assert_eq!(post(EXAMPLE), "201");
    assert_eq!(post(EXAMPLE), "200");
    assert_eq!(status(&["-H", json, "--data-binary", EXAMPLE]), "401");
    assert_eq!(status(&[]), "403", "limit_except lets nobody read");
    let large = format!("{EXAMPLE}{}", " ".repeat(4096 - EXAMPLE.len()));
    assert_eq!(post(&large), "200", "4k is as much as nginx lets through, and as we take");
    assert_eq!(post(&format!("{large} ")), "413");
}
