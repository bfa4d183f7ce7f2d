//! The document's own JSON and curl bodies, and the shapes seen in the field, byte for byte.

use meeting_api::endpoint::api_status::ApiStatus;
use meeting_api::endpoint::authorize_tunnel::{TunnelAuthorization, encode_refusal};
use meeting_api::endpoint::availability::{Availability, AvailabilityStatus, LastSeen};
use meeting_api::endpoint::device::DeviceRecord;
use meeting_api::endpoint::device_admin::{
    Authorize, IssuedSecret, SetNote, SetServices, SetTokenCode, SetTokens, TokenCodeReply,
};
use meeting_api::endpoint::devices::{CreateDevice, DeviceList, ListQuery, NewDevice};
use meeting_api::endpoint::heartbeat::{Heartbeat, HeartbeatReply};
use meeting_api::endpoint::logs::DeviceLog;
use meeting_api::endpoint::server_pubkey::ServerPubkey;
use meeting_api::endpoint::service_request::{ServiceGrant, ServiceList, ServiceRequest};
use meeting_api::endpoint::ssh_key::{KeyRecord, KeyStatus, PublishKey};
use meeting_api::endpoint::tunnels::TunnelList;
use meeting_api::endpoint::{ROUTES, Success, device_pubkey};
use meeting_api::{
    ClusterIp, DecodeError, DeviceKey, Note, Refusal, Secret, ServiceName, ServiceSet, TokenCode,
};

const KEY: &str = "0123456789abcdef0123456789abcdef";

fn invalid<T>(field: &'static str) -> Result<T, DecodeError> {
    Err(DecodeError::Invalid { field })
}

fn missing<T>(field: &'static str) -> Result<T, DecodeError> {
    Err(DecodeError::Missing { field })
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// meeting §3.1, the recommended payload.
const HEARTBEAT: &str = r#"{
  "ip_address": "203.0.113.10",
  "ip_lan": "192.168.1.100",
  "ip_public": "203.0.113.10",
  "mac": "AA:BB:CC:DD:EE:FF",
  "cluster_ip": "10.0.0.5",
  "note": "optional short status"
}"#;

#[test]
fn the_heartbeat_of_section_3_1() {
    let heartbeat = Heartbeat {
        ip_address: Some("203.0.113.10".parse().unwrap()),
        ip_lan: Some("192.168.1.100".parse().unwrap()),
        ip_public: Some("203.0.113.10".parse().unwrap()),
        mac: Some("AA:BB:CC:DD:EE:FF".parse().unwrap()),
        cluster_ip: ClusterIp::new("10.0.0.5").ok(),
        note: Note::new("optional short status").ok(),
    };
    assert_eq!(Heartbeat::decode(HEARTBEAT.as_bytes()), Ok(heartbeat.clone()));
    assert_eq!(serde_json::to_string_pretty(&heartbeat).unwrap(), HEARTBEAT);
}

#[test]
fn the_curl_line_of_section_6() {
    let body = br#"{"ip_lan":"192.168.1.100","ip_public":"203.0.113.10","mac":"AA:BB:CC:DD:EE:FF"}"#;
    let heartbeat = Heartbeat::decode(body).unwrap();
    assert_eq!(heartbeat.encode(), body);
    assert_eq!((heartbeat.ip_address, heartbeat.note), (None, None));
}

