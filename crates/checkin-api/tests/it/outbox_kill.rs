//! `kill -9` in a loop: what an outbox took is there afterwards, and arrives in its order.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use checkin_api::client::CheckInClient;
use checkin_api::outbox::{Outbox, OutboxOptions};

use crate::receiver::{Answer, Receiver, check_in};

const FOLDER: &str = "CHECKIN_OUTBOX_KILL_FOLDER";
const URL: &str = "CHECKIN_OUTBOX_KILL_URL";
const FIRST: &str = "CHECKIN_OUTBOX_KILL_FIRST";

/// The one that is killed: puts in without end, says so for each, and sends meanwhile.
#[tokio::test]
#[ignore = "the child of another test"]
async fn child() {
    let var = |name| std::env::var(name).unwrap();
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let outbox = Outbox::open(folder, OutboxOptions::default()).unwrap();
    let client = CheckInClient::builder(&var(URL)).unwrap().build().unwrap();
    let sending = outbox.clone();
    tokio::spawn(async move { sending.sender().unwrap().run(&client, |_| {}).await });
    for number in var(FIRST).parse::<u64>().unwrap().. {
        outbox.put(&check_in(&format!("{number:08}"))).await.unwrap();
        println!("put {number:08}");
    }
}

fn start(folder: &std::path::Path, url: &str, first: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "outbox_kill::child", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(URL, url)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c6_nothing_that_was_taken_is_lost_by_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start([Answer::new(201, "")]).await;
    let mut taken = BTreeSet::new();
    for round in 1..=20_u64 {
        let mut child = start(folder.path(), &receiver.url(), round * 1_000_000);
        let output = BufReader::new(child.stdout.take().unwrap());
        let lines = output
            .lines()
            .map_while(Result::ok)
            .filter_map(|line| Some(line.strip_prefix("put ")?.to_owned()));
        // The child is killed between any two of its steps, for it goes on while its lines are read.
        let wanted = usize::try_from(round).unwrap() * 3;
        let mut lines = lines;
        let mut read: Vec<_> = lines.by_ref().take(wanted).collect();
        child.kill().unwrap();
        read.extend(lines);
        child.wait().unwrap();
        assert!(read.len() >= wanted, "round {round}");
        taken.extend(read);
    }
    let outbox = Outbox::open(folder.path(), OutboxOptions::default()).unwrap();
    let client = CheckInClient::builder(&receiver.url()).unwrap().build().unwrap();
    let delivered = outbox.sender().unwrap().send_waiting(&client, |_| {}).await.unwrap();
    assert_eq!(delivered.set_aside, 0);
    assert_eq!(outbox.waiting().await.unwrap(), 0);
    let arrived = receiver.hashes();
    let missing: Vec<_> = taken.difference(&arrived.iter().cloned().collect()).cloned().collect();
    assert!(missing.is_empty(), "{missing:?}");
    // What the receiver got twice, because the first answer was lost, it got one after the other.
    let mut first_time = arrived.clone();
    first_time.dedup();
    assert!(first_time.is_sorted(), "{first_time:?}");
    assert!(taken.len() >= 630, "{}", taken.len());
}
