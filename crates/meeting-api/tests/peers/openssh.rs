//! OpenSSH agrees with every key that is accepted, and finds what is written to known_hosts.

use std::fs;
use std::path::Path;
use std::process::Command;

use meeting_api::known_hosts::{Host, HostKeys};
use meeting_api::{KnownHostsFile, PublicKey, SigningKey};

use super::key_corpus;

fn ssh_keygen(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("ssh-keygen").args(arguments).output().expect("ssh-keygen is installed");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What `ssh-keygen -l` says of a line: size, fingerprint, comment, type.
fn listing(directory: &Path, line: &str) -> String {
    let path = directory.join("key.pub");
    fs::write(&path, format!("{line}\n")).unwrap();
    let (success, shown) = ssh_keygen(&["-l", "-f", path.to_str().unwrap()]);
    assert!(success, "ssh-keygen refuses {line:?}");
    shown
}

/// R5: `ssh-keygen -l` takes 100 % of what is accepted, and shows the same fingerprint.
#[test]
#[ignore = "needs ssh-keygen; run by .ci/run"]
fn r5_ssh_keygen_agrees_with_every_accepted_key() {
    let directory = tempfile::tempdir().unwrap();
    for (line, _) in key_corpus::accepted() {
        let key = PublicKey::parse(&line).unwrap();
        let shown = listing(directory.path(), &key.to_string());
        assert_eq!(shown.split(' ').nth(1), Some(key.fingerprint().as_str()), "{line:?}");
    }
}

/// Freshly made keys of every type that needs no hardware.
#[test]
#[ignore = "needs ssh-keygen; run by .ci/run"]
fn r5_real_keys_of_every_type_are_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let types = [
        ("ed25519", "256", true),
        ("ecdsa", "256", true),
        ("ecdsa", "384", true),
        ("ecdsa", "521", true),
        ("rsa", "2048", true),
        ("rsa", "3072", true),
        ("rsa", "1024", false),
    ];
    for (index, (kind, bits, accepted)) in types.into_iter().enumerate() {
        let path = directory.path().join(format!("key{index}"));
        let file = path.to_str().unwrap();
        let (made, _) =
            ssh_keygen(&["-q", "-t", kind, "-b", bits, "-N", "", "-C", "device@example.org", "-f", file]);
        assert!(made, "{kind} {bits}");
        let line = fs::read_to_string(format!("{file}.pub")).unwrap();
        let key = PublicKey::parse(&line);
        assert_eq!(key.is_ok(), accepted, "{kind} {bits}: {key:?}");
        if let Ok(key) = key {
            assert_eq!(key.to_string(), line.trim_end());
            assert!(listing(directory.path(), &key.to_string()).contains(&key.fingerprint()));
        }
        let signs = SigningKey::from_openssh(&fs::read(&path).unwrap());
        assert_eq!(signs.is_ok(), kind != "rsa" && bits != "521", "{kind} {bits}");
    }
}

/// The private key file that we write is one that OpenSSH reads.
#[test]
#[ignore = "needs ssh-keygen; run by .ci/run"]
fn ssh_keygen_reads_our_private_key() {
    let directory = tempfile::tempdir().unwrap();
    let key = SigningKey::ed25519_from_seed(&[42; 32], "device@example.org").unwrap();
    let path = directory.path().join("id_ed25519");
    fs::write(&path, key.to_openssh().unwrap().expose()).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let (success, shown) = ssh_keygen(&["-y", "-f", path.to_str().unwrap()]);
    assert!(success);
    assert_eq!(shown.trim_end(), key.public_key().to_string());
}

/// R4: `ssh-keygen -F` finds each host that was written, with exactly its keys.
#[test]
#[ignore = "needs ssh-keygen; run by .ci/run"]
fn r4_ssh_keygen_finds_the_hosts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("known_hosts");
    fs::write(&path, "# mine\nother.example.org ssh-ed25519 AAAA\n").unwrap();
    let keys = [key_corpus::ED25519, key_corpus::ECDSA256, key_corpus::ECDSA521, key_corpus::RSA4096];
    for (name, port, asked) in [
        ("meeting.example.org", 22, "meeting.example.org"),
        ("meeting.example.org", 9022, "[meeting.example.org]:9022"),
        ("192.0.2.1", 22, "192.0.2.1"),
        ("2001:db8::1", 9022, "[2001:db8::1]:9022"),
    ] {
        let hosts = [Host::new(name, port).unwrap()];
        let text: String = keys.iter().map(|key| format!("{} {key}\n", hosts[0].pattern())).collect();
        let offered = HostKeys::parse(&text, &hosts).unwrap();
        KnownHostsFile::new(&path).update(&hosts, &offered, false).unwrap();
        let (found, shown) = ssh_keygen(&["-F", asked, "-f", path.to_str().unwrap()]);
        assert!(found, "{asked}");
        let lines: Vec<String> = shown
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split(' ').skip(1).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(lines, keys.map(key_corpus::bare), "{asked}");
    }
    assert!(!ssh_keygen(&["-F", "absent.example.org", "-f", path.to_str().unwrap()]).0);
}
