//! The machines beside Meeting on one listener: who may, what stays, what is counted, what the dashboard asks for.

use std::collections::BTreeSet;

use daemon::config::{SecretSource, Settings};
use daemon::logging::LogFormat;
use daemon::logging::testing::{assert_no_secret, capture};
use daemon::program::Configuration;
use daemon::secret::SecretString;
use receiver::Config;
use receiver::config::IpWatch;
use serde_json::{Value, json};

use crate::stage::{Stage, config_in, run_ipwatch_command};
use crate::web::{Answer, Asked, ask};

const SECRET: &str = "c4n4ry-of-the-machines";
const MACHINE: &str = r#"{"name":"Press 7","mac":"00:00:5e:00:53:07","groups":["lab"],"user":"192.0.2.7"}"#;

fn with_machines(folder: &std::path::Path) -> Config {
    let mut config = config_in(folder);
    let mut machines = IpWatch {
        path: folder.join("deep/below/ipwatch.db"),
        secret: Some(SecretSource::from(SecretString::from(SECRET))),
        ..IpWatch::default()
    };
    // Nobody listens there: the receiver lives without its broker, and says so.
    machines.broker.address = "mqtt://127.0.0.1:1".to_owned();
    config.ipwatch = Some(machines);
    config
}

async fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let config = with_machines(folder.path());
    Stage::with(folder, config).await
}

fn asked<'a>(method: &'a str, path: &'a str, body: &'a str) -> Asked<'a> {
    Asked { method, path, key: Some(SECRET), body, ..Asked::default() }
}

fn value(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error} in {}", answer.body))
}

#[tokio::test]
async fn machines_are_served_beside_meeting_and_stay_over_a_restart() {
    let stage = stage().await;
    assert_eq!(ask(&stage.http, asked("PUT", "/v1/ipwatch/devices/192.0.2.7", MACHINE)).await.status, 201);
    assert_eq!(ask(&stage.http, Asked { path: "/api", ..Asked::default() }).await.status, 200);
    let page = ask(&stage.http, Asked { path: "/console/machines/", ..Asked::default() }).await;
    assert!(page.body.contains("main.js"), "{}", page.body);
    assert_eq!(ask(&stage.http, Asked { path: "/console/checkins/", ..Asked::default() }).await.status, 404);
    let sections = ask(&stage.http, Asked { path: "/console/sections.js", ..Asked::default() }).await.body;
    assert!(sections.contains("'machines'") && !sections.contains("'checkins'"), "{sections}");

    let folder = stage.end().await;
    let config = with_machines(folder.path());
    let stage = Stage::with(folder, config).await;
    let devices = value(&ask(&stage.http, asked("GET", "/v1/ipwatch/devices", "")).await);
    let device = &devices["devices"][0];
    assert_eq!(
        (&device["ip"], &device["name"], &device["groups"], &device["availability"]),
        (&json!("192.0.2.7"), &json!("Press 7"), &json!(["lab"]), &json!("unknown"))
    );
    stage.end().await;
}

#[tokio::test]
async fn without_a_section_there_are_no_machines_and_no_page() {
    let stage = Stage::start().await;
    for path in ["/v1/ipwatch/devices", "/console/machines/", "/console/"] {
        assert_eq!(ask(&stage.http, Asked { path, ..Asked::default() }).await.status, 404, "{path}");
    }
    // Meeting's own part of the tree stays what it was.
    assert_eq!(ask(&stage.http, asked("POST", "/api/tracking/status/192.0.2.7", "")).await.status, 404);
    stage.end().await;
}

#[tokio::test]
async fn a_command_that_cannot_be_sent_says_so_and_is_written_down() {
    let stage = stage().await;
    ask(&stage.http, asked("PUT", "/v1/ipwatch/devices/192.0.2.7", MACHINE)).await;
    let path = "/api/tracking/shutdown/192.0.2.7";
    assert_eq!(ask(&stage.http, Asked { key: None, ..asked("POST", path, "") }).await.status, 401);
    assert_eq!(ask(&stage.http, Asked { key: Some("wrong"), ..asked("POST", path, "") }).await.status, 401);
    assert_eq!(ask(&stage.http, asked("POST", "/api/tracking/shutdown/192.0.2.8", "")).await.status, 404);
    let answer = ask(&stage.http, asked("POST", path, "")).await;
    assert!([503, 504].contains(&answer.status), "{} {}", answer.status, answer.body);
    let log = stage.ipwatch_command(&["log", "--json"]).await.unwrap();
    let log: Value = serde_json::from_str(&log).unwrap();
    assert_eq!(
        (&log[0]["command"], &log[0]["target"], &log[0]["who"]),
        (&json!("shutdown"), &json!("device:192.0.2.7"), &json!("settings"))
    );
    stage.end().await;
}

