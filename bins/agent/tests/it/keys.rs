//! The device's key: made once, published once, again when the server's copy differs. And the server's key.

use std::time::Duration;

use agent::Event;
use hyper::Method;

use crate::fake_meeting::Meeting;
use crate::harness::{FrozenClock, Running, config};

const SIX_HOURS: Duration = Duration::from_secs(6 * 3600);

fn fingerprint(event: &Event, wanted: &str) -> Option<String> {
    let (kind, fingerprint) = match event {
        Event::KeyGenerated { fingerprint } => ("generated", fingerprint),
        Event::KeyPublished { fingerprint } => ("published", fingerprint),
        Event::KeyPending { fingerprint } => ("pending", fingerprint),
        Event::KeyConfirmed { fingerprint } => ("confirmed", fingerprint),
        _ => return None,
    };
    (kind == wanted).then(|| fingerprint.clone())
}

#[tokio::test(start_paused = true)]
async fn the_key_is_made_published_and_published_again_when_the_server_lost_it() {
    let clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start().await;
    let config = config(&home, &meeting.url());
    let mut agent = Running::start(config.clone());
    let generated = agent.wait_for(|event| fingerprint(event, "generated")).await;
    let published = agent.wait_for(|event| fingerprint(event, "published")).await;
    assert_eq!(generated, published);
    let key = meeting.key().unwrap();
    assert!(key.starts_with("ssh-ed25519 ") && key.ends_with(" 0123456789abcdef0123456789abcdef"), "{key}");
    agent.stop().await.unwrap();

    let mut agent = Running::start(config);
    let confirmed = agent.wait_for(|event| fingerprint(event, "confirmed")).await;
    assert_eq!(confirmed, published);
    assert_eq!(meeting.count(&Method::PUT, "/ssh-key"), 1);

    meeting.set(|state| state.key = Some("nonsense".to_owned()));
    clock.advance(SIX_HOURS).await;
    agent.wait_for(|event| fingerprint(event, "published")).await;
    assert_eq!(meeting.key().unwrap(), key);
    agent.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_key_that_waits_for_approval_is_said_and_asked_about() {
    let clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start().await;
    meeting.set(|state| state.approve = true);
    let mut agent = Running::start(config(&home, &meeting.url()));
    agent.wait_for(|event| fingerprint(event, "pending")).await;
    let asked = meeting.asked();
    let put = asked.iter().find(|asked| asked.method == Method::PUT).unwrap();
    let body: serde_json::Value = serde_json::from_slice(&put.body).unwrap();

    // The operator approves it.
    meeting.set(|state| state.key = Some(body["pubkey"].as_str().unwrap().to_owned()));
    clock.advance(Duration::from_secs(600)).await;
    agent.wait_for(|event| fingerprint(event, "confirmed")).await;
    agent.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_servers_key_is_installed_only_when_asked_for_and_only_the_right_one() {
    let _clock = FrozenClock::new();
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start().await;
    let mut config = config(&home, &meeting.url());
    let file = home.path().join("authorized_keys");
    std::fs::write(&file, "# mine\n").unwrap();
    let mut agent = Running::start(config.clone());
    agent.wait_for(|event| fingerprint(event, "published")).await;
    assert_eq!(meeting.count(&Method::GET, "/api/ssh/pubkey"), 0);

    config.server_key.install = true;
    config.server_key.file = Some(file.clone());
    config.server_key.options = "restrict,pty".to_owned();
    config.server_key.fingerprint = Some("SHA256:another".to_owned());
    agent.settings.send_replace(config.clone());
    let refused = |event: &Event| match event {
        Event::ChoreFailed { chore: "server key", reason, .. } => Some(reason.clone()),
        _ => None,
    };
    let reason = agent.wait_for(refused).await;
    assert!(reason.ends_with("not SHA256:another"), "{reason}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "# mine\n");

    config.server_key.fingerprint = None;
    agent.settings.send_replace(config);
    agent.wait_for(|event| matches!(event, Event::ServerKeyInstalled { .. }).then_some(())).await;
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "# mine\nrestrict,pty ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOpKbhmyVaPYaEhI3kQdZQ7flySGrDZAkDaJpWgp5MSx \
         kept-by-meeting-agent\n"
    );
    agent.stop().await.unwrap();
}
