//! The end, in order and out of order: what was acknowledged is there (threat C3).

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::wire::Wire;
use super::{DropIn, check_in};

const BOTS: usize = 8;
const ROUNDS: usize = 12;

/// Bots that send until the receiver goes away; gives the hashes that were acknowledged. Calls `then` once there are `enough` of them.
fn flush(port: u16, round: usize, enough: usize, then: impl FnOnce()) -> BTreeSet<String> {
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let count = Arc::new(AtomicUsize::new(0));
    let (rang, bell) = std::sync::mpsc::sync_channel(1);
    let bots: Vec<_> = (0..BOTS)
        .map(|bot| {
            let (acknowledged, count, rang) = (Arc::clone(&acknowledged), Arc::clone(&count), rang.clone());
            thread::spawn(move || {
                let Ok(mut wire) = Wire::try_connect(port) else { return };
                for number in 0.. {
                    let hash = format!("A{round:03X}{bot:04X}{number:08X}");
                    match wire.post(&check_in(&hash, "HOWL", &format!("bot {bot}"))) {
                        Ok(201) => _ = acknowledged.lock().unwrap().insert(hash),
                        Ok(other) => panic!("answered {other}"),
                        Err(_) => return,
                    }
                    if count.fetch_add(1, Ordering::AcqRel) + 1 == enough {
                        rang.send(()).unwrap();
                    }
                }
            })
        })
        .collect();
    bell.recv_timeout(super::PATIENCE).expect("check-ins are acknowledged");
    then();
    bots.into_iter().for_each(|bot| bot.join().unwrap());
    let acknowledged = acknowledged.lock().unwrap();
    acknowledged.clone()
}

#[test]
#[ignore = "needs python3; run by .ci/run"]
fn c3_every_acknowledged_check_in_is_there_after_kill_9_under_load() {
    let mut receiver = DropIn::start();
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        // Another moment each time: within the first commits, and well after them.
        let enough = 1 + round * 37 % 450;
        let port = receiver.port;
        let pid = receiver.program.pid().to_string();
        acknowledged.extend(flush(port, round, enough, || {
            let killed = std::process::Command::new("kill").args(["-KILL", &pid]).status().unwrap();
            assert!(killed.success());
        }));
        receiver.kill_and_restart();
        let held = receiver.hashes();
        let lost: Vec<_> = acknowledged.difference(&held).collect();
        assert!(
            lost.is_empty(),
            "round {round}: {} of {} lost, such as {:?}",
            lost.len(),
            acknowledged.len(),
            lost.first()
        );
    }
    eprintln!("{ROUNDS} kills, {} acknowledged, none lost", acknowledged.len());
}

#[test]
#[ignore = "needs python3; run by .ci/run"]
fn an_orderly_end_answers_what_it_took_and_keeps_it() {
    let mut receiver = DropIn::start();
    // A request whose body is still on its way when the end begins.
    let body = check_in("UNDERWAY", "HOWL", "north");
    let mut wire = Wire::connect(receiver.port);
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        super::SECRET,
        body.len()
    );
    wire.send(head.as_bytes()).unwrap();
    wire.send(&body.as_bytes()[..10]).unwrap();
    // Its head was read when a later request on another connection is answered.
    let mut other = Wire::connect(receiver.port);
    assert_eq!(other.post(&check_in("BEFORE", "HOWL", "north")).unwrap(), 201);
    receiver.program.signal("TERM");
    receiver.program.wait_for("stopping in order", super::PATIENCE);
    wire.send(&body.as_bytes()[10..]).unwrap();
    assert_eq!(wire.answer().unwrap().0, 201);
    assert!(receiver.program.stop_finished().success());
    assert_eq!(receiver.hashes(), BTreeSet::from(["BEFORE".to_owned(), "UNDERWAY".to_owned()]));
}
