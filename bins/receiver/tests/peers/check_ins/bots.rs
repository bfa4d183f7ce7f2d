//! Bots that know the document only: curl, and one of Python's standard library; two of them with duplicates and lost answers.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use super::{DropIn, EXAMPLE, SECRET, check_in};
use crate::program::{ours, peer, run_command};

fn curl(arguments: &[&str]) -> String {
    run_command(Command::new(peer("curl")).args(["-sS", "-w", " %{http_code}"]).args(arguments))
}

#[test]
#[ignore = "needs curl and python3; run by .ci/run"]
fn the_documents_example_is_kept_byte_for_byte_when_curl_sends_it() {
    let receiver = DropIn::start();
    let body = receiver.folder.path().join("body.json");
    std::fs::write(&body, EXAMPLE).unwrap();
    let data = format!("@{}", body.display());
    let key = format!("Authorization: Bearer {SECRET}");
    for path in ["/", "/checkins", "/v1/checkins"] {
        assert_eq!(curl(&[&receiver.url(path)]), r#"{"status":"ok"} 200"#);
    }
    let mut statuses = Vec::new();
    for path in ["/checkins", "/", "/v1/checkins"] {
        let answer = curl(&[
            "-H",
            &key,
            "-H",
            "Content-Type: application/json",
            "--data-binary",
            &data,
            &receiver.url(path),
        ]);
        statuses.push(answer.rsplit_once(' ').unwrap().1.to_owned());
    }
    assert_eq!(statuses, ["201", "200", "200"]);
    let wrong = curl(&[
        "-H",
        "Authorization: Bearer wrong",
        "-H",
        "Content-Type: application/json",
        "--data-binary",
        &data,
        &receiver.url("/checkins"),
    ]);
    assert!(wrong.ends_with(" 401"), "{wrong}");
    let script = "import json, sqlite3, sys\n\
                  c = sqlite3.connect(sys.argv[1])\n\
                  c.row_factory = sqlite3.Row\n\
                  keep = json.load(open(sys.argv[2]))\n\
                  rows = [dict(row) for row in c.execute('SELECT * FROM check_ins')]\n\
                  assert len(rows) == 1, rows\n\
                  assert {name: rows[0][name] for name in keep} == keep, rows";
    run_command(Command::new(peer("python3")).args(["-c", script]).arg(&receiver.file).arg(&body));
}

/// The statuses that a bot of Python's standard library ends with, one for each check-in.
fn python_bot(url: &str, check_ins: &[String]) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/check_in_bot.py");
    let mut child = Command::new(peer("python3"))
        .arg(script)
        .args([url, "0.1"])
        .env("CHECKIN_API_KEY", SECRET)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = check_ins.iter().map(|text| text.replace('\n', " ")).collect::<Vec<_>>().join("\n");
    lines.push('\n');
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success());
    String::from_utf8(done.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// A network that lets every request through and loses every second answer.
fn losing_network(to: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for (number, visitor) in listener.incoming().enumerate() {
            let Ok(mut visitor) = visitor else { return };
            let Ok(mut receiver) = TcpStream::connect(("127.0.0.1", to)) else { return };
            let mut upstream = receiver.try_clone().unwrap();
            let mut requests = visitor.try_clone().unwrap();
            thread::spawn(move || std::io::copy(&mut requests, &mut upstream));
            // Python's client closes after each answer, so the answer ends with the connection.
            let mut answer = Vec::new();
            let _ = receiver.read_to_end(&mut answer);
            assert!(answer.starts_with(b"HTTP/1.1 20"), "{}", String::from_utf8_lossy(&answer));
            if number % 2 == 1 {
                let _ = visitor.write_all(&answer);
            }
            let _ = visitor.shutdown(std::net::Shutdown::Both);
        }
    });
    port
}

#[test]
#[ignore = "needs python3; run by .ci/run"]
fn c2_two_bots_with_duplicates_and_lost_answers_leave_one_record_of_each() {
    let receiver = DropIn::start();
    let heard = |bot: &str| -> Vec<String> {
        (1..=40)
            .map(|number| check_in(&format!("{number:016X}"), &format!("station {number}"), bot))
            .collect()
    };
    let lossy = format!("http://127.0.0.1:{}/checkins", losing_network(receiver.port));
    let first = python_bot(&lossy, &heard("north"));
    assert_eq!(first.iter().filter(|status| *status == "lost").count(), 20, "{first:?}");
    assert_eq!(first.iter().filter(|status| *status == "201").count(), 20, "{first:?}");
    // At its next flush the bot does not know what arrived; everything had.
    assert_eq!(python_bot(&receiver.url("/checkins"), &heard("north")), vec!["200"; 40]);
    assert_eq!(python_bot(&receiver.url("/"), &heard("south")), vec!["200"; 40]);
    let expected: BTreeSet<String> = (1..=40).map(|number| format!("{number:016X}")).collect();
    assert_eq!(receiver.hashes(), expected);
}

#[test]
#[ignore = "needs python3; run by .ci/run"]
fn a_bot_that_sends_once_more_after_429_loses_nothing_and_a_400_is_final() {
    // Every check-in but the first comes too soon, and is accepted when the bot tries again.
    let hasty: Vec<_> = (1..=10).map(|number| check_in(&format!("A{number}"), "HOWL", "north")).collect();
    let receiver =
        DropIn::start_with(&["--set", "checkin.limits.burst=1", "--set", "checkin.limits.per_second=15"]);
    assert_eq!(python_bot(&receiver.url("/checkins"), &hasty), vec!["201"; 10]);
    assert_eq!(receiver.hashes().len(), 10);

    let receiver = DropIn::start();
    let odd = [EXAMPLE.to_owned(), r#"{"packet_hash": "B"}"#.to_owned(), check_in("C", "", "north")];
    assert_eq!(python_bot(&receiver.url("/v1/checkins"), &odd), ["201", "400", "400"]);
    assert_eq!(receiver.hashes(), BTreeSet::from(["A1B2C3D4E5F67890".to_owned()]));
}

#[tokio::test]
#[ignore = "needs the program; run by .ci/run"]
async fn our_client_sends_the_documents_example_and_is_told_what_became_of_it() {
    use checkin_api::client::{Accepted, CheckInClient};
    use checkin_api::{ApiKey, CheckIn};
    let receiver = DropIn::start();
    let key = ApiKey::new(SECRET).unwrap();
    let client = CheckInClient::builder(&receiver.url("/checkins")).unwrap().api_key(key).build().unwrap();
    let example = CheckIn::decode(EXAMPLE.as_bytes()).unwrap();
    assert_eq!(client.status().await.unwrap(), "ok");
    assert_eq!(client.submit(&example).await.unwrap(), Accepted::Created);
    assert_eq!(client.submit(&example).await.unwrap(), Accepted::AlreadyHeld);
    assert_eq!(receiver.hashes(), BTreeSet::from(["A1B2C3D4E5F67890".to_owned()]));
}

#[test]
#[ignore = "needs the program; run by .ci/run"]
fn without_the_secret_it_does_not_start_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = ours("receiver");
    command.arg("checkin").current_dir(folder.path()).env_remove("CHECKIN_API_SECRET");
    for secret in [None, Some(""), Some("  ")] {
        if let Some(secret) = secret {
            command.env("CHECKIN_API_SECRET", secret);
        }
        let done = command.output().unwrap();
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(78), "{said}");
        assert!(said.contains("CHECKIN_API_SECRET"), "{secret:?}: {said}");
        assert!(!folder.path().join("checkins.db").exists());
    }
}
