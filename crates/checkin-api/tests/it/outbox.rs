//! The outbox: nothing is lost, nothing overtakes, nothing blocks for ever.

use std::fs;
use std::path::Path;
use std::time::Duration;

use checkin_api::CheckIn;
use checkin_api::client::CheckInClient;
use checkin_api::outbox::{Delivered, Outbox, OutboxError, OutboxEvent, OutboxOptions};

use crate::receiver::{Answer, Receiver, check_in};

fn open(folder: &Path, change: impl FnOnce(&mut OutboxOptions)) -> Outbox {
    let mut options = OutboxOptions::default();
    change(&mut options);
    Outbox::open(folder, options).unwrap()
}

fn client(receiver: &Receiver) -> CheckInClient {
    CheckInClient::builder(&receiver.url()).unwrap().build().unwrap()
}

fn many(hashes: &[&str]) -> Vec<CheckIn> {
    hashes.iter().map(|hash| check_in(hash)).collect()
}

/// The events as texts, beside what came of it.
async fn send(outbox: &Outbox, receiver: &Receiver) -> (Result<Delivered, OutboxError>, Vec<String>) {
    let mut events = Vec::new();
    let mut sender = outbox.sender().unwrap();
    let done = sender.send_waiting(&client(receiver), |event| events.push(event.to_string())).await;
    (done, events)
}

const fn delivered(created: usize, already_held: usize, set_aside: usize) -> Delivered {
    Delivered { created, already_held, set_aside }
}

#[tokio::test]
async fn what_is_put_in_survives_a_restart_and_is_sent_oldest_first() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start([Answer::new(201, ""), Answer::new(200, ""), Answer::new(201, "")]).await;
    open(folder.path(), |_| {}).put_all(&many(&["A3", "A1"])).await.unwrap();
    open(folder.path(), |_| {}).put(&check_in("A2")).await.unwrap();

    let outbox = open(folder.path(), |_| {});
    assert_eq!(outbox.waiting().await.unwrap(), 3);
    let (done, events) = send(&outbox, &receiver).await;
    assert_eq!(done.unwrap(), delivered(2, 1, 0));
    assert_eq!(receiver.hashes(), ["A3", "A1", "A2"]);
    assert_eq!(events, ["A3 delivered", "A1 delivered, another bot was faster", "A2 delivered"]);
    assert_eq!(outbox.waiting().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_check_in_that_fails_is_tried_again_and_nothing_overtakes_it() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path(), |_| {});
    outbox.put_all(&many(&["A1", "A2"])).await.unwrap();
    let receiver = Receiver::start([
        Answer::new(503, "").header("retry-after", "30"),
        Answer::HangUp,
        Answer::new(429, ""),
        Answer::new(201, ""),
    ])
    .await;
    let (done, events) = send(&outbox, &receiver).await;
    assert_eq!(done.unwrap(), delivered(2, 0, 0));
    assert_eq!(receiver.hashes(), ["A1", "A1", "A1", "A1", "A2"]);
    let asked = receiver.asked();
    let waits: Vec<_> = asked.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    let longest = [36, 11, 21, 1].map(Duration::from_secs);
    assert!(waits.iter().zip(longest).all(|(wait, longest)| *wait <= longest), "{waits:?}");
    assert!(waits[0] >= Duration::from_secs(30), "{waits:?}");
    assert_eq!(events.len(), 5);
    assert!(
        events[0].starts_with("the receiver refused: 503 (no reason given); the next try is in 3"),
        "{events:?}"
    );
}

