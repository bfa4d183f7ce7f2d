//! A device's day: entered, reporting, reachable, gone.

use meeting_api::server::Settings;

use crate::support::{Bench, DEVICE};

#[tokio::test]
async fn the_documents_heartbeat_is_answered_as_the_document_has_it() {
    let bench = Bench::new(Settings::default()).await;
    bench.add_device(DEVICE).await;
    let body = r#"{"ip_lan":"192.168.1.100","ip_public":"203.0.113.10","mac":"AA:BB:CC:DD:EE:FF"}"#;
    let answer = bench.call("POST", &format!("/api/devices/{DEVICE}/online"), body, None).await;
    assert_eq!(answer.text, r#"{"ok":true,"ip_address":"198.51.100.7","last_seen":"2026-02-02 12:34:56"}"#);
    assert_eq!(answer.status, 200);
    let unknown = bench.call("POST", "/api/devices/ffff/online", body, None).await;
    assert_eq!((unknown.status.as_u16(), unknown.text.as_str()), (404, r#"{"error":"Device not found"}"#));
}

#[tokio::test]
async fn a_port_is_reserved_once_listed_and_given_back() {
    let bench = Bench::new(Settings::default()).await;
    bench.add_reporting_device(DEVICE).await;
    let path = format!("/api/devices/{DEVICE}/service");
    let first = bench.call("POST", &path, r#"{"service":"ssh"}"#, None).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let again = bench.call("POST", &path, r#"{"service":"ssh"}"#, None).await;
    assert_eq!(first.text, again.text);
    let port = first.json()["port"].as_u64().expect("a port");
    assert!((9050..=9130).contains(&port), "{port}");
    let tunnels = bench.call("GET", "/api/tunnels", "", None).await.json();
    assert_eq!(tunnels["tunnels"][0]["port"], port);
    assert_eq!(tunnels["tunnels"][0]["local_port"], 22);
    let released = bench.operate("DELETE", &format!("{path}?service=ssh"), "").await;
    assert_eq!(released.text, r#"{"success":true}"#);
    assert_eq!(bench.call("GET", "/api/tunnels", "", None).await.text, r#"{"tunnels":[]}"#);
}

#[tokio::test]
async fn the_gates_in_front_of_a_port_open_one_after_the_other() {
    let bench = Bench::new(Settings::default()).await;
    let create = format!(r#"{{"device_key":"{DEVICE}"}}"#);
    assert_eq!(bench.operate("POST", "/api/devices/manual-create", &create).await.status, 201);
    assert_eq!(bench.operate("POST", "/api/devices/manual-create", &create).await.status, 409);
    let path = |rest: &str| format!("/api/devices/{DEVICE}{rest}");
    let ask = async |body: &str| {
        let answer = bench.call("POST", &path("/service"), body, None).await;
        (answer.status.as_u16(), answer.json()["error"].as_str().unwrap_or("").to_owned())
    };
    let refused = |words: &str| (403, words.to_owned());
    assert_eq!(ask("{}").await, (400, "Missing service param".to_owned()));
    assert_eq!(ask(r#"{"service":"relay"}"#).await, (400, "Missing relay port".to_owned()));
    assert_eq!(ask(r#"{"service":"gopher"}"#).await, (400, "Invalid service".to_owned()));
    let ssh = r#"{"service":"ssh"}"#;
    assert_eq!(ask(ssh).await, refused("Device not authorized"));
    bench.operate("PUT", &path("/authorize"), r#"{"authorized":1}"#).await;
    assert_eq!(ask(ssh).await, refused("Device missing token"));
    let closed = bench.call("POST", &path("/authorize-tunnel"), "", None).await;
    assert_eq!(closed.status, 403);
    assert_eq!(closed.text, r#"{"ok":false,"error":"No tokens left"}"#);
    bench.operate("PUT", &path("/tokens"), r#"{"token_count":1}"#).await;
    assert_eq!(ask(ssh).await, refused("Device offline (no recent heartbeat)"));
    bench.call("POST", &path("/online"), "", None).await;
    bench.operate("PUT", &path(""), r#"{"services":["http"]}"#).await;
    assert_eq!(ask(ssh).await, refused("Service not enabled"));
    bench.operate("PUT", &path(""), r#"{"services":["http","ssh","relay"]}"#).await;
    assert_eq!(ask(ssh).await.0, 200);
    assert_eq!(ask(r#"{"service":"relay","port":8080}"#).await.0, 200);
    // Online means a recent heartbeat: 150 s, and not a second more.
    bench.clock.advance(150);
    assert_eq!(ask(ssh).await.0, 200);
    bench.clock.advance(1);
    assert_eq!(ask(ssh).await, refused("Device offline (no recent heartbeat)"));
    // A device that opens its tunnel again and again uses up nothing.
    for _ in 0..3 {
        let open = bench.call("POST", &path("/authorize-tunnel"), "", None).await;
        assert_eq!((open.status.as_u16(), open.json()["token_count"].as_u64()), (200, Some(1)));
    }
}

#[tokio::test]
async fn secrets_are_for_proxies_and_operators() {
    let bench = Bench::new(Settings::default()).await;
    bench.add_reporting_device(DEVICE).await;
    let path = format!("/api/devices/{DEVICE}");
    for (caller, sees) in [(None, false), (Some(&bench.proxy), true), (Some(&bench.operator), true)] {
        let caller = caller.map(String::as_str);
        let record = bench.call("GET", &path, "", caller).await;
        assert_eq!(record.text.contains("a1b2c3"), sees, "{}", record.text);
        assert_eq!(record.json()["authorized"], true);
        assert_eq!(record.header("cache-control"), "no-store");
        let tunnel = bench.call("POST", &format!("{path}/authorize-tunnel"), "", caller).await;
        assert_eq!(tunnel.text.contains("a1b2c3"), sees, "{}", tunnel.text);
    }
    let hidden = bench.call("GET", &path, "", None).await.json();
    for field in
        ["token_code", "ap_password", "http_pw_low", "http_pw_medium", "http_pw_high", "ip_lan", "mac"]
    {
        assert_eq!(hidden.get(field), None, "{field}");
    }
}

#[tokio::test]
async fn availability_follows_the_heartbeats() {
    let bench = Bench::new(Settings::default()).await;
    bench.add_device(DEVICE).await;
    let availability =
        async || bench.call("GET", &format!("/api/devices/{DEVICE}/availability"), "", None).await.text;
    assert_eq!(
        availability().await,
        r#"{"status":"Unknown","last_heartbeat":null,"since":null,"uptime":null}"#
    );
    let beat = async || bench.call("POST", &format!("/api/status/{DEVICE}/online"), "", None).await;
    assert_eq!(beat().await.status, 200);
    bench.clock.advance(60);
    assert_eq!(beat().await.status, 200);
    bench.clock.advance(58);
    assert_eq!(
        availability().await,
        r#"{"status":"Available","last_heartbeat":"2026-02-02 12:35:56","since":"2026-02-02 12:34:56","uptime":58}"#
    );
    let seen = bench.call("GET", &format!("/api/status/{DEVICE}/last-seen"), "", None).await;
    assert_eq!(seen.text, format!(r#"{{"device_key":"{DEVICE}","last_seen":"2026-02-02 12:35:56"}}"#));
    bench.clock.advance(93);
    assert_eq!(bench.server.upkeep().await.expect("done"), [crate::support::key(DEVICE)]);
    assert_eq!(bench.server.upkeep().await.expect("done"), []);
    assert_eq!(
        availability().await,
        r#"{"status":"Disconnected","last_heartbeat":"2026-02-02 12:35:56","since":"2026-02-02 12:38:26","uptime":151}"#
    );
    let log = bench.operate("GET", &format!("/api/devices/{DEVICE}/logs"), "").await.json();
    let events: Vec<_> =
        log.as_array().expect("a list").iter().map(|line| line["event"].as_str().expect("text")).collect();
    assert_eq!(events, ["Disconnected", "Connected", "Registered"]);
    assert_eq!(log[1]["remote"], "198.51.100.7");
    // A clock that jumps back: the device is there, and the next heartbeat sets things right.
    assert_eq!(beat().await.status, 200);
    bench.clock.advance(-100_000);
    assert!(availability().await.starts_with(r#"{"status":"Available""#));
    assert!(beat().await.text.contains(r#""last_seen":"2026-02-01 "#));
}

#[tokio::test]
async fn an_operators_day() {
    let bench = Bench::new(Settings::default()).await;
    let drawn = bench.operate("GET", "/api/devices/generate-key", "").await.json();
    assert_eq!(drawn["devicekey"].as_str().map(str::len), Some(32));
    assert_eq!(drawn["token_code"].as_str().map(str::len), Some(6));
    let made = bench.operate("POST", "/api/devices/generate-and-register", r#"{"device_name":"Gate"}"#).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let key = made.json()["devicekey"].as_str().expect("a key").to_owned();
    let path = |rest: &str| format!("/api/devices/{key}{rest}");
    let code = bench.operate("PUT", &path("/token-code"), r#"{"token_code":"c0ffee"}"#).await;
    assert_eq!(code.text, r#"{"success":true,"token_code":"c0ffee"}"#);
    let random = bench.operate("PUT", &path("/token-code"), "").await.json();
    assert_ne!(random["token_code"], "c0ffee");
    bench.operate("PUT", &path("/note"), r#"{"note":"behind the shed"}"#).await;
    let list = bench.operate("GET", &format!("/api/devices?limit=1&prefix={}", &key[..8]), "").await.json();
    assert_eq!(
        (list["total"].as_u64(), list["devices"][0]["note"].as_str()),
        (Some(1), Some("behind the shed"))
    );
    assert_eq!(list["devices"][0]["device_name"], "Gate");
    assert_eq!(bench.operate("GET", "/api/devices?limit=0", "").await.json()["field"], "limit");
    for reserved in ["generate-key", "manual-create", "generate-and-register"] {
        let body = format!(r#"{{"device_key":"{reserved}"}}"#);
        assert_eq!(
            bench.operate("POST", "/api/devices/manual-create", &body).await.status,
            400,
            "{reserved}"
        );
    }
    assert_eq!(bench.operate("POST", &path("/purge-logs"), "").await.text, r#"{"success":true}"#);
    assert_eq!(bench.operate("GET", &path("/logs"), "").await.text, "[]");
    assert_eq!(bench.operate("DELETE", &path(""), "").await.text, r#"{"success":true}"#);
    assert_eq!(bench.operate("DELETE", &path(""), "").await.status, 404);

    let token = bench.operate("POST", "/api/tokens", r#"{"role":"proxy","name":"edge"}"#).await;
    assert_eq!(token.status, 201, "{}", token.text);
    let token = token.json();
    let (id, secret) = (token["id"].as_str().expect("an id"), token["token"].as_str().expect("a secret"));
    assert_eq!(bench.call("GET", "/api/tunnels", "", Some(secret)).await.status, 200);
    let tokens = bench.operate("GET", "/api/tokens", "").await;
    assert!(tokens.text.contains(r#""name":"edge""#) && !tokens.text.contains(secret), "{}", tokens.text);
    let gone = bench.operate("DELETE", &format!("/api/tokens/{id}"), "").await;
    assert_eq!(gone.text, r#"{"success":true}"#);
    assert_eq!(bench.call("GET", "/api/tunnels", "", Some(secret)).await.status, 401);
}

#[tokio::test]
async fn settings_change_while_the_server_runs() {
    let bench = Bench::new(Settings::default()).await;
    assert_eq!(bench.call("GET", "/api/tunnels", "", None).await.status, 200);
    assert_eq!(bench.call("GET", "/api/ssh/pubkey", "", None).await.status, 404);
    let mut settings = Settings::default();
    settings.tunnels_open = false;
    bench.server.configure(settings);
    assert_eq!(bench.call("GET", "/api/tunnels", "", None).await.status, 401);
}