#[tokio::test]
async fn keys_are_made_used_listed_and_withdrawn_while_it_runs() {
    let stage = stage().await;
    let key = |line: &'static [&'static str]| async {
        stage.ipwatch_command(line).await.unwrap().trim().to_owned()
    };
    let reader = key(&["keys", "add", "reader", "--role", "read"]).await;
    let guard = key(&["keys", "add", "guard"]).await;
    let owner = key(&["keys", "add", "owner", "--role", "administer"]).await;
    let again = stage.ipwatch_command(&["keys", "add", "guard"]).await.unwrap_err();
    assert!(again.exit().code() == 1 && again.to_string().contains("a key named guard already"), "{again}");
    let put = |key| Asked { key: Some(key), ..asked("PUT", "/v1/ipwatch/devices/192.0.2.7", MACHINE) };
    for (key, expected) in [(&reader, 403), (&guard, 403), (&owner, 201)] {
        assert_eq!(ask(&stage.http, put(key)).await.status, expected);
    }
    let list = stage.ipwatch_command(&["keys", "list", "--json"]).await.unwrap();
    assert_no_secret(&list, &guard);
    assert_eq!(stage.ipwatch_command(&["keys", "revoke", "reader"]).await.unwrap(), "reader: withdrawn\n");
    let get = || Asked { key: Some(&reader), ..asked("GET", "/v1/ipwatch/devices", "") };
    while ask(&stage.http, get()).await.status != 401 {
        tokio::task::yield_now().await;
    }
    stage.end().await;
}

#[tokio::test]
async fn a_schedule_is_looked_at_before_it_is_made() {
    let stage = stage().await;
    let path = "/v1/ipwatch/schedules/preview";
    let body = r#"{"cron":"30 21 * * mon-fri","zone":"Europe/Paris"}"#;
    assert_eq!(ask(&stage.http, Asked { key: None, ..asked("POST", path, body) }).await.status, 401);
    let answer = value(&ask(&stage.http, asked("POST", path, body)).await);
    let moments: Vec<jiff::Timestamp> = answer["next"]
        .as_array()
        .unwrap()
        .iter()
        .map(|next| next.as_str().unwrap().parse().unwrap())
        .collect();
    assert!(moments.len() == 5 && moments.is_sorted() && moments[0] > jiff::Timestamp::now());
    assert!(
        moments.iter().all(|moment| [19, 20].contains(&jiff::tz::TimeZone::UTC.to_datetime(*moment).hour()))
    );
    for wrong in
        [r#"{"cron":"61 * * * *","zone":"UTC"}"#, r#"{"cron":"* * * * *","zone":"Nowhere/Land"}"#, "{"]
    {
        let answer = ask(&stage.http, asked("POST", path, wrong)).await;
        assert_eq!((answer.status, &value(&answer)["code"]), (400, &json!("invalid")), "{wrong}");
    }
    stage.end().await;
}

#[tokio::test]
async fn machines_are_added_listed_and_retired_at_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let config = with_machines(folder.path());
    let none = run_ipwatch_command(&config, &["devices"]).await.unwrap_err();
    assert!(none.exit().code() == 1 && none.to_string().contains("there is no file"), "{none}");
    let added = ["device", "add", "192.0.2.7", "Press 7", "--group", "lab", "--group", "night", "--json"];
    let added = run_ipwatch_command(&config, &added).await.unwrap();
    let added: Value = serde_json::from_str(&added).unwrap();
    assert_eq!((&added["new"], &added["user"]), (&json!(true), &json!("192.0.2.7")));
    let list = run_ipwatch_command(&config, &["devices", "--url", "http://127.0.0.1:1"]).await.unwrap();
    assert!(list.contains("192.0.2.7") && list.contains("Press 7") && list.contains("lab, night"), "{list}");
    assert!(list.contains("not known"), "no receiver runs: {list}");
    assert_eq!(
        run_ipwatch_command(&config, &["device", "retire", "192.0.2.7"]).await.unwrap(),
        "192.0.2.7: retired\n"
    );
    let gone = run_ipwatch_command(&config, &["device", "retire", "192.0.2.7"]).await.unwrap_err();
    assert!(gone.exit().code() == 1 && gone.to_string().contains("no machine 192.0.2.7"), "{gone}");
}

#[tokio::test]
async fn a_command_line_asks_the_receiver_that_runs() {
    let stage = stage().await;
    stage.ipwatch_command(&["device", "add", "192.0.2.7", "Press 7"]).await.unwrap();
    while ask(&stage.http, asked("GET", "/v1/ipwatch/devices/192.0.2.7", "")).await.status != 200 {
        tokio::task::yield_now().await;
    }
    let list = stage.ipwatch_command(&["devices", "--url", &stage.http]).await.unwrap();
    assert!(list.contains("unknown") && !list.contains("not known"), "{list}");
    let sent = stage.ipwatch_command(&["send", "status", "Press 7", "--url", &stage.http]).await.unwrap_err();
    assert!(sent.exit().code() == 1 && sent.to_string().contains("status Press 7"), "{sent}");
    let nobody =
        stage.ipwatch_command(&["send", "status", "nobody", "--url", &stage.http]).await.unwrap_err();
    assert!(nobody.to_string().contains("there is no machine nobody"), "{nobody}");
    // The keys that were made for it are good for nothing more.
    let keys: Value =
        serde_json::from_str(&stage.ipwatch_command(&["keys", "list", "--json"]).await.unwrap()).unwrap();
    let keys = keys.as_array().unwrap();
    assert!(keys.len() == 2 && keys.iter().all(|key| key["state"] == "revoked"), "{keys:?}");
    stage.end().await;
}