#[tokio::test]
async fn c6_a_poisoned_check_in_is_set_aside_with_the_reason_and_blocks_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path(), |_| {});
    outbox.put_all(&many(&["A1", "A2", "A3"])).await.unwrap();
    let receiver = Receiver::start([
        Answer::new(201, ""),
        Answer::new(400, r#"{"error":"missing fields","fields":["channel"]}"#),
        Answer::new(201, ""),
    ])
    .await;
    let (done, events) = send(&outbox, &receiver).await;
    assert_eq!(done.unwrap(), delivered(2, 0, 1));
    assert_eq!(receiver.hashes(), ["A1", "A2", "A3"]);
    assert_eq!(events[1], "A2 set aside: the receiver refused: 400 missing fields");
    let set_aside = outbox.set_aside().await.unwrap();
    assert_eq!(set_aside.len(), 1);
    assert_eq!(set_aside[0].reason, "the receiver refused: 400 missing fields");
    assert_eq!(CheckIn::decode(&fs::read(&set_aside[0].path).unwrap()).unwrap(), check_in("A2"));

    // The receiver was mended.
    receiver.then(Answer::new(201, ""));
    outbox.put(&check_in("A4")).await.unwrap();
    assert_eq!(outbox.retry_set_aside().await.unwrap(), 1);
    assert_eq!(send(&outbox, &receiver).await.0.unwrap(), delivered(2, 0, 0));
    assert_eq!(receiver.hashes()[3..], ["A4", "A2"]);
    assert_eq!(outbox.set_aside().await.unwrap(), []);
    assert_eq!(fs::read_dir(folder.path().join("refused")).unwrap().count(), 0);
}

/// Source: checkin §1.
#[tokio::test]
async fn c6_a_receiver_that_takes_nothing_stops_the_sender_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path(), |_| {});
    outbox.put_all(&many(&["A1", "A2"])).await.unwrap();
    for status in [401, 403, 404, 405, 302] {
        let receiver = Receiver::start([Answer::new(status, r#"{"error":"unauthorized"}"#)]).await;
        let (done, events) = send(&outbox, &receiver).await;
        let Err(OutboxError::Stopped(error)) = done else { panic!("{done:?}") };
        assert_eq!(error.refusal().unwrap().status, status);
        assert_eq!((receiver.asked().len(), events.len(), outbox.waiting().await.unwrap()), (1, 0, 2));
    }
    let receiver = Receiver::start([Answer::new(201, "")]).await;
    assert_eq!(send(&outbox, &receiver).await.0.unwrap(), delivered(2, 0, 0));
    assert_eq!(receiver.hashes(), ["A1", "A2"]);
}

#[tokio::test]
async fn c6_a_full_outbox_takes_no_more_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path(), |options| options.max_entries = 3);
    outbox.put_all(&many(&["A1", "A2"])).await.unwrap();
    let error = outbox.put_all(&many(&["A3", "A4"])).await.unwrap_err();
    assert_eq!(error.to_string(), "the outbox is full: 2 check-ins wait, 0 are set aside");
    outbox.put(&check_in("A3")).await.unwrap();
    assert!(matches!(outbox.put(&check_in("A4")).await, Err(OutboxError::Full { waiting: 3, set_aside: 0 })));
    let receiver = Receiver::start([Answer::new(201, "")]).await;
    assert_eq!(send(&outbox, &receiver).await.0.unwrap(), delivered(3, 0, 0));
    outbox.put(&check_in("A4")).await.unwrap();
    assert_eq!(receiver.hashes(), ["A1", "A2", "A3"]);
}

#[tokio::test]
async fn what_no_receiver_takes_does_not_get_in() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path(), |_| {});
    let empty = CheckIn { channel: String::new(), ..check_in("A2") };
    let error = outbox.put_all(&[check_in("A1"), empty]).await.unwrap_err();
    assert_eq!(error.to_string(), "not a check-in: channel empty");
    assert_eq!(outbox.waiting().await.unwrap(), 0);
}

