//! The document's command lines (§6) through a real shell and a real curl, every byte of them but the host.

use std::fs;
use std::process::Command;

use crate::program::{peer, run, run_command};
use crate::world::{DEVICE, Setup, World};

const HEARTBEAT: &str = r#"curl -sS -X POST "https://meeting.example.org/api/devices/$DEVICE_KEY/online" \
  -H "Content-Type: application/json" \
  -d '{"ip_lan":"192.168.1.100","ip_public":"203.0.113.10","mac":"AA:BB:CC:DD:EE:FF"}'"#;
const UPLOAD: &str = r#"curl -sS -X PUT "https://meeting.example.org/api/devices/$DEVICE_KEY/ssh-key" \
  -H "Content-Type: application/json" \
  -d '{"pubkey":"ssh-ed25519 AAAA... comment"}'"#;
const HOSTKEY: &str = r#"curl -sS "https://meeting.example.org/api/ssh-hostkey""#;

/// Runs one of the document's lines against this world's receiver, with a newline and the status added to what it prints.
fn shell(world: &World, line: &str) -> String {
    let here = line.replace("https://meeting.example.org", &format!("http://127.0.0.1:{}", world.api_port));
    assert_ne!(here, line);
    let mut shell = Command::new(peer("bash"));
    let home = world.folder().join("curl");
    fs::create_dir_all(&home).unwrap();
    // The line stays as it is: what it does not print is asked for in curl's own file.
    fs::write(home.join(".curlrc"), "write-out = \"\\n%{http_code} %{content_type}\"\n").unwrap();
    run_command(shell.env("CURL_HOME", &home).env("DEVICE_KEY", DEVICE).arg("-c").arg(here))
}

#[test]
#[ignore = "needs curl and OpenSSH; run by .ci/run"]
fn the_documents_curl_lines_do_what_the_document_says() {
    let folder = tempfile::tempdir().unwrap();
    let host_key = folder.path().join("host");
    let device_key = folder.path().join("device");
    for (path, comment) in [(&host_key, "host"), (&device_key, "comment")] {
        let path = path.to_str().unwrap();
        run(peer("ssh-keygen"), ["-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path]);
    }
    let world = World::with(Setup {
        receiver: vec![
            format!("meeting.host_keys.files=[\"{}\"]", host_key.with_extension("pub").display()),
            "meeting.host_keys.host=meeting.example.org".into(),
        ],
        ..Setup::default()
    });

    assert_eq!(
        shell(&world, HEARTBEAT),
        "{\"error\":\"Device not found\"}\n404 application/json",
        "before the device is provisioned"
    );
    world.provision();
    let accepted = shell(&world, HEARTBEAT);
    let (body, status) = accepted.rsplit_once('\n').unwrap();
    assert_eq!(status, "200 application/json");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["ok"], &body["ip_address"]), (&true.into(), &"127.0.0.1".into()));
    assert_eq!(body.as_object().unwrap().len(), 3);
    let last_seen = body["last_seen"].as_str().unwrap();
    let form: String = last_seen.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(form, "0000-00-00 00:00:00");

    // The example's key is cut short, which is an invalid key: 400 (§3.3).
    assert!(shell(&world, UPLOAD).ends_with("\n400 application/json"));
    let key = fs::read_to_string(device_key.with_extension("pub")).unwrap();
    let uploaded = shell(&world, &UPLOAD.replace("ssh-ed25519 AAAA... comment", key.trim()));
    assert_eq!(uploaded, "{\"success\":true}\n200 application/json");
    let url =
        format!("http://127.0.0.1:{}/api/forcecommand/get_device_key?device_key={DEVICE}", world.api_port);
    assert_eq!(run(peer("curl"), ["-sS", &url]).trim(), key.trim());

    let host_line = fs::read_to_string(host_key.with_extension("pub")).unwrap();
    let host_line: Vec<&str> = host_line.split_whitespace().take(2).collect();
    let served = shell(&world, HOSTKEY);
    let expected = format!("meeting.example.org {}\n\n200 text/plain", host_line.join(" "));
    assert!(served.starts_with(&expected), "{served}");
}
