//! Two receivers on one PostgreSQL database behind one nginx, with the real proxy and agent in front of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::nginx::Nginx;
use crate::program::{Program, free_port, peer, run, run_command};
use crate::world::{DEVICE, PATIENCE, Setup, World};

/// A PostgreSQL server of this test's own, reached through a socket in its folder.
struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

impl Cluster {
    fn start() -> Self {
        let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
            .expect("PostgreSQL is not installed; .ci/run installs it")
            .map(|entry| entry.unwrap().path().join("bin"))
            .collect();
        versions.sort();
        let cluster = Self { folder: tempfile::tempdir().unwrap(), programs: versions.pop().unwrap() };
        if crate::sshd::user() == "root" {
            run("/bin/chown", ["postgres", cluster.folder.path().to_str().unwrap()]);
        }
        let data = cluster.path("data");
        cluster.run("initdb", &["-D", &data, "-A", "trust", "-U", "meeting", "-E", "UTF8", "--no-sync"]);
        let options = format!("-k {} -h ''", cluster.path(""));
        cluster
            .run("pg_ctl", &["-w", "-s", "-D", &data, "-l", &cluster.path("log"), "-o", &options, "start"]);
        cluster.run("createdb", &["-h", &cluster.path(""), "-U", "meeting", "meeting"]);
        cluster
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// PostgreSQL refuses to run as root; then its own user runs it.
    fn command(&self, program: &str) -> Command {
        let mut command = if crate::sshd::user() == "root" {
            let mut command = Command::new(peer("setpriv"));
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
            command.arg(self.programs.join(program));
            command
        } else {
            Command::new(self.programs.join(program))
        };
        command.current_dir("/");
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        // Not `output`: the server that pg_ctl starts would hold its end of the pipe open.
        let mut command = self.command(program);
        let status = command.args(arguments).stdout(std::process::Stdio::null()).status().unwrap();
        assert!(status.success(), "{program} {arguments:?}: {status}");
    }

    fn ask(&self, sql: &str) -> String {
        let mut psql = Command::new(peer("psql"));
        run_command(psql.args(["-h", &self.path(""), "-U", "meeting", "-At", "-c", sql, "meeting"]))
            .trim()
            .to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ =
            self.command("pg_ctl").args(["-s", "-D", &self.path("data"), "-m", "immediate", "stop"]).status();
    }
}

/// nginx that hands each request to one of two receivers, and to the other one where the first is away.
fn balance(folder: &Path, port: u16, receivers: [u16; 2]) -> Program {
    let configuration = folder.join("balance.conf");
    let user = if crate::sshd::user() == "root" { "user root;" } else { "" };
    let [first, second] = receivers;
    fs::write(
        &configuration,
        format!(
            "daemon off; master_process off; {user} worker_processes 1; pid {folder}/balance.pid; error_log stderr notice;\n\
             events {{ worker_connections 1024; }}\n\
             http {{ access_log off;\n\
               client_body_temp_path {folder}/body2; proxy_temp_path {folder}/proxy2; fastcgi_temp_path {folder}/fcgi2;\n\
               uwsgi_temp_path {folder}/uwsgi2; scgi_temp_path {folder}/scgi2;\n\
               upstream meeting {{ server 127.0.0.1:{first} fail_timeout=1s; server 127.0.0.1:{second} fail_timeout=1s; }}\n\
               server {{ listen 127.0.0.1:{port};\n\
                 location / {{ proxy_pass http://meeting; proxy_http_version 1.1;\n\
                   proxy_next_upstream error timeout non_idempotent;\n\
                   proxy_set_header Authorization $http_authorization;\n\
                   proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; }} }} }}\n",
            folder = folder.display(),
        ),
    )
    .unwrap();
    let mut program = Program::start(
        "nginx before the receivers",
        Command::new(peer("nginx")).arg("-e").arg("stderr").arg("-c").arg(&configuration),
    );
    program.wait_for("event method", Duration::from_secs(10));
    program
}

fn fetch(port: u16) -> String {
    run(peer("curl"), ["-sSf", "--max-time", "20", &format!("http://127.0.0.1:{port}/")])
}

#[test]
#[ignore = "needs PostgreSQL, nginx and curl; run by .ci/run"]
fn two_receivers_share_a_database_and_one_of_them_may_die() {
    let cluster = Cluster::start();
    let front = free_port();
    let mut world = World::with(Setup {
        receiver: vec![
            format!("database.postgres=host={} user=meeting dbname=meeting", cluster.path("")),
            "meeting.trusted_proxies=[\"127.0.0.1/32\"]".into(),
        ],
        front: Some(front),
        ..Setup::default()
    });
    let second_port = free_port();
    let mut second = world.another_receiver(second_port);
    let _balance = balance(world.folder(), front, [world.api_port, second_port]);
    let nginx = Nginx::start(world.folder());
    fs::write(world.folder().join("www/index.html"), "ok").unwrap();
    let port = world.device_with_service("http", nginx.port);
    assert_eq!(fetch(port), "ok");

    // Nothing is kept beside the database: each of the two knows what the other was told.
    assert!(!world.database().exists());
    let url = |port: u16| format!("http://127.0.0.1:{port}/api/devices/{DEVICE}/availability");
    for api in [world.api_port, second_port] {
        let seen: Value = serde_json::from_str(&run(peer("curl"), ["-sSf", &url(api)])).unwrap();
        assert_eq!(seen["status"], "Available", "{seen}");
    }
    assert_eq!(cluster.ask("SELECT count(*) FROM devices"), "1");

    // One dies; device, proxy and visitors go on with the other.
    world.receiver.kill();
    world.agent.as_mut().unwrap().wait_for("heartbeat accepted", PATIENCE);
    world.agent.as_mut().unwrap().wait_for("heartbeat accepted", PATIENCE);
    assert_eq!(fetch(port), "ok");
    world.agent.take().unwrap().kill();
    world.proxy.wait_for("tunnel down", PATIENCE);
    world.agent = Some(world.start_agent("agent", "http", nginx.port));
    world.proxy.wait_for("tunnel up", PATIENCE);
    assert_eq!(fetch(port), "ok");

    // It comes back and knows what happened meanwhile; then the other one goes.
    world.restart_receiver();
    assert!(second.stop().success());
    let note = json!({"note": "shared"});
    world.operate("PUT", &format!("/api/devices/{DEVICE}/note"), &note);
    assert_eq!(cluster.ask("SELECT note FROM devices"), "shared");
    world.agent.as_mut().unwrap().wait_for("heartbeat accepted", PATIENCE);
    assert_eq!(fetch(port), "ok");
}
