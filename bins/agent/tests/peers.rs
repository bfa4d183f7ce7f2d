//! The agent against programs that are not ours: OpenSSH, a full disk, signals. Each fails when its peer is missing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may be blunt, and so may what it calls"
)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use agent::ssh_key_file::{self, Provenance};

fn run(program: &str, arguments: &[&str]) -> String {
    let output =
        Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// `ssh-keygen -y` and `-l` say the same of a key that the agent made, and the agent the same of theirs.
#[test]
#[ignore = "needs OpenSSH; run by .ci/run"]
fn openssh_agrees_with_the_key_file_both_ways() {
    let home = tempfile::tempdir().unwrap();
    let ours = home.path().join("ours");
    let key = ssh_key_file::load_or_generate(&ours, "0123abcd").unwrap();
    let path = ours.to_str().unwrap();
    assert_eq!(run("ssh-keygen", &["-y", "-f", path]).trim_end(), key.public_line().unwrap());
    let listed = run("ssh-keygen", &["-l", "-f", path]);
    assert_eq!(listed.split(' ').collect::<Vec<_>>()[..3], ["256", &key.fingerprint(), "0123abcd"]);

    for (kind, bits) in [("ed25519", "256"), ("ecdsa", "256"), ("rsa", "2048")] {
        let theirs = home.path().join(kind);
        let path = theirs.to_str().unwrap();
        run("ssh-keygen", &["-q", "-t", kind, "-b", bits, "-N", "", "-C", "made elsewhere", "-f", path]);
        let key = ssh_key_file::load_or_generate(&theirs, "other").unwrap();
        assert_eq!(key.provenance(), Provenance::Existing);
        assert!(run("ssh-keygen", &["-l", "-f", path]).contains(&key.fingerprint()), "{kind}");
        assert_eq!(key.signing_key().is_some(), kind != "rsa", "{kind}");
        key.public_key().unwrap();
    }
    let locked = home.path().join("locked");
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "a passphrase", "-f", locked.to_str().unwrap()]);
    let error = ssh_key_file::load_or_generate(&locked, "c").unwrap_err();
    assert!(matches!(error, ssh_key_file::KeyFileError::Encrypted), "{error}");
}

/// A disk that is full is said and stops neither heartbeat nor tunnel; when there is room again, the file is written.
#[test]
#[ignore = "needs the right to mount a tmpfs; run by .ci/run"]
fn a_full_disk_is_an_error_that_the_agent_survives() {
    let home = tempfile::tempdir().unwrap();
    let disk = home.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let target = disk.to_str().unwrap();
    run("mount", &["-t", "tmpfs", "-o", "size=16k", "tmpfs", target]);
    let unmount = Unmount(target.to_owned());
    // Fill it to the last page.
    let filler = disk.join("filler");
    let written = std::fs::write(&filler, vec![0_u8; 64 * 1024]);
    assert_eq!(written.unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    let line = "# mine\n";
    let error = agent::authorized_keys::install(&disk.join("authorized_keys"), line.trim_end()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    let error = ssh_key_file::load_or_generate(&disk.join("id_ed25519"), "c").unwrap_err();
    assert!(error.to_string().contains("No space left"), "{error}");
    let left: Vec<_> = std::fs::read_dir(&disk).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["filler"], "nothing half-written stays");
    std::fs::remove_file(filler).unwrap();
    ssh_key_file::load_or_generate(&disk.join("id_ed25519"), "c").unwrap();
    drop(unmount);
}

struct Unmount(String);

impl Drop for Unmount {
    fn drop(&mut self) {
        run("umount", &[&self.0]);
    }
}

/// The program itself: HUP reads the settings again, TERM ends it in order with 0.
#[test]
#[ignore = "needs kill(1); run by .ci/run"]
fn signals_reload_and_stop_the_program() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("agent.toml");
    let settings = |note: &str| {
        format!(
            "device_key = \"abc\"\nstate_directory = {:?}\n[meeting]\nurl = \"http://127.0.0.1:1\"\n[addresses]\n{note}\n",
            home.path()
        )
    };
    std::fs::write(&file, settings("")).unwrap();
    let mut agent = start(&file);
    let mut lines = BufReader::new(agent.stderr.take().unwrap()).lines();
    let mut wait_for = |text: &str| {
        let found = lines.find(|line| line.as_ref().unwrap().contains(text));
        assert!(found.is_some(), "{text}");
    };
    wait_for("agent of device abc started");
    wait_for("heartbeat failed");
    let pid = agent.id().to_string();
    std::fs::write(&file, settings("note = \"new\"")).unwrap();
    run("kill", &["-HUP", &pid]);
    wait_for("new settings in force");
    std::fs::write(&file, settings("notes = \"new\"")).unwrap();
    run("kill", &["-HUP", &pid]);
    wait_for("did you mean `note`");
    run("kill", &["-TERM", &pid]);
    wait_for("agent stopped");
    assert_eq!(agent.wait().unwrap().code(), Some(0));
}

fn start(config: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_agent"))
        .args(["--config", config.to_str().unwrap()])
        .env("NO_COLOR", "1")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}
