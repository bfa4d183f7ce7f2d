//! The operator's commands, while the receiver serves.

use meeting_api::PublicKey;
use meeting_api::endpoint::heartbeat::Heartbeat;

use crate::stage::Stage;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBxGd0Vg4GZyBsdCZzGHi4ZBgX7kvtYtOGJrMZ2bnaZ5";
const KEY_2: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB";

async fn said(stage: &Stage, line: &[&str]) -> String {
    stage.command(line).await.unwrap_or_else(|failure| panic!("{line:?}: {failure}"))
}

async fn refused(stage: &Stage, line: &[&str]) -> (u8, String) {
    let failure = stage.command(line).await.expect_err("refused");
    (failure.exit().code(), failure.to_string())
}

#[tokio::test]
async fn a_device_from_its_entry_to_its_end() {
    let stage = Stage::start().await;
    let empty = said(&stage, &["device", "list"]).await;
    assert_eq!(empty, "No device yet; `receiver device add` enters one.\n");
    let added = said(&stage, &["device", "add", "gate-1", "--name", "Gate", "--token-code", "a1b2c3"]).await;
    assert_eq!(
        added,
        "device_key  gate-1\ntoken_code  a1b2c3\nIt may only report until `receiver device authorize gate-1`.\n"
    );
    let (code, words) = refused(&stage, &["device", "add", "gate-1"]).await;
    assert!(code == 1 && words.contains("there is a device gate-1 already"), "{words}");
    let (code, words) = refused(&stage, &["device", "authorize", "gate-2"]).await;
    assert!(code == 1 && words.contains("there is no device gate-2"), "{words}");

    assert_eq!(said(&stage, &["device", "authorize", "gate-1"]).await, "gate-1: authorised\n");
    let key = "gate-1".parse().unwrap();
    stage.client(None).heartbeat(&key, &Heartbeat::default()).await.unwrap();
    let list = said(&stage, &["device", "list", "--online", "--json"]).await;
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list[0]["device_key"], "gate-1");
    assert_eq!((&list[0]["authorized"], &list[0]["online"]), (&true.into(), &true.into()));
    assert_eq!(list[0].get("token_code"), None);
    let table = said(&stage, &["device", "list"]).await;
    assert!(table.starts_with("DEVICE  NAME  AUTHORISED  ONLINE"), "{table}");
    let shown = said(&stage, &["device", "show", "gate-1"]).await;
    assert!(shown.contains("(--secrets shows it)") && !shown.contains("a1b2c3"), "{shown}");
    assert!(said(&stage, &["device", "show", "gate-1", "--secrets"]).await.contains("a1b2c3"));

    let token = said(&stage, &["device", "token", "gate-1", "--code", "ffffff", "--count", "3"]).await;
    assert_eq!(token, "token_code   ffffff\ntoken_count  3\n");
    assert_eq!(said(&stage, &["device", "token", "gate-1"]).await, token);
    assert_eq!(said(&stage, &["device", "service", "gate-1"]).await, "any\n");
    assert_eq!(said(&stage, &["device", "service", "gate-1", "ssh", "http"]).await, "ssh\nhttp\n");
    assert_eq!(said(&stage, &["device", "note", "gate-1", "behind the shed"]).await, "gate-1: note set\n");

    let port = said(&stage, &["device", "port", "gate-1", "ssh", "--permanent"]).await;
    assert!(port.ends_with("leads to ssh 22, never ends\n"), "{port}");
    let tunnels = said(&stage, &["tunnels", "--json"]).await;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&tunnels).unwrap()[0]["local_port"], 22);
    assert_eq!(stage.client(None).tunnels().await.unwrap().tunnels.len(), 1);
    let released = said(&stage, &["device", "port", "gate-1", "ssh", "--release"]).await;
    assert_eq!(released, "gate-1: port given back\n");

    let log = said(&stage, &["device", "log", "gate-1", "--json"]).await;
    let log: serde_json::Value = serde_json::from_str(&log).unwrap();
    let events: Vec<_> = log.as_array().unwrap().iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert!(events.ends_with(&["Connected", "Authorized", "Registered"]), "{events:?}");

    let revoked = said(&stage, &["device", "revoke", "gate-1"]).await;
    assert_eq!(revoked, "gate-1: authorisation, SSH key, secret and public ports taken back\n");
    assert!(!stage.operator().device(&key).await.unwrap().authorized);
    assert_eq!(said(&stage, &["device", "delete", "gate-1", "--yes"]).await, "gate-1: deleted\n");
    assert!(stage.operator().device(&key).await.unwrap_err().is_not_provisioned());
    stage.end().await;
}

