//! `agent checkin …` as people and scripts call it.

use std::path::Path;
use std::process::Output;

use tokio::process::Command;

use crate::receiver::{KEY, Receiver};

const RAW: &str = "150011C3C1354D619BAE9590E4D177DB7EEAF982F5BDCF78005D75157D9535FA90178F785D";

async fn agent(home: &Path, url: &str, key: &str, arguments: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_agent"));
    command.env_clear().env("CHECKIN_API_KEY", key).arg("checkin").args(arguments).args([
        "--set",
        &format!("checkin.url={url}"),
        "--set",
        &format!("state_directory={}", home.display()),
    ]);
    let Output { status, stdout, stderr } = command.output().await.unwrap();
    let text = [stdout, stderr].concat();
    (status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn message(name: &str) -> Vec<&str> {
    vec!["--channel", "#meshmonday", "--sender-timestamp", "1741037400", "--text", "check in", "--name", name]
}

fn submit(name: &str) -> Vec<&str> {
    let mut arguments = vec!["submit"];
    arguments.extend(message(name));
    arguments
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_in_is_handed_over_and_its_hash_computed() {
    let home = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let url = receiver.url();
    let (code, hash) = agent(home.path(), &url, KEY, &[&["hash"][..], &message("HOWL")].concat()).await;
    assert_eq!((code, hash.trim_end().len()), (0, 16), "{hash}");
    let hash = hash.trim_end();
    let (code, said) = agent(home.path(), &url, KEY, &submit("HOWL")).await;
    assert_eq!((code, said), (0, format!("{hash} delivered\n")));
    let (code, said) = agent(home.path(), &url, KEY, &submit("HOWL")).await;
    assert_eq!((code, said), (0, format!("{hash} delivered, another bot was faster\n")));
    let raw = ["submit", "--channel", "Public", "--raw-packet", RAW, "--source-bot", "bot-2"];
    let (code, said) = agent(home.path(), &url, KEY, &raw).await;
    assert_eq!((code, said.as_str()), (0, "B35E8EC0E974A30B delivered\n"));
    let sent = receiver.check_ins();
    assert_eq!((sent[0].username.as_str(), sent[0].message.as_str()), ("HOWL", "check in"));
    assert_eq!((sent[2].username.as_str(), sent[2].source_bot.as_deref()), ("🌲 Tree", Some("bot-2")));
    assert!(sent[0].timestamp.instant().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_sent_now_is_kept_and_the_exit_code_says_so() {
    let home = tempfile::tempdir().unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let away = format!("http://{}/", closed.local_addr().unwrap());
    drop(closed);
    let (code, said) =
        agent(home.path(), &away, KEY, &[&submit("HOWL")[..], &["--wait", "1"]].concat()).await;
    assert_eq!(code, 75, "{said}");
    assert!(said.contains("is kept, and sent later"), "{said}");
    assert!(said.contains("Connection refused"), "{said}");

    let receiver = Receiver::start().await;
    let (code, said) = agent(home.path(), &receiver.url(), "wrong", &submit("LYNX")).await;
    assert_eq!(code, 77, "{said}");
    assert!(said.contains("401"), "{said}");
    assert!(!said.contains("wrong"), "{said}");
    let (code, said) = agent(home.path(), &receiver.url(), KEY, &["list"]).await;
    assert_eq!((code, said.as_str()), (0, "waiting: 2\nset aside: 0\n"));

    // The right key sends them all, the oldest first.
    let (code, said) = agent(home.path(), &receiver.url(), KEY, &submit("WOLF")).await;
    assert_eq!(code, 0, "{said}");
    let names: Vec<_> = receiver.check_ins().into_iter().map(|check_in| check_in.username).collect();
    assert_eq!(names, ["HOWL", "HOWL", "LYNX", "WOLF"]);
    assert_eq!(said.lines().count(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_check_in_is_65_and_without_a_url_it_is_78() {
    let home = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let no_hash = ["submit", "--channel", "#meshmonday", "--name", "HOWL", "--text", "hi"];
    let (code, said) = agent(home.path(), &receiver.url(), KEY, &no_hash).await;
    assert_eq!(code, 65, "{said}");
    assert!(said.contains("--sender-timestamp"), "{said}");
    // The receiver takes names of 1,024 bytes: it refuses, and the check-in is set aside.
    let long = "n".repeat(1025);
    let hash = ["submit", "--channel", "#meshmonday", "--name", &long, "--text", "hi", "--packet-hash", "A1"];
    let (code, said) = agent(home.path(), &receiver.url(), KEY, &hash).await;
    assert_eq!(code, 65, "{said}");
    assert!(said.contains("A1 set aside"), "{said}");
    let (code, said) = agent(home.path(), &receiver.url(), KEY, &["list", "--json"]).await;
    let listed: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &listed["waiting"], listed["set_aside"].as_array().unwrap().len()), (0, &0.into(), 1));
    let (code, said) = agent(home.path(), &receiver.url(), KEY, &["retry"]).await;
    assert_eq!((code, said.as_str()), (0, "1 to be sent again\n"));

    let ran = Command::new(env!("CARGO_BIN_EXE_agent"))
        .env_clear()
        .args(["checkin", "list", "--set", "state_directory=/nonexistent"])
        .output()
        .await
        .unwrap();
    assert_eq!(ran.status.code(), Some(78));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_checklist_tries_receiver_key_and_spool_and_stores_nothing() {
    let home = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let spool = format!("checkin.spool={}", home.path().display());
    let (code, said) = agent(home.path(), &receiver.url(), KEY, &["check", "--set", &spool]).await;
    assert_eq!(code, 0, "{said}");
    for step in ["Receiver of check-ins", "127.0.0.1: ok", "Key for check-ins", "accepted", "Spool folder"] {
        assert!(said.contains(step), "{step}: {said}");
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);

    let (code, said) = agent(
        home.path(),
        &receiver.url(),
        "wrong",
        &["check", "--json", "--set", "checkin.spool=/nonexistent"],
    )
    .await;
    assert_eq!(code, 1, "{said}");
    let report: serde_json::Value = serde_json::from_str(
        said.lines().take_while(|line| !line.starts_with("agent")).collect::<Vec<_>>().join("\n").as_str(),
    )
    .unwrap();
    let verdicts: Vec<_> = report["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["id"].as_str().unwrap(), step["verdict"].as_str().unwrap()))
        .collect();
    assert_eq!(verdicts, [("checkin", "ok"), ("checkin_key", "failed"), ("checkin_spool", "failed")]);
    assert_eq!(receiver.answered(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_an_agent_runs_it_is_the_one_that_sends() {
    let home = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let options = checkin_api::outbox::OutboxOptions::default();
    let outbox = checkin_api::outbox::Outbox::open(home.path().join("checkin-outbox"), options).unwrap();
    let sender = outbox.sender().unwrap();
    let (code, said) = agent(home.path(), &receiver.url(), KEY, &submit("HOWL")).await;
    assert_eq!(code, 0, "{said}");
    assert!(said.ends_with("handed over: the agent that runs here sends it\n"), "{said}");
    assert_eq!((receiver.answered().len(), outbox.waiting().await.unwrap()), (0, 1));
    drop(sender);
}
