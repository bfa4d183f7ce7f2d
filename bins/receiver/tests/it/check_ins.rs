//! Check-ins beside Meeting on one listener, and alone as `receiver checkin` takes them.

use daemon::config::SecretSource;
use daemon::lifecycle::Stop;
use daemon::logging::LogFormat;
use daemon::logging::testing::{assert_no_secret, capture};
use daemon::secret::SecretString;
use receiver::config::CheckIn;
use receiver::{Config, Listeners, Receiver};
use tokio::net::TcpListener;

use crate::stage::{Stage, config_in};
use crate::web::{Asked, ask};

const SECRET: &str = "c4n4ry-of-check-ins";
const EXAMPLE: &str = r##"{"packet_hash":"A1B2C3D4E5F67890","username":"HOWL","message":"check in","channel":"#meshmonday","timestamp":"2025-03-03T14:30:00-07:00","source_bot":"meshcore-bot"}"##;

pub(crate) fn with_check_ins(folder: &std::path::Path) -> Config {
    let mut config = config_in(folder);
    config.checkin = Some(CheckIn {
        path: folder.join("deep/below/checkins.db"),
        secret: Some(SecretSource::from(SecretString::from(SECRET))),
        ..CheckIn::default()
    });
    config
}

async fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let config = with_check_ins(folder.path());
    Stage::with(folder, config).await
}

fn post<'a>(path: &'a str, key: &'a str, body: &'a str) -> Asked<'a> {
    Asked { method: "POST", path, key: Some(key), body, ..Asked::default() }
}

#[tokio::test]
async fn check_ins_and_meeting_share_one_listener() {
    let stage = stage().await;
    for (path, expected) in [("/checkins", 201), ("/v1/checkins", 200), ("/", 404), ("/api/checkins", 404)] {
        let answer = ask(&stage.http, post(path, SECRET, EXAMPLE)).await;
        assert_eq!(answer.status, expected, "{path}: {}", answer.body);
    }
    assert_eq!(
        ask(&stage.http, Asked { path: "/checkins", ..Asked::default() }).await.body,
        r#"{"status":"ok"}"#
    );
    assert_eq!(ask(&stage.http, Asked { path: "/api", ..Asked::default() }).await.status, 200);
    let page = ask(&stage.http, Asked { path: "/console/checkins/", ..Asked::default() }).await;
    assert!(page.body.contains("main.js"), "{}", page.body);
    assert_eq!(ask(&stage.http, post("/checkins", "wrong", EXAMPLE)).await.status, 401);
    let folder = stage.end().await;
    // What was acknowledged is there after a restart.
    let config = with_check_ins(folder.path());
    let stage = Stage::with(folder, config).await;
    assert_eq!(ask(&stage.http, post("/checkins", SECRET, EXAMPLE)).await.status, 200);
    stage.end().await;
}

#[tokio::test]
async fn without_a_section_there_are_no_check_ins_and_no_page() {
    let stage = Stage::start().await;
    assert_eq!(ask(&stage.http, post("/checkins", SECRET, EXAMPLE)).await.status, 404);
    assert_eq!(ask(&stage.http, Asked { path: "/console/checkins/", ..Asked::default() }).await.status, 404);
    stage.end().await;
}

#[tokio::test]
async fn a_reload_changes_secret_and_limits_and_refuses_what_it_cannot_use() {
    let stage = stage().await;
    let mut config = stage.config.clone();
    let section = config.checkin.as_mut().unwrap();
    section.secret = Some(SecretSource::from(SecretString::from("another")));
    section.limits.burst = 1;
    section.limits.per_second = 0;
    // A part that cannot be used keeps the others from changing too.
    let mut unusable = config.clone();
    unusable.meeting.trusted_proxies = vec!["nonsense".to_owned()];
    stage.reload.send(unusable).await.unwrap();
    let mut unusable = config.clone();
    unusable.checkin.as_mut().unwrap().paths = vec!["no path".to_owned()];
    stage.reload.send(unusable).await.unwrap();
    // The channel holds one: when there is room again, the first was looked at; and so on.
    stage.reload.send(stage.config.clone()).await.unwrap();
    stage.reload.send(stage.config.clone()).await.unwrap();
    assert_eq!(ask(&stage.http, post("/checkins", SECRET, EXAMPLE)).await.status, 201);
    stage.reload.send(config).await.unwrap();
    while ask(&stage.http, post("/checkins", SECRET, EXAMPLE)).await.status != 401 {
        tokio::task::yield_now().await;
    }
    let limited = ask(&stage.http, post("/checkins", "another", EXAMPLE)).await;
    assert_eq!(limited.status, 200);
    let limited = ask(&stage.http, post("/checkins", "another", EXAMPLE)).await;
    assert_eq!((limited.status, limited.header("retry-after").is_some()), (429, true));
    stage.end().await;
}