#[tokio::test]
async fn one_sends_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (open(folder.path(), |_| {}), open(folder.path(), |_| {}));
    let sender = one.sender().unwrap();
    assert!(matches!(other.sender(), Err(OutboxError::InUse)));
    other.put(&check_in("A1")).await.unwrap();
    drop(sender);
    assert!(other.sender().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_running_sender_sends_what_is_put_in_by_itself_and_by_others() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start([Answer::new(201, "")]).await;
    let outbox = open(folder.path(), |_| {});
    let (running, client) = (outbox.clone(), client(&receiver));
    let task = tokio::spawn(async move {
        let mut sender = running.sender().unwrap();
        sender.run(&client, |_| {}).await
    });
    outbox.put(&check_in("A1")).await.unwrap();
    receiver.until_asked(1).await;
    open(folder.path(), |_| {}).put(&check_in("A2")).await.unwrap();
    receiver.until_asked(2).await;
    receiver.then(Answer::new(401, ""));
    outbox.put(&check_in("A3")).await.unwrap();
    let stopped = task.await.unwrap();
    assert_eq!(stopped.to_string(), "the receiver refused: 401 (no reason given)");
    assert_eq!(receiver.hashes(), ["A1", "A2", "A3"]);
    assert_eq!(outbox.waiting().await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_first_waits_a_part_of_the_spread() {
    let folder = tempfile::tempdir().unwrap();
    let spread = Duration::from_secs(3600);
    let outbox = open(folder.path(), |options| options.policy.spread = spread);
    outbox.put_all(&many(&["A1", "A2"])).await.unwrap();
    let receiver = Receiver::start([Answer::new(201, "")]).await;
    let start = tokio::time::Instant::now();
    assert_eq!(send(&outbox, &receiver).await.0.unwrap(), delivered(2, 0, 0));
    let asked = receiver.asked();
    assert!(asked[0].at - start <= spread + Duration::from_secs(1));
    // Once, not before each of them.
    assert!(asked[1].at - asked[0].at <= Duration::from_secs(1));
}

#[tokio::test]
async fn batches_are_sent_in_order_with_a_consequence_for_each() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path(), |options| options.batches = true);
    outbox.put_all(&many(&["A1", "A2", "A3"])).await.unwrap();
    let lines = "{\"line\":1,\"status\":201}\n{\"line\":2,\"status\":400,\"error\":\"no\"}\n{\"line\":3,\"status\":200}\n";
    let receiver = Receiver::start([Answer::new(200, lines)]).await;
    let (done, events) = send(&outbox, &receiver).await;
    assert_eq!(done.unwrap(), delivered(1, 1, 1));
    assert_eq!(receiver.asked().len(), 1);
    assert_eq!(
        events,
        [
            "A1 delivered",
            "A2 set aside: the receiver refused: 400 no",
            "A3 delivered, another bot was faster"
        ]
    );
    assert_eq!(outbox.waiting().await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_fails_stays_and_comes_first_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path(), |options| options.batches = true);
    outbox.put_all(&many(&["A1", "A2", "A3", "A4"])).await.unwrap();
    let lines = "{\"line\":1,\"status\":201}\n{\"line\":2,\"status\":503}\n{\"line\":3,\"status\":201}\n{\"line\":4,\"status\":503}\n";
    let again = "{\"line\":1,\"status\":201}\n{\"line\":2,\"status\":201}\n";
    let receiver =
        Receiver::start([Answer::new(503, ""), Answer::new(200, lines), Answer::new(200, again)]).await;
    let (done, events) = send(&outbox, &receiver).await;
    assert_eq!(done.unwrap(), delivered(4, 0, 0));
    let bodies: Vec<_> =
        receiver.asked().iter().map(|asked| asked.body.iter().filter(|b| **b == b'\n').count()).collect();
    assert_eq!(bodies, [4, 4, 2]);
    let order: Vec<_> =
        events.iter().filter(|event| event.ends_with("delivered")).map(|event| &event[..2]).collect();
    assert_eq!(order, ["A1", "A3", "A2", "A4"]);
}

#[tokio::test]
async fn a_receiver_without_batches_gets_them_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path(), |options| options.batches = true);
    outbox.put_all(&many(&["A1", "A2", "A3"])).await.unwrap();
    let receiver = Receiver::start([Answer::new(404, ""), Answer::new(201, "")]).await;
    assert_eq!(send(&outbox, &receiver).await.0.unwrap(), delivered(3, 0, 0));
    let asked = receiver.asked();
    assert_eq!(asked[0].line, "POST /v1/checkins/batch");
    assert!(asked[1..].iter().all(|asked| asked.line == "POST /checkins"));
    assert_eq!(asked[1..].iter().map(|asked| asked.hash()).collect::<Vec<_>>(), ["A1", "A2", "A3"]);
}

