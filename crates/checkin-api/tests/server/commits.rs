//! How check-ins share commits, and what an observer is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use checkin_api::server::store::Outcome;
use checkin_api::server::{
    CheckInServer, Environment, Observer, Operation, Rejection, SqlStore, SqliteOptions,
};
use http::StatusCode;
use tower_service::Service;

use crate::support::{EXAMPLE, SECRET, check_in, poll_once, post, request, rows, settings};

#[derive(Debug, Default)]
struct Seen {
    commits: Mutex<Vec<usize>>,
    events: Mutex<Vec<String>>,
}

impl Seen {
    fn note(&self, event: String) {
        self.events.lock().expect("no panic").push(event);
    }
}

impl Observer for Seen {
    fn answered(&self, operation: Option<Operation>, status: StatusCode) {
        self.note(format!("{operation:?} {}", status.as_u16()));
    }

    fn accepted(&self, outcome: Outcome) {
        self.note(format!("{outcome:?}"));
    }

    fn rejected(&self, reason: Rejection) {
        self.note(reason.as_str().to_owned());
    }

    fn committed(&self, check_ins: usize, took: Duration) {
        assert!(took > Duration::ZERO);
        self.commits.lock().expect("no panic").push(check_ins);
    }
}

fn server(path: &std::path::Path, seen: &Arc<Seen>) -> CheckInServer<SqlStore> {
    let options = SqliteOptions::new(path).with_observer(seen.clone());
    let store = SqlStore::open_sqlite(options).expect("a store");
    let environment = Environment { observer: Some(seen.clone()), ..Environment::default() };
    CheckInServer::in_environment(store, settings(), environment)
}

#[tokio::test]
async fn an_observer_is_told_of_every_answer_and_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let seen = Arc::new(Seen::default());
    let mut server = server(&folder.path().join("checkins.db"), &seen);
    for request in [
        post("/", EXAMPLE, SECRET),
        post("/", EXAMPLE, SECRET),
        post("/", "{}", SECRET),
        post("/", EXAMPLE, "wrong"),
        request("GET", "/nowhere", &[], ""),
    ] {
        let Ok(_) = server.call(request).await;
    }
    let expected = [
        "New",
        "Some(Submit) 201",
        "Duplicate",
        "Some(Submit) 200",
        "malformed",
        "Some(Submit) 400",
        "unauthorized",
        "Some(Submit) 401",
        "None 404",
    ];
    assert_eq!(*seen.events.lock().expect("no panic"), expected);
    assert_eq!(*seen.commits.lock().expect("no panic"), [1, 1]);
}

/// Whatever comes in while the file is busy shares the next commit.
#[tokio::test]
async fn check_ins_that_wait_share_one_commit() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("checkins.db");
    let seen = Arc::new(Seen::default());
    let server = server(&path, &seen);
    let other = rusqlite::Connection::open(&path).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let mut requests: Vec<_> = (0..100)
        .map(|n| {
            let body = check_in(&format!("{n}"), "HOWL", None).encode();
            Box::pin(server.clone().call(post("/", &String::from_utf8(body).expect("text"), SECRET)))
        })
        .collect();
    for request in &mut requests {
        assert!(poll_once(request.as_mut()).is_none(), "nothing is answered before it is on disk");
    }
    // The writer has the first ones, the others wait behind them.
    other.execute_batch("COMMIT").expect("released");
    for request in requests {
        let Ok(answer) = request.await;
        assert_eq!(answer.status(), 201);
    }
    let commits = seen.commits.lock().expect("no panic").clone();
    assert_eq!((commits.iter().sum::<usize>(), commits.len() <= 2), (100, true), "{commits:?}");
    assert_eq!(rows(&path, "SELECT COUNT(*) FROM check_ins"), [["100"]]);
}