#[tokio::test]
async fn keys_are_made_used_listed_and_withdrawn_while_it_runs() {
    let stage = stage().await;
    assert_eq!(
        stage.check_in_command(&["keys", "list"]).await.unwrap(),
        "No key yet; `receiver checkin keys add NAME` makes one for a bot.\n"
    );
    let north = stage.check_in_command(&["keys", "add", "north"]).await.unwrap();
    let north = north.trim();
    assert!(north.starts_with("mci_"), "{north}");
    let reader =
        stage.check_in_command(&["keys", "add", "reader", "--role", "read", "--json"]).await.unwrap();
    let reader: serde_json::Value = serde_json::from_str(&reader).unwrap();
    assert_eq!((&reader["name"], &reader["role"]), (&"reader".into(), &"read".into()));
    let again = stage.check_in_command(&["keys", "add", "north"]).await.unwrap_err();
    assert!(again.exit().code() == 1 && again.to_string().contains("a key named north already"), "{again}");

    assert_eq!(ask(&stage.http, post("/checkins", north, EXAMPLE)).await.status, 201);
    let read_only = reader["key"].as_str().unwrap();
    assert_eq!(ask(&stage.http, post("/checkins", read_only, EXAMPLE)).await.status, 403);

    let list = stage.check_in_command(&["keys", "list", "--json"]).await.unwrap();
    assert_no_secret(&list, north);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let mut rows: Vec<_> =
        list.as_array().unwrap().iter().map(|row| (row["name"].clone(), row["state"].clone())).collect();
    rows.sort_by_key(|(name, _)| name.to_string());
    assert_eq!(rows, [("north".into(), "counts".into()), ("reader".into(), "counts".into())]);

    assert_eq!(stage.check_in_command(&["keys", "revoke", "north"]).await.unwrap(), "north: withdrawn\n");
    while ask(&stage.http, post("/checkins", north, EXAMPLE)).await.status != 401 {
        tokio::task::yield_now().await;
    }
    let gone = stage.check_in_command(&["keys", "revoke", "north"]).await.unwrap_err();
    assert!(gone.exit().code() == 1 && gone.to_string().contains("there is no key north"), "{gone}");
    stage.end().await;
}

#[tokio::test]
async fn a_command_on_a_file_that_is_not_there_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let config = with_check_ins(folder.path());
    let failure = crate::stage::run_check_in_command(&config, &["keys", "list"]).await.unwrap_err();
    assert!(failure.exit().code() == 1 && failure.to_string().contains("there is no file"), "{failure}");
    assert!(!folder.path().join("deep").exists());
}