#[tokio::test]
async fn keys_wait_for_the_operator_and_reach_sshd() {
    let stage = Stage::start().await;
    said(&stage, &["device", "add", "keyed", "--authorize"]).await;
    let device = "keyed".parse().unwrap();
    let (first, second) = (PublicKey::parse(KEY).unwrap(), PublicKey::parse(KEY_2).unwrap());
    stage.client(None).publish_key(&device, &first).await.unwrap();
    let line = format!("restrict,command=\"/usr/sbin/nologin\" {KEY} meeting:keyed\n");
    assert_eq!(said(&stage, &["authorized-keys"]).await, line);
    stage.client(None).publish_key(&device, &second).await.unwrap();
    assert_eq!(said(&stage, &["authorized-keys", "root"]).await, line, "the changed key waits");
    let pending = said(&stage, &["device", "key", "list", "--pending"]).await;
    assert!(pending.contains(&second.fingerprint()), "{pending}");
    let (code, words) =
        refused(&stage, &["device", "key", "approve", "keyed", "--fingerprint", "SHA256:other"]).await;
    assert!(code == 1 && words.contains(&second.fingerprint()), "{words}");
    let approved = said(&stage, &["device", "key", "approve", "keyed"]).await;
    assert_eq!(approved, format!("keyed: {} is in force\n", second.fingerprint()));
    let found = said(&stage, &["authorized-keys", "root", &second.fingerprint()]).await;
    assert_eq!(found, line.replace(KEY, KEY_2));
    assert_eq!(said(&stage, &["authorized-keys", "root", &first.fingerprint()]).await, "");
    assert_eq!(said(&stage, &["device", "key", "revoke", "keyed"]).await, "keyed: SSH key withdrawn\n");
    assert_eq!(said(&stage, &["authorized-keys"]).await, "");
    let file = stage.folder.path().join("id.pub");
    std::fs::write(&file, format!("{KEY} somebody@example\n")).unwrap();
    said(&stage, &["device", "key", "set", "keyed", file.to_str().unwrap(), "--user", "gate"]).await;
    assert_eq!(said(&stage, &["authorized-keys", "gate"]).await, line);
    assert_eq!(said(&stage, &["authorized-keys", "root"]).await, "");
    stage.end().await;
}

#[tokio::test]
async fn secrets_are_made_listed_and_withdrawn() {
    let stage = Stage::start().await;
    let secret = said(&stage, &["token", "create", "proxy", "--name", "edge"]).await;
    let secret = secret.trim();
    assert!(secret.starts_with("mpx_"));
    assert!(stage.client(Some(secret)).tunnels().await.is_ok());
    let list = said(&stage, &["token", "list"]).await;
    assert!(list.contains("edge") && list.contains("first operator") && !list.contains(secret));
    let id = secret.split('_').nth(1).unwrap();
    assert_eq!(said(&stage, &["token", "revoke", id]).await, format!("{id}: withdrawn\n"));
    assert_eq!(refused(&stage, &["token", "revoke", id]).await.0, 1);
    assert!(stage.client(Some(secret)).tunnels().await.is_err());
    stage.end().await;
}

#[tokio::test]
async fn deleting_without_a_terminal_needs_a_yes() {
    use std::process::{Command, Stdio};
    let folder = tempfile::tempdir().unwrap();
    let database = format!("database.path={}", folder.path().join("receiver.db").display());
    let program = |line: &[&str]| {
        let ran = Command::new(env!("CARGO_BIN_EXE_receiver"))
            .args(["--set", &database])
            .args(line)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let words =
            format!("{}{}", String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        (ran.status.code().unwrap(), words)
    };
    assert_eq!(program(&["device", "add", "sturdy"]).0, 0);
    let (code, words) = program(&["device", "delete", "sturdy"]);
    assert!(code == 64 && words.contains("--yes"), "{code}: {words}");
    let (code, words) = program(&["device", "list", "--json"]);
    assert!(code == 0 && words.contains("\"device_key\": \"sturdy\""), "{words}");
    let (code, words) = program(&["--print-config"]);
    assert!(code == 0 && words.contains("online_window = \"2m30s\""), "{words}");
    let (code, words) = program(&["device", "lits"]);
    assert!(code == 64 && words.contains("list"), "{words}");
    let (code, words) = program(&["--set", "meeting.tunnel_hots=x", "device", "list"]);
    assert!(code == 78 && words.contains("tunnel_host"), "{words}");
    assert!(program(&["openapi"]).1.contains("\"openapi\": \"3.1.0\""));
    assert!(program(&["completions", "bash"]).1.contains("authorized-keys"));
    let help = program(&["--help"]).1;
    for command in ["device", "token", "tunnels", "authorized-keys", "serve", "demo"] {
        assert!(help.contains(command), "{help}");
    }
}
