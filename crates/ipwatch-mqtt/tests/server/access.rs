//! Who may do what: every route with every kind of key.

use ipwatch_mqtt::server::store::{Keys, Role};
use ipwatch_mqtt::server::{Access, Operation, RULES, Rule, Settings, SharedSecret};
use serde_json::json;

use crate::support::{Bench, START, minted, request, says, time};

/// A request that succeeds for whoever may send it: its path, its body, and the status of its success.
fn sample(rule: &Rule, id: &str) -> (String, Option<String>, u16) {
    let device = "192.0.2.7";
    let path = rule.path.replace("{ip}", device).replace("{name}", "lab").replace("{id}", id);
    let schedule = json!({
        "name": "Lights out", "cron": "0 22 * * *", "zone": "UTC", "command": "status", "target": "all",
    });
    let (body, status) = match rule.operation {
        Operation::PutDevice => (Some(json!({ "name": "Press 7", "groups": ["lab"] })), 200),
        Operation::PutGroup => (Some(json!({ "devices": [device] })), 200),
        Operation::PreviewSchedule => (Some(schedule), 200),
        Operation::PostSchedule => (Some(schedule), 201),
        Operation::PutSchedule => (Some(schedule), 200),
        Operation::DeleteDevice | Operation::DeleteGroup | Operation::DeleteSchedule => (None, 204),
        // Nothing is registered that could be woken.
        Operation::Track(action) if action.as_str() == "wol" => (None, 409),
        _ => (None, 200),
    };
    (path, body.map(|body| body.to_string()), status)
}

async fn bench() -> (Bench, String) {
    let mut settings = Settings::default();
    settings.stream_for = std::time::Duration::ZERO;
    settings.secret = Some(SharedSecret::new("the-operator's-own", "environment", Role::Administer));
    let bench = Bench::with(settings).await;
    bench.device("192.0.2.7", &["lab"]).await;
    bench.machines.answer("192.0.2.7", says(true, "ok", None));
    let schedule = r#"{"name":"n","cron":"@daily","zone":"UTC","command":"status","target":"all"}"#;
    let made = bench.send("POST", "/v1/ipwatch/schedules", &bench.administer, Some(schedule)).await;
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    (bench, id)
}

#[tokio::test]
async fn every_route_with_every_kind_of_key() {
    let (operation_count, mut cells) = (RULES.len(), 0);
    for rule in RULES {
        let (bench, id) = bench().await;
        let (path, body, success) = sample(rule, &id);
        let store = bench.server.store();
        let (expired, key) = minted(Role::Administer, "expired", Some(time(START)));
        store.add_key(key).await.unwrap();
        let (revoked, key) = minted(Role::Administer, "revoked", None);
        store.add_key(key).await.unwrap();
        store.revoke_key("revoked", time(START)).await.unwrap();
        let (stranger, _) = minted(Role::Administer, "never stored", None);
        let wrong_secret = format!("{}{}", &bench.administer[..13], &stranger[13..]);
        let bearer = |key: &str| Some(format!("Bearer {key}"));
        let callers: [(&str, Option<String>, Option<Role>); 12] = [
            ("no key", None, None),
            ("empty", Some("Bearer ".to_owned()), None),
            ("another scheme", Some("Basic YWRtaW46YWRtaW4=".to_owned()), None),
            ("not ours", bearer("letmein"), None),
            ("never stored", bearer(&stranger), None),
            ("right id, wrong secret", bearer(&wrong_secret), None),
            ("expired", bearer(&expired), None),
            ("revoked", bearer(&revoked), None),
            ("read", bearer(&bench.read), Some(Role::Read)),
            ("control", bearer(&bench.control), Some(Role::Control)),
            ("environment", bearer("the-operator's-own"), Some(Role::Administer)),
            ("administer", bearer(&bench.administer), Some(Role::Administer)),
        ];
        for (caller, authorization, role) in callers {
            let mut headers = vec![("content-type", "application/json")];
            headers.extend(authorization.as_deref().map(|value| ("authorization", value)));
            let body = body.as_deref().unwrap_or_default();
            let reply = bench.call(request(rule.method, &path, &headers, body)).await;
            let expected = match (rule.access, role) {
                (Access::Public, _) => success,
                (Access::Role(_), None) => 401,
                (Access::Role(wanted), Some(role)) if role < wanted => 403,
                _ => success,
            };
            let what = format!("{} {path} by {caller}: {}", rule.method, reply.text);
            assert_eq!(reply.status.as_u16(), expected, "{what}");
            if expected == 401 {
                let challenge = if authorization.is_none() {
                    "Bearer realm=\"ipwatch\""
                } else {
                    "Bearer realm=\"ipwatch\", error=\"invalid_token\""
                };
                assert_eq!(reply.header("www-authenticate"), challenge, "{what}");
            }
            if matches!(expected, 401 | 403) {
                let told = bench.machines.told();
                assert_eq!(told, [], "{what}: nothing reaches a machine");
            }
            cells += 1;
            // What the first administrator deleted is there again for the next.
            if rule.method == "DELETE" && expected == 204 {
                break;
            }
            bench.machines.told();
        }
    }
    // Three routes end with the first who may delete.
    assert_eq!((operation_count, cells), (31, 31 * 12 - 3));
}

#[tokio::test]
async fn two_keys_in_one_request_are_none() {
    let (bench, _) = bench().await;
    let bearer = format!("Bearer {}", bench.read);
    let headers = [("authorization", bearer.as_str()), ("authorization", bearer.as_str())];
    let reply = bench.call(request("GET", "/v1/ipwatch/devices", &headers, "")).await;
    assert_eq!(reply.code(), (401, "key_refused".to_owned()));
}

#[tokio::test]
async fn a_key_is_told_what_it_may() {
    let (bench, _) = bench().await;
    for (key, name, role) in [
        (&bench.read, "read-key", "read"),
        (&bench.control, "control-key", "control"),
        (&bench.administer, "administer-key", "administer"),
    ] {
        let session = bench.send("GET", "/v1/ipwatch/session", key, None).await.json();
        let expected =
            json!({ "name": name, "role": role, "answer_within_ms": 5000, "up_within_ms": 180_000 });
        assert_eq!(session, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn power_commands_have_a_rate_for_each_key() {
    let (bench, _) = bench().await;
    let path = "/api/tracking/reboot/192.0.2.7";
    for _ in 0..20 {
        assert_eq!(bench.post(path).await.status, 200);
    }
    let refused = bench.post(path).await;
    assert_eq!((refused.code(), refused.header("retry-after")), ((429, "too_many".to_owned()), "1"));
    // Asking how it is does not count, and neither does another key.
    assert_eq!(bench.post("/api/tracking/status/192.0.2.7").await.status, 200);
    assert_eq!(bench.send("POST", path, &bench.administer, None).await.status, 200);
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert_eq!(bench.post(path).await.status, 200);
    assert_eq!(bench.post(path).await.status, 429);
    assert_eq!(bench.log().await.len(), 22, "what is refused is not in the log of what was done");
}

#[tokio::test]
async fn what_is_stored_of_a_key_does_not_give_it_away() {
    let (secret, key) = minted(Role::Read, "somebody", None);
    assert_eq!((secret.len(), &secret[..4], &secret[4..12]), (77, "ipw_", key.id.as_str()));
    assert!(!format!("{key:?}").contains(&secret[13..]));
    let settings = SharedSecret::new("canary-77", "environment", Role::Read);
    assert_eq!(format!("{settings:?}"), "SharedSecret { name: \"environment\", role: Read, .. }");
}
