//! What device calls carry: nothing, a bearer secret, or a signature by the device's own key.

use agent::config::CredentialKind;
use agent::{Config, Event};
use daemon::config::SecretSource;
use tempfile::TempDir;

use crate::fake_meeting::{Asked, Meeting};
use crate::harness::{Running, accepted, config};

async fn first_heartbeat(home: &TempDir, change: impl FnOnce(&mut Config)) -> Asked {
    let meeting = Meeting::start().await;
    let mut config = config(home, &meeting.url());
    change(&mut config);
    let mut agent = Running::start(config);
    agent.wait_for(accepted).await;
    agent.stop().await.unwrap();
    meeting.asked().remove(0)
}

#[tokio::test]
async fn the_documents_calls_carry_nothing() {
    let home = tempfile::tempdir().unwrap();
    let asked = first_heartbeat(&home, |_| {}).await;
    for header in ["authorization", "signature", "x-token-code"] {
        assert!(!asked.headers.contains_key(header), "{header}");
    }
    assert_eq!(asked.path, "/api/devices/0123456789abcdef0123456789abcdef/online");
}

#[tokio::test]
async fn a_bearer_secret_goes_along() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("secret");
    std::fs::write(&file, "s3cret\n").unwrap();
    let asked = first_heartbeat(&home, |config| {
        config.meeting.credential = CredentialKind::Bearer;
        config.meeting.secret = Some(SecretSource::File(file));
    })
    .await;
    assert_eq!(asked.headers["authorization"], "Bearer s3cret");
}

#[tokio::test]
async fn a_signature_is_that_of_the_devices_own_key_over_this_request() {
    let home = tempfile::tempdir().unwrap();
    let asked = first_heartbeat(&home, |config| config.meeting.credential = CredentialKind::Signature).await;
    let header = |name: &str| asked.headers[name].to_str().unwrap();
    let key = agent::ssh_key_file::load(&home.path().join("state/id_ed25519")).unwrap();
    let input = header("signature-input");
    assert!(input.contains(&format!("keyid=\"{}\"", key.fingerprint())), "{input}");
    assert!(input.contains("\"@method\" \"@path\" \"@query\" \"content-digest\""), "{input}");
    assert!(header("content-digest").starts_with("sha-256=:"));
}

#[tokio::test]
async fn a_secret_is_not_sent_in_clear_to_another_machine() {
    let home = tempfile::tempdir().unwrap();
    let mut config = config(&home, "http://meeting.example.org");
    config.meeting.credential = CredentialKind::Bearer;
    config.meeting.secret = Some(SecretSource::Inline("canary".into()));
    let failure = agent::run(config, daemon::lifecycle::Stop::default(), |_: &Event| {}).await.unwrap_err();
    assert_eq!(failure.exit(), daemon::exit::Exit::Configuration);
    let text = failure.to_string();
    assert!(text.contains("https only") && !text.contains("canary"), "{text}");
}
