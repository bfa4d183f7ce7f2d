//! An agent that forwards the check-ins of a radio bot.

use std::fs;
use std::path::Path;
use std::time::Duration;

use agent::events::CheckInEvent;
use agent::{Config, Event};
use daemon::config::SecretSource;
use daemon::logging::LogFormat;
use daemon::logging::testing::{assert_no_secret, capture};
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};

use crate::fake_meeting::Meeting;
use crate::harness::{Running, accepted, config};
use crate::receiver::{KEY, Receiver};

fn with_receiver(mut config: Config, home: &TempDir, receiver: &Receiver) -> Config {
    config.checkin.url = Some(receiver.url());
    config.checkin.api_key = Some(SecretSource::Inline(KEY.into()));
    config.checkin.source_bot = Some("bot-1".into());
    config.checkin.spool = Some(home.path().join("spool"));
    config.checkin.spread = daemon::config::Period::from_secs(0);
    config
}

/// Leaves a file as a bot should: under another name, then renamed.
fn leave(spool: &Path, name: &str, content: &str) {
    fs::create_dir_all(spool).unwrap();
    let new = spool.join(format!(".{name}.new"));
    fs::write(&new, content).unwrap();
    fs::rename(new, spool.join(name)).unwrap();
}

fn heard(hash: &str, message: &str) -> String {
    format!(
        r##"{{"packet_hash":"{hash}","username":"HOWL","message":"{message}","channel":"#meshmonday","timestamp":"2025-03-03T14:30:00-07:00"}}"##
    )
}

fn delivered(event: &Event) -> Option<(String, bool)> {
    match event {
        Event::CheckIn(CheckInEvent::Delivered { packet_hash, created }) => {
            Some((packet_hash.clone(), *created))
        }
        _ => None,
    }
}

