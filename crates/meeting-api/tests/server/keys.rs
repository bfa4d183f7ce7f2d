//! Keys from publication to sshd.

use meeting_api::server::store::Keys;
use meeting_api::server::{AuthorizedKeysOptions, DeviceAuth, Settings, authorized_keys, host_key_lines};

use crate::support::{Bench, DEVICE, OTHER, key};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBxGd0Vg4GZyBsdCZzGHi4ZBgX7kvtYtOGJrMZ2bnaZ5";
const KEY_2: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB";

fn body(pubkey: &str) -> String {
    serde_json::json!({ "pubkey": pubkey }).to_string()
}

fn path(rest: &str) -> String {
    format!("/api/devices/{DEVICE}/ssh-key{rest}")
}

async fn plain(bench: &Bench) -> (u16, String) {
    let path = format!("/api/forcecommand/get_device_key?device_key={DEVICE}");
    let answer = bench.call("GET", &path, "", None).await;
    (answer.status.as_u16(), answer.text)
}

#[tokio::test]
async fn a_key_is_published_read_changed_with_approval_and_withdrawn() {
    let bench = Bench::new(Settings::default()).await;
    bench.add_device(DEVICE).await;
    let not_found = (404, r#"{"status":"not_found"}"#.to_owned());
    assert_eq!(plain(&bench).await, not_found);
    let first = bench.call("PUT", &path(""), &body(&format!("{KEY}  a   comment\n")), None).await;
    assert_eq!((first.status.as_u16(), first.text.as_str()), (200, r#"{"success":true}"#));
    let line = (200, format!("{KEY} a comment\n"));
    assert_eq!(plain(&bench).await, line);
    let same = bench.call("PUT", &path(""), &body(KEY), None).await;
    assert_eq!(same.text, r#"{"success":true}"#);

    let changed = bench.call("PUT", &path(""), &body(KEY_2), None).await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.text, r#"{"success":true,"status":"pending"}"#);
    assert_eq!(plain(&bench).await, line, "until the operator agrees the old key stays");
    let strangers_view = bench.call("GET", &path(""), "", None).await.json();
    assert_eq!(strangers_view.get("pending_fingerprint"), None);
    let waiting = bench.operate("GET", "/api/ssh-keys?status=pending", "").await.json();
    let fingerprint = waiting["keys"][0]["pending_fingerprint"].as_str().expect("one waits").to_owned();
    assert!(fingerprint.starts_with("SHA256:"), "{fingerprint}");

    let other = bench.operate("POST", &path("/approve"), r#"{"fingerprint":"SHA256:other"}"#).await;
    assert_eq!((other.status.as_u16(), other.json()["error"].as_str()), (409, Some("Another key waits")));
    let meant = serde_json::json!({ "fingerprint": fingerprint }).to_string();
    assert_eq!(bench.operate("POST", &path("/approve"), &meant).await.text, r#"{"success":true}"#);
    assert_eq!(plain(&bench).await, (200, format!("{KEY_2}\n")));
    assert_eq!(bench.operate("POST", &path("/reject"), "").await.status, 404);

    assert_eq!(bench.operate("DELETE", &path(""), "").await.text, r#"{"success":true}"#);
    assert_eq!(plain(&bench).await, not_found);
    let kept = bench.operate("GET", &path(""), "").await.json();
    assert_eq!((kept["status"].as_str(), kept["pubkey"].as_str()), (Some("revoked"), Some(KEY_2)));
}

#[tokio::test]
async fn what_is_no_key_and_who_may_not_publish_is_refused() {
    let bench = Bench::new(Settings::default()).await;
    bench.add_device(DEVICE).await;
    for bad in ["", "ssh-ed25519", "restrict ssh-ed25519 AAAA", &format!("{KEY}\n{KEY_2}"), "no key"] {
        let answer = bench.call("PUT", &path(""), &body(bad), None).await;
        assert_eq!((answer.status.as_u16(), answer.json()["field"].as_str()), (400, Some("pubkey")), "{bad}");
    }
    assert_eq!(bench.call("PUT", &path(""), "{}", None).await.json()["error"], "Missing pubkey");
    bench.operate("PUT", &format!("/api/devices/{DEVICE}/authorize"), r#"{"authorized":0}"#).await;
    let refused = bench.call("PUT", &path(""), &body(KEY), None).await;
    assert_eq!(
        (refused.status.as_u16(), refused.text.as_str()),
        (403, r#"{"error":"Device not authorized"}"#)
    );
    // An operator may all the same, and says for which user.
    let set = serde_json::json!({ "pubkey": KEY, "ssh_user": "gate", "status": "authorized" }).to_string();
    assert_eq!(bench.operate("PUT", &path(""), &set).await.text, r#"{"success":true}"#);
    assert_eq!(bench.operate("GET", &path(""), "").await.json()["ssh_user"], "gate");
    let unknown = "/api/devices/absent/ssh-key";
    assert_eq!(bench.call("PUT", unknown, &body(KEY), None).await.status, 404);
    assert_eq!(bench.call("GET", unknown, "", None).await.json()["error"], "Device not found");
}

#[tokio::test]
async fn r2_in_required_mode_a_stranger_neither_reports_nor_replaces_a_key() {
    let mut settings = Settings::default();
    settings.device_auth = DeviceAuth::Required;
    let bench = Bench::new(settings).await;
    bench.add_device(DEVICE).await;
    let issued = bench.operate("POST", &format!("/api/devices/{DEVICE}/secret"), "").await.json();
    let secret = issued["secret"].as_str().expect("a secret").to_owned();
    assert_eq!(bench.call("PUT", &path(""), &body(KEY_2), None).await.status, 401);
    assert_eq!(bench.call("PUT", &path(""), &body(KEY), Some(&secret)).await.text, r#"{"success":true}"#);
    let online = format!("/api/devices/{DEVICE}/online");
    assert_eq!(bench.call("POST", &online, "", None).await.status, 401);
    assert_eq!(bench.call("POST", &online, "", Some(&secret)).await.status, 200);
    // A new secret ends the old one; withdrawing ends both.
    let newer = bench.operate("POST", &format!("/api/devices/{DEVICE}/secret"), "").await.json();
    let newer = newer["secret"].as_str().expect("a secret").to_owned();
    assert_eq!(bench.call("POST", &online, "", Some(&secret)).await.status, 401);
    assert_eq!(bench.call("POST", &online, "", Some(&newer)).await.status, 200);
    assert_eq!(bench.operate("DELETE", &format!("/api/devices/{DEVICE}/secret"), "").await.status, 200);
    assert_eq!(bench.call("POST", &online, "", Some(&newer)).await.status, 401);
}

#[tokio::test]
async fn authorized_keys_hold_the_keys_that_count_and_nothing_a_device_wrote() {
    let bench = Bench::new(Settings::default()).await;
    bench.add_device(DEVICE).await;
    bench.add_device(OTHER).await;
    bench.call("PUT", &path(""), &body(&format!("{KEY} command=\"rm -rf /\"")), None).await;
    let other = serde_json::json!({ "pubkey": KEY_2, "ssh_user": "gate" }).to_string();
    bench.operate("PUT", &format!("/api/devices/{OTHER}/ssh-key"), &other).await;
    let lines = async |user: Option<&str>, options: &AuthorizedKeysOptions| {
        let records = bench.server.store().ssh_keys(false).await.expect("read");
        authorized_keys(&records, user, options)
    };
    let default = AuthorizedKeysOptions::default();
    let first = format!("restrict,command=\"/usr/sbin/nologin\" {KEY} meeting:{DEVICE}\n");
    let second = format!("restrict,command=\"/usr/sbin/nologin\" {KEY_2} meeting:{OTHER}\n");
    assert_eq!(lines(None, &default).await, format!("{first}{second}"));
    assert_eq!(lines(Some("gate"), &default).await, format!("{first}{second}"));
    assert_eq!(lines(Some("root"), &default).await, first);
    let options = AuthorizedKeysOptions::default()
        .with_command("/usr/local/bin/serve \"{device_key}\"")
        .expect("a command")
        .with_port_forwarding(true);
    assert_eq!(
        lines(Some("root"), &options).await,
        format!(
            "restrict,port-forwarding,command=\"/usr/local/bin/serve \\\"{DEVICE}\\\"\" {KEY} meeting:{DEVICE}\n"
        )
    );
    for bad in ["", " ", "a\nb", "a\\", "a\\\"b"] {
        assert!(AuthorizedKeysOptions::default().with_command(bad).is_err(), "{bad:?}");
    }
    bench.operate("PUT", &format!("/api/devices/{DEVICE}/authorize"), r#"{"authorized":0}"#).await;
    assert_eq!(lines(None, &default).await, second);
    bench.server.store().revoke_key(&key(OTHER), bench.now()).await.expect("stored");
    assert_eq!(lines(None, &default).await, "");
}

#[tokio::test]
async fn host_keys_are_served_as_they_were_parsed() {
    let files = format!("# a comment\n{KEY} root@server\n\nother.example.org {KEY_2}\n");
    let lines = host_key_lines("meeting.example.org", &files).expect("keys");
    assert_eq!(lines, format!("meeting.example.org {KEY}\nmeeting.example.org {KEY_2}\n"));
    let mut settings = Settings::default();
    settings.host_keys = lines.clone();
    let bench = Bench::new(settings).await;
    let answer = bench.call("GET", "/api/ssh-hostkey", "", None).await;
    assert_eq!((answer.status.as_u16(), answer.text), (200, lines));
    let table = [
        ("*.example.org", KEY, "the host of the host keys is a name, an address, or [name]:port"),
        ("a,b", KEY, "the host of the host keys is a name, an address, or [name]:port"),
        ("ok.example.org", "@cert-authority * ssh-ed25519 AAAA", "line 1: "),
    ];
    for (host, keys, words) in table {
        let refused = host_key_lines(host, keys).expect_err("refused").to_string();
        assert!(refused.starts_with(words), "{refused}");
    }
}
