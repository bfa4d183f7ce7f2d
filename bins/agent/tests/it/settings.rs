//! Reload: good settings are taken over, bad ones leave the old ones in force.

use agent::Event;
use daemon::config::SecretSource;

use crate::fake_meeting::Meeting;
use crate::harness::{Running, accepted, config};

#[tokio::test]
async fn bad_settings_are_refused_and_the_agent_goes_on_with_the_old_ones() {
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start().await;
    let mut config = config(&home, &meeting.url());
    let mut agent = Running::start(config.clone());
    agent.wait_for(accepted).await;

    let good = config.clone();
    config.token = Some(SecretSource::File(home.path().join("absent")));
    agent.settings.send_replace(config);
    let reason = agent
        .wait_for(|event| match event {
            Event::ReloadRefused { reason } => Some(reason.clone()),
            _ => None,
        })
        .await;
    assert!(reason.contains("absent"), "{reason}");

    agent.settings.send_replace(good);
    agent.wait_for(|event| (*event == Event::Reloaded).then_some(())).await;
    agent.wait_for(accepted).await;
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn settings_that_cannot_be_used_end_the_start_with_78() {
    let home = tempfile::tempdir().unwrap();
    let mut broken = config(&home, "http://127.0.0.1:1");
    broken.meeting.url = None;
    let mut no_key = config(&home, "http://127.0.0.1:1");
    no_key.device_key = None;
    let mut no_url = config(&home, "meeting.example.org");
    no_url.device_key = Some("a".parse().unwrap());
    for (config, word) in [(broken, "meeting.url"), (no_key, "device_info.json"), (no_url, "meeting.url")] {
        let failure = agent::run(config, daemon::lifecycle::Stop::default(), ()).await.unwrap_err();
        assert_eq!(failure.exit(), daemon::exit::Exit::Configuration, "{failure}");
        assert!(failure.to_string().contains(word), "{failure}");
    }
}