#[test]
fn the_heartbeats_answer() {
    let document = r#"{ "ok": true, "ip_address": "…", "last_seen": "2026-02-02 12:34:56" }"#;
    let reply = HeartbeatReply::decode(document.as_bytes()).unwrap();
    assert_eq!((reply.ip_address, reply.last_seen.unwrap().unix()), (None, 1_770_035_696));
    let reply = HeartbeatReply::new("203.0.113.10".parse().ok(), reply.last_seen.unwrap());
    let spaced = document.replace('…', "203.0.113.10");
    assert_eq!(
        text(reply.encode()),
        spaced.replace("{ ", "{").replace(" }", "}").replace(": ", ":").replace(", ", ",")
    );
    assert_eq!(HeartbeatReply::decode(spaced.as_bytes()), Ok(reply));
    assert_eq!(HeartbeatReply::decode(br#"{"ok":false}"#), invalid("ok"));
}

/// R6: what is not an address or a MAC is refused, and the field is named.
#[test]
fn r6_a_wrong_field_is_named() {
    let bad_addresses = [
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "01.2.3.4",
        " 1.2.3.4",
        "1.2.3.4 ",
        "1.2.3.4:80",
        "[::1]",
        "::1%eth0",
        "fe80::1%2",
        "host.example.org",
        "0x7f.1",
        "::ffff:1.2.3.400",
        ":::",
        "1.2.3.4\\n",
    ];
    for field in ["ip_address", "ip_lan", "ip_public"] {
        for bad in bad_addresses {
            let body = format!(r#"{{"{field}":"{bad}"}}"#);
            assert_eq!(Heartbeat::decode(body.as_bytes()).unwrap_err().field(), Some(field), "{body}");
        }
        for bad in ["1", "true", "[]", "{}", r#"["192.0.2.1"]"#] {
            let body = format!(r#"{{"{field}":{bad}}}"#);
            let error = Heartbeat::decode(body.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), format!("Invalid {field}"));
        }
        for good in ["192.0.2.1", "::1", "2001:DB8::1", "::ffff:192.0.2.1", "0.0.0.0"] {
            let body = format!(r#"{{"{field}":"{good}"}}"#);
            assert!(Heartbeat::decode(body.as_bytes()).is_ok(), "{body}");
        }
    }
    for bad in [
        "AA-BB-CC-DD-EE-FF",
        "AABBCCDDEEFF",
        "AA:BB:CC:DD:EE",
        "AA:BB:CC:DD:EE:FF:00",
        "AA:BB:CC:DD:EE:GG",
        "A:BB:CC:DD:EE:FFF",
        "AA:BB:CC:DD:EE:FF\\n",
        " AA:BB:CC:DD:EE:FF",
        "AA:BB:CC:DD:EE:+F",
        "AAA:B:CC:DD:EE:FF",
    ] {
        assert_eq!(Heartbeat::decode(format!(r#"{{"mac":"{bad}"}}"#).as_bytes()), invalid("mac"), "{bad}");
    }
    let mac = Heartbeat::decode(br#"{"mac":"aa:bb:cc:dd:ee:0f"}"#).unwrap().mac.unwrap();
    assert_eq!(mac.to_string(), "AA:BB:CC:DD:EE:0F");
    let long = format!(r#"{{"note":"{}"}}"#, "é".repeat(2001));
    assert_eq!(Heartbeat::decode(long.as_bytes()), invalid("note"));
    let long = format!(r#"{{"note":"{}"}}"#, "é".repeat(2000));
    assert_eq!(Heartbeat::decode(long.as_bytes()).unwrap().note.unwrap().as_str().chars().count(), 2000);
    assert_eq!(Heartbeat::decode(br#"{"cluster_ip":"a\u0000b"}"#), invalid("cluster_ip"));
    assert_eq!(Heartbeat::decode(br#"{"note":"a\u001b[2Jb"}"#), invalid("note"));
}

#[test]
fn what_a_heartbeat_may_leave_out_or_bring_along() {
    let empty = Ok(Heartbeat::default());
    for body in [
        "",
        "  \n",
        "{}",
        "[]",
        r#"{"ip_address":null,"mac":"","note":null}"#,
        r#"{"services":["ssh"],"uptime":12.5,"cpu_load":[1,{"a":null}],"ip_addresses":{"eth0":"x"},"timestamp":99999999999999999999}"#,
        r#"{"services":{"ssh":1},"device_type":"esp32","uptime_sec":5}"#,
    ] {
        assert_eq!(Heartbeat::decode(body.as_bytes()), empty, "{body}");
    }
    assert_eq!(Heartbeat::default().encode(), b"{}");
    for body in [
        "[1]",
        r#"["192.0.2.1"]"#,
        "null",
        "1",
        "\"x\"",
        "{",
        "{}x",
        r#"{"note":"a""#,
        "\u{feff}{}",
        r#"{"note":"a","note":"b"}"#,
    ] {
        assert!(matches!(Heartbeat::decode(body.as_bytes()), Err(DecodeError::Json { .. })), "{body}");
    }
    assert!(matches!(Heartbeat::decode(b"{\"note\":\"\xff\"}"), Err(DecodeError::Json { .. })));
    // Depth is no way to the end of the stack: unknown fields are skipped without recursion, the others have a limit.
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(Heartbeat::decode(format!(r#"{{"x":{deep}}}"#).as_bytes()), empty);
    assert_eq!(Heartbeat::decode(format!(r#"{{"mac":{deep}}}"#).as_bytes()), invalid("mac"));
    assert!(DeviceRecord::decode(format!(r#"{{"device_key":"a","services":{deep}}}"#).as_bytes()).is_err());
}

#[test]
fn an_error_never_repeats_a_value() {
    let error = PublishKey::decode(br#"{"pubkey":"canary" "x"}"#).unwrap_err();
    assert!(!error.to_string().contains("canary"));
    let error = NewDevice::decode(br#"{"devicekey":"a","token_code":"canary !"}"#).unwrap_err();
    assert!(!error.to_string().contains("canary"), "{error}");
}

/// meeting §3.3 and §6.
#[test]
fn the_publication_of_section_3_3() {
    let curl = r#"{"pubkey":"ssh-ed25519 AAAA... comment"}"#;
    assert_eq!(PublishKey::decode(curl.as_bytes()), Ok(PublishKey::new("ssh-ed25519 AAAA... comment")));
    assert_eq!(text(PublishKey::new("ssh-ed25519 AAAA... comment").encode()), curl);
    let document = r#"{ "pubkey": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA… comment" }"#;
    let read = PublishKey::decode(document.as_bytes()).unwrap();
    assert_eq!(read.pubkey, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA… comment");
    let admin = PublishKey::decode(br#"{"pubkey":"k","ssh_user":"device","status":"revoked"}"#).unwrap();
    assert_eq!((admin.ssh_user.as_deref(), admin.status), (Some("device"), Some(KeyStatus::Revoked)));
    assert_eq!(PublishKey::decode(br#"{"ssh_public_key":"k"}"#), Ok(PublishKey::new("k")));
    for (body, field) in [("{}", "pubkey"), (r#"{"pubkey":""}"#, "pubkey"), (r#"{"pubkey":null}"#, "pubkey")]
    {
        assert_eq!(PublishKey::decode(body.as_bytes()), missing(field));
    }
    assert_eq!(PublishKey::decode(br#"{"pubkey":1}"#), invalid("pubkey"));
    assert_eq!(PublishKey::decode(br#"{"pubkey":"k","status":"x"}"#), invalid("status"));
    for user in ["a b", "-a", "a\\n", "root;id", "../x"] {
        let body = format!(r#"{{"pubkey":"k","ssh_user":"{user}"}}"#);
        assert_eq!(PublishKey::decode(body.as_bytes()), invalid("ssh_user"), "{user}");
    }
    let long = format!(r#"{{"pubkey":"{}"}}"#, "k".repeat(16 * 1024 + 1));
    assert_eq!(PublishKey::decode(long.as_bytes()), invalid("pubkey"));
    assert_eq!(text(Success::done().encode()), r#"{"success":true}"#);
    assert_eq!(text(Success::pending().encode()), r#"{"success":true,"status":"pending"}"#);
    assert_eq!(Success::decode(br#"{"success":1,"status":"pending"}"#), Ok(Success::pending()));
    assert_eq!(Success::decode(br#"{"success":true,"status":"odd","more":1}"#), Ok(Success::done()));
    assert_eq!(Success::decode(br#"{"success":false}"#), invalid("success"));
    assert_eq!(Success::decode(b"{}"), invalid("success"));
}

#[test]
fn the_error_of_section_3_1() {
    let refusal = Refusal::decode(404, br#"{"error":"Device not found"}"#);
    assert_eq!(refusal, Refusal::new(404, Refusal::DEVICE_NOT_FOUND));
    assert_eq!(text(refusal.encode()), r#"{"error":"Device not found"}"#);
    let named = Refusal::new(400, "Invalid mac").with_field("mac");
    assert_eq!(text(named.encode()), r#"{"error":"Invalid mac","field":"mac"}"#);
    assert_eq!(Refusal::decode(400, &named.encode()), named);
    assert_eq!(
        text(encode_refusal(&Refusal::new(403, Refusal::NO_TOKENS_LEFT))),
        r#"{"ok":false,"error":"No tokens left"}"#
    );
    for (body, words) in [
        (r#"{"ok":false,"error":"No tokens left"}"#, "No tokens left"),
        (r#"{"error":"auth_failed","reason":"x"}"#, "auth_failed"),
        (r#"{"status":"not_found"}"#, "not_found"),
        (r#"{"status":"error","message":"nope"}"#, "nope"),
        (r#"{"error":{"code":1}}"#, "(no reason given)"),
        ("Bad Gateway\n", "Bad Gateway"),
        ("<html><h1>502</h1></html>", "(no reason given)"),
        ("", "(no reason given)"),
        (r#"{"error":"a\nb\u001b[2J"}"#, "a b [2J"),
    ] {
        assert_eq!(Refusal::decode(502, body.as_bytes()).error, words, "{body}");
    }
    let long = format!(r#"{{"error":"{}"}}"#, "é".repeat(900));
    assert_eq!(Refusal::decode(500, long.as_bytes()).error.chars().count(), 500);
    assert_eq!(Refusal::decode(500, b"\xff\xfe").error, "(no reason given)");
}

#[test]
fn a_device_record_as_seen_in_the_field() {
    let full = r#"{"device_key":"0123456789abcdef0123456789abcdef","device_name":"Hall","product_serial":"S1","authorized":true,"device_type":"camera","distribution":"bookworm","token_code":"a1b2c3","token_count":0,"note":"n","ip_address":"203.0.113.10","parent_device_key":"parent","bundles":["base"],"ghost_candidate_url":"https://ghost.example.org","ap_ssid":"hall","ap_password":"p1","http_pw_low":"p2","http_pw_medium":"p3","http_pw_high":"p4","services":["ssh","vnc","http","scp"]}"#;
    let record = DeviceRecord::decode(full.as_bytes()).unwrap();
    assert_eq!(text(record.encode()), full);
    assert!(record.authorized && record.token_code.as_ref().unwrap().ct_eq(b"a1b2c3"));
    assert!(record.services.contains(&ServiceName::VNC));
    let shown = text(record.clone().without_secrets().encode());
    for secret in ["token_code", "ap_password", "http_pw", "a1b2c3", "p1", "p2", "p3", "p4"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    let debug = format!("{record:?}");
    for secret in ["a1b2c3", "\"p1\"", "\"p2\"", "\"p3\"", "\"p4\""] {
        assert!(!debug.contains(secret), "{secret} in {debug}");
    }
}

#[test]
fn a_device_record_is_read_liberally() {
    for (authorized, expected) in [
        ("true", true),
        ("1", true),
        ("1.0", true),
        ("\"1\"", true),
        ("\"true\"", true),
        ("false", false),
        ("0", false),
        ("\"0\"", false),
        ("null", false),
    ] {
        let body = format!(r#"{{"device_key":"{KEY}","authorized":{authorized}}}"#);
        assert_eq!(DeviceRecord::decode(body.as_bytes()).unwrap().authorized, expected, "{body}");
    }
    for authorized in ["2", "\"yes\"", "[]", "{}", "1.5", "-1"] {
        let body = format!(r#"{{"device_key":"{KEY}","authorized":{authorized}}}"#);
        assert!(DeviceRecord::decode(body.as_bytes()).is_err(), "{body}");
    }
    for services in [
        r#"["ssh","http"]"#,
        r#"["SSH","ssh","http","not a service",7,null]"#,
        r#"[{"name":"ssh","enabled":true},{"type":"http","enabled":1},{"name":"vnc","enabled":false},{"name":"scp","enabled":0},{}]"#,
        r#"[{"name":"ssh"},"http"]"#,
        r#"{"ssh":1,"http":true,"vnc":0,"scp":false,"debug":null}"#,
        r#"{"ssh":"1","http":1,"vnc":"0"}"#,
    ] {
        let body = format!(r#"{{"device_key":"{KEY}","services":{services}}}"#);
        let record = DeviceRecord::decode(body.as_bytes()).unwrap();
        let mut names: Vec<&str> = record.services.iter().map(ServiceName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["http", "ssh"], "{services}");
        assert!(text(record.encode()).contains(r#""services":["#));
    }
    assert!(
        DeviceRecord::decode(format!(r#"{{"device_key":"{KEY}","services":null}}"#).as_bytes())
            .unwrap()
            .services
            .is_empty()
    );
    let odd = format!(
        r#"{{"device_key":"{KEY}","product_serial":12,"token_code":"no code!","token_count":"3","ip_address":"?","bundles":null,"parent_device_key":"","note":"","last_seen":"never","online":1,"extra":{{"a":[1]}}}}"#
    );
    let record = DeviceRecord::decode(odd.as_bytes()).unwrap();
    assert_eq!(record.product_serial.as_deref(), Some("12"));
    assert_eq!((record.token_code, record.token_count, record.ip_address), (None, 3, None));
    assert_eq!((record.parent_device_key, record.last_seen, record.online), (None, None, Some(true)));
    for body in ["{}", r#"{"device_key":"a/b"}"#, r#"{"device_key":null}"#, "[]", ""] {
        assert!(DeviceRecord::decode(body.as_bytes()).is_err(), "{body}");
    }
    let long: String = (0..100).map(|n| format!(r#""s{n}","#)).collect();
    let body = format!(r#"{{"device_key":"{KEY}","services":[{long}"x"]}}"#);
    assert_eq!(DeviceRecord::decode(body.as_bytes()).unwrap().services.len(), ServiceSet::MAX_SERVICES);
}

#[test]
fn tunnels_as_seen_in_the_field() {
    let body = r#"{"tunnels":[{"device_key":"abc","service":"ssh","port":9050,"local_port":22,"expires_at":"2025-06-01 16:10:00"},{"device_key":"abc","service":"http","port":9051,"local_port":80,"expires_at":null}]}"#;
    let list = TunnelList::decode(body.as_bytes()).unwrap();
    assert_eq!(text(list.encode()), body);
    assert_eq!((list.tunnels.len(), list.unreadable), (2, 0));
    assert_eq!(list.tunnels[0].expires_at.unwrap().to_string(), "2025-06-01 16:10:00");
    let mixed = r#"{"tunnels":[{"device_key":"abc","service":"ssh","port":"9050","local_port":"22"},7,["a","ssh",1,2,null],
        {"device_key":"a/b","service":"ssh","port":1,"local_port":2},{"device_key":"a","service":"ssh","port":0,"local_port":2},
        {"device_key":"a","service":"ssh","port":1,"local_port":70000},{"device_key":"a","service":"ssh","port":1,"local_port":2,"expires_at":"soon"}],"more":1}"#;
    let list = TunnelList::decode(mixed.as_bytes()).unwrap();
    assert_eq!((list.tunnels.len(), list.unreadable, list.tunnels[0].port), (1, 6, 9050));
    assert!(TunnelList::decode(b"{}").is_err() && TunnelList::decode(b"[]").is_err());
}

#[test]
fn service_requests() {
    let ssh = ServiceRequest::new(ServiceName::SSH).unwrap();
    assert_eq!(text(ssh.encode()), r#"{"service":"ssh"}"#);
    assert_eq!(ServiceRequest::decode(br#"{"service":"ssh","port":5}"#), Ok(ssh));
    let relay = ServiceRequest::relay(1883).unwrap();
    assert_eq!(text(relay.encode()), r#"{"service":"relay","port":1883}"#);
    assert_eq!(ServiceRequest::decode(br#"{"service":"relay","port":"1883"}"#), Ok(relay));
    assert_eq!(ServiceRequest::new(ServiceName::RELAY), missing("port"));
    assert_eq!(ServiceRequest::relay(0), None);
    assert_eq!(ServiceRequest::decode(b""), missing("service"));
    assert_eq!(ServiceRequest::decode(br#"{"service":"no service"}"#), invalid("service"));
    assert_eq!(ServiceRequest::decode(br#"{"service":"relay"}"#), missing("port"));
    for port in ["0", "65536", "-1", "\"x\"", "true", "1.5"] {
        let body = format!(r#"{{"service":"relay","port":{port}}}"#);
        assert_eq!(ServiceRequest::decode(body.as_bytes()), invalid("port"), "{port}");
    }
    let grant = r#"{"port":9051,"url":"ssh -p 9051 device@meeting.example.org","expires_at":null}"#;
    assert_eq!(text(ServiceGrant::decode(grant.as_bytes()).unwrap().encode()), grant);
    let list = r#"{"services":["ssh","http"]}"#;
    assert_eq!(text(ServiceList::decode(list.as_bytes()).unwrap().encode()), list);
}

/// Each of these is read and written back as it was.
#[test]
fn other_answers_survive_a_round() {
    macro_rules! round {
        ($type:ty, $text:expr) => {{
            let read = <$type>::decode($text.as_bytes()).unwrap();
            assert_eq!(text(read.encode()), $text);
            read
        }};
    }
    round!(ApiStatus, r#"{"status":"Meeting API ready","version":"3.3.1"}"#);
    round!(
        TunnelAuthorization,
        r#"{"ok":true,"device_key":"a","authorized":true,"token_code":"a1b2c3","token_count":2,"distribution":"d","registered_at":"2025-06-01 16:10:00"}"#
    );
    let available = round!(
        Availability,
        r#"{"status":"Available","last_heartbeat":"2026-02-02 12:34:56","since":"2026-02-02 12:00:00","uptime":58}"#
    );
    assert_eq!(available.status, AvailabilityStatus::Available);
    round!(Availability, r#"{"status":"Unknown","last_heartbeat":null,"since":null,"uptime":null}"#);
    round!(LastSeen, r#"{"device_key":"a","last_seen":"2026-02-02 12:34:56"}"#);
    round!(LastSeen, r#"{"device_key":"a","last_seen":null}"#);
    round!(
        ServerPubkey,
        r#"{"pubkey":"ssh-ed25519 AAAA","fingerprint":"SHA256:x","host":"meeting.example.org","generated_at":"2026-02-02 12:34:56","usage":"u"}"#
    );
    round!(
        KeyRecord,
        r#"{"device_key":"a","ssh_user":"device","pubkey":"ssh-ed25519 AAAA","status":"authorized","added":"2026-02-02 12:34:56","modified":"2026-02-02 12:34:56","fingerprint":"SHA256:x","last_ssh":null}"#
    );
    round!(
        KeyRecord,
        r#"{"device_key":"a","ssh_user":null,"pubkey":null,"status":"pending","added":null,"modified":null,"fingerprint":null,"last_ssh":null,"pending_pubkey":"k","pending_fingerprint":"SHA256:y"}"#
    );
    let new = round!(NewDevice, r#"{"devicekey":"a","token_code":"a1b2c3"}"#);
    assert_eq!(NewDevice::decode(br#"{"device_key":"a","token_code":"a1b2c3"}"#), Ok(new));
    round!(NewDevice, r#"{"devicekey":"a","token_code":"a1b2c3","secret":"s"}"#);
    round!(
        DeviceLog,
        r#"[{"timestamp":"2026-02-02 12:34:56","event":"Connected","host":"h","remote":"192.0.2.1"}]"#
    );
    round!(DeviceList, r#"{"devices":[],"total":0,"limit":25,"offset":0}"#);
    round!(TokenCodeReply, r#"{"success":true,"token_code":"a1b2c3"}"#);
    round!(IssuedSecret, r#"{"secret":"s"}"#);
    round!(Authorize, r#"{"authorized":1}"#);
    round!(SetTokens, r#"{"token_count":7}"#);
    round!(SetTokenCode, r#"{"token_code":"a1b2c3"}"#);
    round!(SetNote, r#"{"note":"n"}"#);
    round!(SetServices, r#"{"services":["ssh"]}"#);
    round!(CreateDevice, "{}");
    round!(
        CreateDevice,
        r#"{"device_key":"a","device_name":"Hall","token_code":"a1b2c3","token_count":1,"authorized":true,"services":["ssh"],"note":"n"}"#
    );
    assert_eq!(
        Availability::decode(br#"{"status":"Sleeping"}"#).unwrap().status,
        AvailabilityStatus::Unknown
    );
    assert_eq!(device_pubkey::decode(b"ssh-ed25519 AAAA c\r\n"), Ok("ssh-ed25519 AAAA c"));
    assert_eq!(device_pubkey::decode(b"a\nb\n"), invalid("pubkey"));
    assert_eq!(device_pubkey::decode(b"\n"), invalid("pubkey"));
    assert_eq!(device_pubkey::decode(b"\xff"), Err(DecodeError::NotUtf8));
}

#[test]
fn requests_of_the_operator_name_the_wrong_field() {
    assert_eq!(Authorize::decode(b"{}"), missing("authorized"));
    assert_eq!(Authorize::decode(br#"{"authorized":2}"#), invalid("authorized"));
    assert_eq!(Authorize::decode(br#"{"authorized":"1"}"#), Ok(Authorize { authorized: true }));
    assert_eq!(SetTokens::decode(br#"{"token_count":-1}"#), invalid("token_count"));
    assert_eq!(SetTokens::decode(b"{}"), missing("token_count"));
    assert_eq!(SetTokenCode::decode(br#"{"token_code":"a b"}"#), invalid("token_code"));
    assert_eq!(SetTokenCode::decode(b"{}"), Ok(SetTokenCode { token_code: None }));
    assert_eq!(SetNote::decode(br#"{"note":7}"#), invalid("note"));
    assert_eq!(SetNote::decode(br#"{"note":""}"#), Ok(SetNote { note: None }));
    assert_eq!(SetServices::decode(b"{}"), missing("services"));
    assert_eq!(SetServices::decode(br#"{"services":7}"#), invalid("services"));
    for (body, field) in [
        (r#"{"device_key":"a/b"}"#, "device_key"),
        (r#"{"token_code":"x"}"#, "token_code"),
        (r#"{"token_count":"many"}"#, "token_count"),
        (r#"{"authorized":7}"#, "authorized"),
        (r#"{"services":7}"#, "services"),
        (r#"{"device_name":"a\u0000"}"#, "device_name"),
    ] {
        assert_eq!(CreateDevice::decode(body.as_bytes()), invalid(field));
    }
}

#[test]
fn list_queries() {
    let query = ListQuery::new(1000, 3).with_prefix(DeviceKey::new("ab").unwrap());
    assert_eq!(query.path(), "/api/devices?limit=100&offset=3&prefix=ab");
    assert_eq!(ListQuery::decode("limit=100&offset=3&prefix=ab"), Ok(query));
    assert_eq!(ListQuery::decode(""), Ok(ListQuery::default()));
    assert_eq!(ListQuery::decode("x=1&limit=&prefix=&flag"), Ok(ListQuery::new(25, 0)));
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("offset=-1", "offset"),
        ("prefix=a%2f", "prefix"),
    ] {
        assert_eq!(ListQuery::decode(query), invalid(field));
    }
}

#[test]
fn routes_are_unique() {
    let mut routes: Vec<(&str, &str)> =
        ROUTES.iter().map(|route| (route.method.as_str(), route.template)).collect();
    let total = routes.len();
    routes.sort_unstable();
    routes.dedup();
    assert_eq!(routes.len(), total);
    let _ = (Secret::new("x"), TokenCode::from_random([1, 2, 3]));
}