#[tokio::test]
async fn a_reload_changes_the_secret_and_refuses_what_it_cannot_use() {
    let stage = stage().await;
    let mut config = stage.config.clone();
    config.ipwatch.as_mut().unwrap().secret =
        Some(SecretSource::from(SecretString::from("another-of-the-machines")));
    let mut unusable = config.clone();
    unusable.ipwatch.as_mut().unwrap().wake_addresses.clear();
    stage.reload.send(unusable).await.unwrap();
    // The channel holds one: when there is room again, the first was looked at.
    stage.reload.send(stage.config.clone()).await.unwrap();
    let get = || asked("GET", "/v1/ipwatch/devices", "");
    assert_eq!(ask(&stage.http, get()).await.status, 200);
    stage.reload.send(config).await.unwrap();
    while ask(&stage.http, get()).await.status != 401 {
        tokio::task::yield_now().await;
    }
    stage.end().await;
}

#[test]
fn settings_that_cannot_be_used_are_refused_with_their_line() {
    for (text, expected) in [
        ("[ipwatch]\nanswer_timeout = \"1ms\"\n", "answer_timeout"),
        ("[ipwatch]\nwake_adresses = []\n", "wake_addresses"),
        ("[ipwatch.broker]\naddress = \"mqtt://192.0.2.1\"\n", "without TLS"),
        ("[ipwatch.broker]\naddress = \"broker.example.org\"\n", "mqtts://"),
    ] {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("receiver.toml");
        std::fs::write(&path, text).unwrap();
        let loaded = Settings::new("RECEIVER").file(path).load::<Config>();
        let error = loaded.and_then(|loaded| Config::validate(&loaded)).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("receiver.toml:2"), "{error}");
    }
}

#[tokio::test]
async fn t11_no_key_of_machines_is_ever_logged() {
    let captured = capture("trace", LogFormat::Json);
    let stage = stage().await;
    let minted = stage.ipwatch_command(&["keys", "add", "olga"]).await.unwrap();
    let minted = minted.trim();
    for key in [SECRET, minted, "ipw_00000000_wrong-key-of-the-machines"] {
        ask(&stage.http, Asked { key: Some(key), ..asked("GET", "/v1/ipwatch/devices", "") }).await;
    }
    stage.end().await;
    let log = captured.text();
    assert!(log.contains("listening"), "the log is heard: {log}");
    for secret in [SECRET, minted, "wrong-key-of-the-machines"] {
        assert_no_secret(&log, secret);
    }
}

/// Every metric that the dashboard asks for is one that the receiver has, and none of the receiver's goes unseen.
#[tokio::test]
async fn the_dashboard_shows_the_metrics_that_there_are() {
    let stage = stage().await;
    ask(&stage.http, asked("PUT", "/v1/ipwatch/devices/192.0.2.7", MACHINE)).await;
    let metrics = ask(&stage.admin, Asked { path: "/metrics", ..Asked::default() }).await.body;
    for line in [
        "receiver_ipwatch_machines{availability=\"unknown\"} 1",
        "receiver_ipwatch_broker_connected 0",
        "receiver_ipwatch_machine_online{ip=\"192.0.2.7\",name=\"Press 7\"} 0.0",
        "receiver_ipwatch_commands_total{command=\"shutdown\",outcome=\"done\"} 0",
        "receiver_ipwatch_machines_left_out 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let text = include_str!("../../../../docs/grafana/ipwatch.json");
    let dashboard: Value = serde_json::from_str(text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let asked: BTreeSet<String> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten())
        .flat_map(|target| names_in(target["expr"].as_str().unwrap()))
        .collect();
    let there: BTreeSet<String> = names_in(&metrics)
        .into_iter()
        .filter(|name| !name.ends_with("_sum") && !name.ends_with("_count"))
        .collect();
    // Without a type line nobody would know it: names stand in HELP and TYPE without what a counter or a histogram adds.
    let samples: BTreeSet<String> = metrics
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(names_in)
        .filter(|name| there.contains(name))
        .collect();
    let figures = ["cpu_percent", "memory_percent", "disk_percent", "uptime_seconds"];
    // A machine that said nothing yet has no figures; they are declared all the same.
    let declared = figures.map(|figure| format!("receiver_ipwatch_machine_{figure}"));
    for name in &declared {
        assert!(metrics.contains(&format!("# TYPE {name} gauge")), "{name} is not declared in\n{metrics}");
    }
    assert_eq!(asked, samples.into_iter().chain(declared).collect());
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "two panels have one id");
    stage.end().await;
}

fn names_in(text: &str) -> Vec<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(move |c| !is_part(c));
    words.filter(|word| word.starts_with("receiver_ipwatch_")).map(str::to_owned).collect()
}