#[tokio::test]
async fn files_that_are_no_check_ins_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path(), |_| {});
    let queue = folder.path().join("queue");
    // A crash while writing, other programs' files, a file that is damaged.
    fs::write(queue.join(".new"), "{\"packet_hash\":\"A").unwrap();
    fs::write(queue.join("notes.json"), "{}").unwrap();
    fs::write(queue.join("7.json"), "{}").unwrap();
    fs::write(queue.join("00000000000000000004.json"), "\0\0\0\0").unwrap();
    fs::write(queue.join("00000000000000000005.json"), vec![b' '; 1 << 20]).unwrap();
    outbox.put(&check_in("A1")).await.unwrap();
    assert_eq!(outbox.waiting().await.unwrap(), 3);
    let receiver = Receiver::start([Answer::new(201, "")]).await;
    let (done, events) = send(&outbox, &receiver).await;
    assert_eq!(done.unwrap(), delivered(1, 0, 2));
    assert_eq!(receiver.hashes(), ["A1"]);
    assert_eq!(events[0], "a file set aside: the file holds no check-in: not JSON, line 1, column 1");
    let reasons: Vec<_> = outbox.set_aside().await.unwrap().into_iter().map(|file| file.reason).collect();
    assert_eq!(reasons.len(), 2);
    assert!(reasons[1].starts_with("the file holds no check-in: the JSON ends early"), "{reasons:?}");
    assert!(queue.join("notes.json").exists() && queue.join("7.json").exists());
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_is_dropped_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path(), |_| {});
    outbox.put_all(&many(&["A1", "A2"])).await.unwrap();
    let receiver = Receiver::start([Answer::new(201, "")]).await;
    receiver.close();
    let mut sender = outbox.sender().unwrap();
    {
        let sending = client(&receiver);
        let waiting = sender.send_waiting(&sending, |_| {});
        tokio::select! {
            done = waiting => panic!("{done:?}"),
            () = receiver.until_asked(1) => {}
        }
    }
    receiver.open();
    let client = client(&receiver);
    assert_eq!(sender.send_waiting(&client, |_: OutboxEvent<'_>| {}).await.unwrap(), delivered(2, 0, 0));
    assert_eq!(receiver.hashes(), ["A1", "A1", "A2"]);
}

#[cfg(unix)]
#[test]
fn the_folder_is_its_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b");
    let outbox = open(&path, |_| {});
    assert_eq!(outbox.path(), path);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
}

/// A receiver like the document's: what it refuses it does not read, and takes the body for the next request, which it
/// answers too. Choice: CI-18.
async fn careless(listener: tokio::net::TcpListener) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let mut seen = Vec::new();
            let ends =
                |seen: &[u8]| seen.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
            loop {
                let head = loop {
                    if let Some(end) = ends(&seen) {
                        break String::from_utf8(seen.drain(..end).collect()).unwrap();
                    }
                    if stream.read_buf(&mut seen).await.unwrap_or(0) == 0 {
                        return;
                    }
                };
                let length = head.to_ascii_lowercase();
                let length =
                    length.split("content-length: ").nth(1).unwrap().lines().next().unwrap().to_owned();
                let length: usize = length.parse().unwrap();
                while seen.len() < length {
                    stream.read_buf(&mut seen).await.unwrap();
                }
                seen.drain(..length);
                if head.starts_with("POST /v1/checkins/batch ") {
                    let answer =
                        b"HTTP/1.1 404 Not Found\r\ncontent-length: 21\r\n\r\n{\"error\":\"not found\"}";
                    stream.write_all(answer).await.unwrap();
                    // It has not looked at the body, and comes to it when the next line ends: with the head of the next request.
                    if stream.read_buf(&mut seen).await.unwrap_or(0) > 0 {
                        let _ =
                            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
                    }
                    return;
                }
                let _ = stream.write_all(b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}").await;
            }
        });
    }
}

#[tokio::test]
async fn the_answer_to_a_body_that_was_not_read_is_not_taken_for_that_of_the_next_check_in() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/checkins", listener.local_addr().unwrap());
    let receiver = tokio::spawn(careless(listener));
    let folder = tempfile::tempdir().unwrap();
    let outbox = open(folder.path(), |options| options.batches = true);
    outbox.put_all(&many(&["A1", "A2", "A3"])).await.unwrap();
    let client = CheckInClient::builder(&url).unwrap().build().unwrap();
    let done = outbox.sender().unwrap().send_waiting(&client, |_| {}).await.unwrap();
    assert_eq!(done, delivered(3, 0, 0));
    receiver.abort();
}