#[tokio::test]
async fn health_and_metrics_tell_of_check_ins() {
    let stage = stage().await;
    ask(&stage.http, post("/checkins", SECRET, EXAMPLE)).await;
    ask(&stage.http, post("/checkins", SECRET, EXAMPLE)).await;
    ask(&stage.http, post("/checkins", SECRET, "{}")).await;
    while ask(&stage.admin, Asked { path: "/readyz", ..Asked::default() }).await.status != 200 {
        tokio::task::yield_now().await;
    }
    let metrics = ask(&stage.admin, Asked { path: "/metrics", ..Asked::default() }).await.body;
    for line in [
        "receiver_checkin_accepted_total 1",
        "receiver_checkin_duplicates_total 1",
        "receiver_checkin_rejected_total{reason=\"malformed\"} 1",
        "receiver_checkin_answers_total{operation=\"Submit\",status=\"201\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    stage.end().await;
}

/// Source: checkin §7.3.
#[tokio::test]
async fn alone_it_takes_what_the_script_takes_and_nothing_of_meeting() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = with_check_ins(folder.path());
    // Alone it needs no key file of Meeting's and makes no database for it.
    config.meeting.host_keys.files = vec!["/nowhere/key.pub".into()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let http = format!("http://{}", listener.local_addr().unwrap());
    let stop = Stop::default();
    let alone = Receiver::new(config).listeners(Listeners { http: Some(listener), admin: None });
    let running = tokio::spawn(alone.run_check_ins(stop.clone()));
    for (path, expected) in [("/", 201), ("/checkins", 200), ("/v1/checkins", 200), ("/api", 404)] {
        assert_eq!(ask(&http, post(path, SECRET, EXAMPLE)).await.status, expected, "{path}");
    }
    for path in ["/", "/checkins", "/v1/checkins"] {
        let answer = ask(&http, Asked { path, ..Asked::default() }).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"status":"ok"}"#), "{path}");
    }
    assert_eq!(ask(&http, Asked { path: "/healthz", ..Asked::default() }).await.status, 200);
    assert_eq!(ask(&http, Asked { path: "/readyz", ..Asked::default() }).await.status, 200);
    stop.gently.cancel();
    running.await.unwrap().unwrap();
    assert!(!folder.path().join("receiver.db").exists());
}

#[tokio::test]
async fn t11_no_key_of_check_ins_is_ever_logged() {
    let captured = capture("trace", LogFormat::Json);
    let stage = stage().await;
    let minted = stage.check_in_command(&["keys", "add", "north"]).await.unwrap();
    let minted = minted.trim();
    let wrong = format!("{minted}0");
    for key in [SECRET, minted, wrong.as_str()] {
        ask(&stage.http, post("/checkins", key, EXAMPLE)).await;
    }
    stage.end().await;
    let log = captured.text();
    assert!(log.contains("listening"), "the log is heard: {log}");
    for secret in [SECRET, minted, wrong.as_str()] {
        assert_no_secret(&log, secret);
    }
}

fn said(hash: &str, username: &str, message: &str, day: &str, bot: &str) -> String {
    serde_json::json!({
        "packet_hash": hash, "username": username, "message": message, "channel": "#meshmonday",
        "timestamp": format!("{day}T18:00:00-07:00"), "source_bot": bot,
    })
    .to_string()
}