fn file_refused(event: &Event) -> Option<(String, String)> {
    match event {
        Event::CheckIn(CheckInEvent::FileRefused { file, reason }) => Some((file.clone(), reason.clone())),
        _ => None,
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_a_bot_leaves_in_the_spool_reaches_the_receiver() {
    let home = tempfile::tempdir().unwrap();
    let spool = home.path().join("spool");
    let (meeting, receiver) = (Meeting::start().await, Receiver::start().await);
    leave(&spool, "1.json", &heard("A1", "check in"));
    // With what the hash is computed from; the second of the same packet is one that another bot was faster with.
    let computed =
        r#"{"sender_timestamp":1758484279,"channel":"Public","username":"🌲 Tree","message":"☁️"}"#;
    leave(&spool, "2.json", computed);
    let raw = r#"{"raw_packet":"150011C3C1354D619BAE9590E4D177DB7EEAF982F5BDCF78005D75157D9535FA90178F785D","channel":"Public"}"#;
    leave(&spool, "3.json", raw);
    fs::write(spool.join("notes.txt"), "mine").unwrap();

    let mut agent = Running::start(with_receiver(config(&home, &meeting.url()), &home, &receiver));
    assert_eq!(agent.wait_for(delivered).await, ("A1".to_owned(), true));
    assert_eq!(agent.wait_for(delivered).await, ("B35E8EC0E974A30B".to_owned(), true));
    assert_eq!(agent.wait_for(delivered).await, ("B35E8EC0E974A30B".to_owned(), false));
    leave(&spool, "4.json", &heard("A2", ""));
    assert_eq!(agent.wait_for(delivered).await, ("A2".to_owned(), true));
    agent.stop().await.unwrap();

    let check_ins = receiver.check_ins();
    assert!(check_ins.iter().all(|check_in| check_in.source_bot.as_deref() == Some("bot-1")));
    assert_eq!((check_ins[2].username.as_str(), check_ins[2].message.as_str()), ("🌲 Tree", "☁️"));
    assert_eq!(names(&spool), ["notes.txt", "refused"]);
}

#[tokio::test]
async fn what_is_no_check_in_is_moved_aside_and_holds_nothing_up() {
    let home = tempfile::tempdir().unwrap();
    let spool = home.path().join("spool");
    let (meeting, receiver) = (Meeting::start().await, Receiver::start().await);
    leave(&spool, "1.json", "not JSON");
    leave(&spool, "2.json", r##"{"username":"HOWL","message":"hi","channel":"#meshmonday"}"##);
    leave(&spool, "3.json", &heard("A1", "check in"));
    // A bot that does not rename may still be writing this one.
    fs::write(spool.join("4.json"), &heard("A2", "check in")[..40]).unwrap();
    let secret = home.path().join("secret.json");
    fs::write(&secret, heard("A3", "somebody else's file")).unwrap();
    std::os::unix::fs::symlink(&secret, spool.join("5.json")).unwrap();

    let mut agent = Running::start(with_receiver(config(&home, &meeting.url()), &home, &receiver));
    let (file, reason) = agent.wait_for(file_refused).await;
    assert_eq!((file.as_str(), reason.as_str()), ("1.json", "no check-in: syntax error, line 1, column 2"));
    let (file, reason) = agent.wait_for(file_refused).await;
    assert_eq!(file, "2.json");
    assert!(reason.starts_with("packet_hash is missing, and so is what it is computed from"), "{reason}");
    assert_eq!(agent.wait_for(delivered).await, ("A1".to_owned(), true));
    fs::write(spool.join("4.json"), heard("A2", "check in")).unwrap();
    assert_eq!(agent.wait_for(delivered).await, ("A2".to_owned(), true));
    agent.stop().await.unwrap();

    assert_eq!(names(&spool), ["5.json", "refused"]);
    assert_eq!(names(&spool.join("refused")), ["1.json", "1.json.reason.txt", "2.json", "2.json.reason.txt"]);
    assert_eq!(fs::read_to_string(spool.join("refused/1.json")).unwrap(), "not JSON");
    let reason = fs::read_to_string(spool.join("refused/1.json.reason.txt")).unwrap();
    assert_eq!(reason, "no check-in: syntax error, line 1, column 2\n");
}

/// C7: whoever may write to the spool must not be able to write elsewhere by the agent's hand.
#[tokio::test]
async fn c7_links_in_the_spool_lead_the_agent_nowhere() {
    let home = tempfile::tempdir().unwrap();
    let spool = home.path().join("spool");
    let (meeting, receiver) = (Meeting::start().await, Receiver::start().await);
    let victim = home.path().join("victim");
    fs::write(&victim, "precious").unwrap();
    fs::create_dir_all(spool.join("refused")).unwrap();
    for link in ["refused/.new", "refused/1.json.reason.txt", "refused/1.json"] {
        std::os::unix::fs::symlink(&victim, spool.join(link)).unwrap();
    }
    leave(&spool, "1.json", "not JSON");
    let mut agent = Running::start(with_receiver(config(&home, &meeting.url()), &home, &receiver));
    assert_eq!(agent.wait_for(file_refused).await.0, "1.json");
    assert_eq!(fs::read_to_string(spool.join("refused/1.json")).unwrap(), "not JSON");

    fs::remove_dir_all(spool.join("refused")).unwrap();
    std::os::unix::fs::symlink(home.path(), spool.join("refused")).unwrap();
    leave(&spool, "2.json", "not JSON either");
    let stuck = agent
        .wait_for(|event| match event {
            Event::CheckIn(CheckInEvent::FileStuck { file, reason }) => Some((file.clone(), reason.clone())),
            _ => None,
        })
        .await;
    assert_eq!(stuck.0, "2.json");
    assert!(stuck.1.ends_with("the folder `refused` is none"), "{}", stuck.1);
    // It holds nothing up.
    leave(&spool, "3.json", &heard("A1", "check in"));
    assert_eq!(agent.wait_for(delivered).await, ("A1".to_owned(), true));
    agent.stop().await.unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(!home.path().join("2.json").exists());
}

#[tokio::test]
async fn a_refused_key_is_told_keeps_everything_and_a_new_one_sends_it_at_once() {
    let logs = capture("trace", LogFormat::Text);
    let home = tempfile::tempdir().unwrap();
    let (meeting, receiver) = (Meeting::start().await, Receiver::start().await);
    leave(&home.path().join("spool"), "1.json", &heard("A1", "check in"));
    let right = with_receiver(config(&home, &meeting.url()), &home, &receiver);
    let mut wrong = right.clone();
    wrong.checkin.api_key = Some(SecretSource::Inline("canary-wrong-key".into()));
    let mut agent = Running::start(wrong);
    let wait = agent
        .wait_for(|event| match event {
            Event::CheckIn(CheckInEvent::Refused { retry_in, .. }) => Some(*retry_in),
            _ => None,
        })
        .await;
    assert!((Duration::from_secs(300)..=Duration::from_secs(360)).contains(&wait), "{wait:?}");
    agent.settings.send_replace(right);
    assert_eq!(agent.wait_for(delivered).await, ("A1".to_owned(), true));
    assert_eq!(receiver.answered(), [("A1".to_owned(), 401), ("A1".to_owned(), 201)]);
    let said = agent.heard.join("\n");
    agent.stop().await.unwrap();
    for output in [&logs.text(), &said] {
        assert!(output.contains("takes no check-ins from here"), "{output}");
        assert_no_secret(output, KEY);
        assert_no_secret(output, "canary-wrong-key");
    }
}

/// A restart between taking a file and sending it: it waits in the outbox, and what was begun to be taken is taken.
#[tokio::test]
async fn what_was_taken_before_a_restart_is_sent_after_it() {
    let home = tempfile::tempdir().unwrap();
    let spool = home.path().join("spool");
    let meeting = Meeting::start().await;
    let receiver = Receiver::start().await;
    let mut away = with_receiver(config(&home, &meeting.url()), &home, &receiver);
    let right = away.clone();
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    away.checkin.url = Some(format!("http://{}/", closed.local_addr().unwrap()));
    drop(closed);
    leave(&spool, "1.json", &heard("A1", "check in"));
    let mut agent = Running::start(away);
    agent.wait_for(|event| matches!(event, Event::CheckIn(CheckInEvent::Failed { .. })).then_some(())).await;
    agent.stop().await.unwrap();
    assert_eq!(names(&spool), ["refused"]);

    leave(&spool, ".taking-2.json", &heard("A2", "check in"));
    let mut agent = Running::start(right);
    assert_eq!(agent.wait_for(delivered).await, ("A1".to_owned(), true));
    assert_eq!(agent.wait_for(delivered).await, ("A2".to_owned(), true));
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn without_a_url_nothing_is_touched() {
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start().await;
    let mut agent = Running::start(config(&home, &meeting.url()));
    agent.wait_for(accepted).await;
    agent.stop().await.unwrap();
    assert!(!home.path().join("state/checkin-outbox").exists());
}

#[tokio::test]
async fn a_bot_without_a_meeting_server_forwards_all_the_same() {
    let home = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let spool = home.path().join("spool");
    leave(&spool, "1.json", &heard("A1", "check in"));
    let mut alone = Config { state_directory: home.path().join("state"), ..Config::default() };
    alone = with_receiver(alone, &home, &receiver);
    let (tell, mut events) = mpsc::unbounded_channel();
    let (settings, reloads) = watch::channel(alone.clone());
    let stop = daemon::lifecycle::Stop::default();
    let observer = move |event: &Event| drop(tell.send(event.clone()));
    let task = tokio::spawn(agent::checkin::forward(alone, reloads, stop.clone(), observer));
    let mut heard = Vec::new();
    while heard.last() != Some(&"check-in A1 delivered".to_owned()) {
        heard.push(events.recv().await.unwrap().to_string());
    }
    assert_eq!(heard[0], "forwarding check-ins to 127.0.0.1");
    settings.send_replace(Config::default());
    while !heard
        .last()
        .unwrap()
        .starts_with("new settings refused, the old ones stay: checkin.url is not set")
    {
        heard.push(events.recv().await.unwrap().to_string());
    }
    stop.gently.cancel();
    task.await.unwrap().unwrap();
}
