//! OpenSSH through the tunnel: a login with the host key checked, bulk both ways, a session that stays, git.

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use crate::program::{peer, run, run_command};
use crate::sshd::{Sshd, user};
use crate::world::World;

#[test]
#[ignore = "needs OpenSSH; run by .ci/run"]
fn ssh_logs_in_through_the_public_port_with_the_host_key_checked() {
    let mut world = World::start();
    let sshd = Sshd::start(world.folder());
    let port = world.device_with_service("ssh", sshd.port);

    let said =
        run_command(sshd.ssh(world.folder(), port).arg(format!("{}@127.0.0.1", user())).arg("echo reached"));
    assert_eq!(said, "reached\n");
}

#[test]
#[ignore = "needs OpenSSH; run by .ci/run"]
fn ssh_carries_64_mib_each_way_unchanged() {
    let mut world = World::start();
    let sshd = Sshd::start(world.folder());
    let port = world.device_with_service("ssh", sshd.port);
    let sent = crate::world::pseudo_random(64 << 20);

    let mut cat = sshd
        .ssh(world.folder(), port)
        .arg(format!("{}@127.0.0.1", user()))
        .arg("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = cat.stdin.take().unwrap();
    let writer = std::thread::spawn({
        let sent = sent.clone();
        move || input.write_all(&sent).unwrap()
    });
    let mut came_back = Vec::new();
    cat.stdout.take().unwrap().read_to_end(&mut came_back).unwrap();
    writer.join().unwrap();
    assert!(cat.wait().unwrap().success());
    assert!(came_back == sent, "{} bytes came back of {}", came_back.len(), sent.len());
}

#[test]
#[ignore = "needs OpenSSH; run by .ci/run"]
fn ssh_refuses_a_device_with_another_host_key() {
    let mut world = World::start();
    let sshd = Sshd::start(world.folder());
    let port = world.device_with_service("ssh", sshd.port);
    let elsewhere = world.folder().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let impostor = Sshd::start(&elsewhere);

    let mut ssh = impostor.ssh(&elsewhere, port);
    let done = ssh.arg(format!("{}@127.0.0.1", user())).arg("true").output().unwrap();
    assert_eq!(done.status.code(), Some(255));
    assert!(String::from_utf8_lossy(&done.stderr).contains("Host key verification failed"));
}

#[test]
#[ignore = "needs OpenSSH and git; run by .ci/run"]
fn git_clones_over_the_tunnel() {
    let mut world = World::start();
    let sshd = Sshd::start(world.folder());
    let port = world.device_with_service("ssh", sshd.port);

    let origin = world.folder().join("origin");
    let git = peer("git");
    let at = |folder: &std::path::Path, arguments: &[&str]| {
        run_command(
            Command::new(&git)
                .arg("-C")
                .arg(folder)
                .args(["-c", "user.name=A Device", "-c", "user.email=device@example.org"])
                .args(arguments),
        )
    };
    run(&git, ["init", "-q", "-b", "main", origin.to_str().unwrap()]);
    for file in 0..40 {
        fs::write(origin.join(format!("part-{file}")), crate::world::pseudo_random(100_000 + file)).unwrap();
    }
    at(&origin, &["add", "."]);
    at(&origin, &["commit", "-q", "-m", "Firmware"]);

    let copy = world.folder().join("copy");
    let ssh = sshd.ssh(world.folder(), 0);
    let ssh_command: Vec<_> =
        std::iter::once(ssh.get_program()).chain(ssh.get_args()).map(|word| word.to_str().unwrap()).collect();
    // Git adds the port of the URL itself.
    let ssh_command = ssh_command.join(" ").replace(" -p 0", "");
    let known_hosts = world.folder().join("visitor_known_hosts_0");
    fs::write(&known_hosts, format!("[127.0.0.1]:{port} {}\n", sshd.host_public_key())).unwrap();
    run_command(
        Command::new(&git)
            .env("GIT_SSH_COMMAND", ssh_command)
            .args(["clone", "-q"])
            .arg(format!("ssh://{}@127.0.0.1:{port}{}", user(), origin.display()))
            .arg(&copy),
    );
    assert_eq!(at(&copy, &["rev-parse", "HEAD"]), at(&origin, &["rev-parse", "HEAD"]));
    at(&copy, &["fsck", "--strict"]);
}