#[tokio::test]
async fn what_was_taken_is_exported_and_counted_while_it_runs_and_afterwards() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = with_check_ins(folder.path());
    let net = serde_json::json!({
        "name": "Mesh Monday", "channel": "#meshmonday", "weekday": "monday", "opens": "17:00", "closes": "21:00",
        "zone": "America/Denver",
    });
    config.checkin.as_mut().unwrap().net = vec![serde_json::from_value(net).unwrap()];
    let stage = Stage::with(folder, config.clone()).await;
    for (body, expected) in [
        (said("A1", "HOWL", "=1+1", "2025-03-03", "north"), 201),
        (said("A1", "HOWL", "=1+1", "2025-03-03", "south"), 200),
        (said("A2", "Zoë 🦊", "hello, \"friends\"", "2025-03-10", "south"), 201),
    ] {
        assert_eq!(ask(&stage.http, post("/checkins", SECRET, &body)).await.status, expected);
    }
    let csv = stage.check_in_command(&["export", "--csv"]).await.unwrap();
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(
        lines[0],
        "packet_hash,username,message,channel,timestamp,source_bot,received_at,key,heard_by"
    );
    assert!(lines[1].starts_with("A1,HOWL,\"'=1+1\",#meshmonday,2025-03-03T18:00:00-07:00,north,"), "{csv}");
    assert!(lines[1].ends_with(",environment,north; south"), "{csv}");
    assert!(lines[2].starts_with("A2,Zoë 🦊,\"hello, \"\"friends\"\"\","), "{csv}");
    assert_eq!(lines.len(), 3);

    let folder = stage.end().await;
    let command = |line: &'static [&'static str]| crate::stage::run_check_in_command(&config, line);
    // The same on the file alone, by day in the zone asked for: 18:00 in Denver is the next day in UTC.
    for (line, expected) in [
        (&["export", "--jsonl", "--channel", "#MeshMonday", "--user", "HOWL"][..], vec!["A1"]),
        (&["export", "--jsonl", "--bot", "south"], vec!["A1", "A2"]),
        (&["export", "--jsonl", "--from", "2025-03-04", "--to", "2025-03-04"], vec!["A1"]),
        (&["export", "--jsonl", "--from", "2025-03-04", "--zone", "America/Denver"], vec!["A2"]),
    ] {
        let printed = command(line).await.unwrap();
        let hashes: Vec<String> = printed
            .lines()
            .map(|line| {
                serde_json::from_str::<serde_json::Value>(line).unwrap()["packet_hash"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        assert_eq!(hashes, expected, "{line:?}");
    }
    let wrong = command(&["export", "--csv", "--zone", "Nowhere/Land"]).await.unwrap_err();
    assert!(wrong.exit().code() == 64 && wrong.to_string().contains("zone"), "{wrong}");

    let stats: serde_json::Value =
        serde_json::from_str(&command(&["stats", "--json"]).await.unwrap()).unwrap();
    assert_eq!(
        (&stats["check_ins"], &stats["duplicates"], &stats["rejected"]),
        (&2.into(), &1.into(), &0.into())
    );
    assert_eq!(stats["nets"][0]["name"], "Mesh Monday");
    assert_eq!(stats["newest"], "2025-03-10T18:00:00-07:00");
    let table = command(&["stats"]).await.unwrap();
    assert!(table.contains("BOT    LAST REPORT"), "{table}");
    drop(folder);
}

#[tokio::test]
async fn reading_takes_a_key_unless_it_is_public_and_a_reload_brings_nets() {
    let stage = stage().await;
    let nets = Asked { path: "/v1/checkins/nets", ..Asked::default() };
    assert_eq!(ask(&stage.http, nets).await.status, 401);
    assert_eq!(ask(&stage.http, Asked { key: Some(SECRET), ..nets }).await.status, 403);
    let reader = stage.check_in_command(&["keys", "add", "reader", "--role", "read"]).await.unwrap();
    let known = ask(&stage.http, Asked { key: Some(reader.trim()), ..nets }).await;
    assert_eq!((known.status, known.body.as_str()), (200, r#"{"nets":[]}"#));
    let etag = known.header("etag").unwrap().to_owned();
    let again = ask(&stage.http, Asked { key: Some(reader.trim()), etag: Some(&etag), ..nets }).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));

    let mut config = stage.config.clone();
    let section = config.checkin.as_mut().unwrap();
    section.public_reading = true;
    let net = serde_json::json!({
        "name": "Mesh Monday", "channel": "#meshmonday", "weekday": "monday", "zone": "America/Denver",
    });
    section.net = vec![serde_json::from_value(net).unwrap()];
    stage.reload.send(config).await.unwrap();
    let open = loop {
        let answer = ask(&stage.http, nets).await;
        if answer.status == 200 {
            break answer;
        }
        tokio::task::yield_now().await;
    };
    let begins = r##"{"nets":[{"name":"Mesh Monday","channel":"#meshmonday","weekday":"monday""##;
    assert!(open.body.starts_with(begins), "{}", open.body);
    stage.end().await;
}

#[tokio::test]
async fn a_net_that_cannot_be_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = with_check_ins(folder.path());
    let net = |name: &str, zone: &str| {
        let net = serde_json::json!({"name": name, "channel": "#m", "weekday": "monday", "zone": zone});
        serde_json::from_value(net).unwrap()
    };
    for (nets, words) in [
        (
            vec![net("Denver", "America/Nowhere")],
            "`checkin.net`: `Denver`: `America/Nowhere` is no time zone",
        ),
        (vec![net("A", "UTC"), net("A", "UTC")], "`checkin.net`: two nets have the name `A`"),
    ] {
        config.checkin.as_mut().unwrap().net = nets;
        let failure = Receiver::new(config.clone()).run_check_ins(Stop::default()).await.unwrap_err();
        assert!(failure.exit().code() == 78 && failure.to_string().starts_with(words), "{failure}");
    }
}
