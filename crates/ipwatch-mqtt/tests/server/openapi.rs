//! The served document says what the table of routes says, and what is served has the form that it says.

use std::collections::BTreeSet;

use ipwatch_mqtt::server::{Access, OPENAPI, RULES};
use serde_json::{Value, json};

use crate::support::{Bench, online, says, status};

fn document() -> Value {
    serde_json::from_str(OPENAPI).expect("JSON")
}

#[tokio::test]
async fn the_document_and_the_table_have_the_same_routes() {
    let bench = Bench::new().await;
    let served = bench.get("/v1/ipwatch/openapi.json").await;
    assert_eq!((served.status.as_u16(), served.text.as_str()), (200, OPENAPI));
    let mut documented = BTreeSet::new();
    for (path, item) in document()["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("an item").keys() {
            documented.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let ruled: BTreeSet<_> = RULES.iter().map(|rule| format!("{} {}", rule.method, rule.path)).collect();
    assert_eq!(documented, ruled);
}

#[test]
fn the_document_asks_for_keys_where_the_table_does() {
    for rule in RULES {
        let operation = &document()["paths"][rule.path][rule.method.to_lowercase()];
        let (security, role) = match rule.access {
            Access::Public => (json!([]), Value::Null),
            Access::Role(role) => (json!([{ "key": [] }]), json!(role.as_str())),
        };
        assert_eq!(
            (&operation["security"], &operation["x-role"]),
            (&security, &role),
            "{} {}",
            rule.method,
            rule.path
        );
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                if let Some(Value::String(reference)) = object.get("$ref") {
                    found.insert(reference.trim_start_matches('#').to_owned());
                }
                object.values().for_each(|value| walk(value, found));
            }
            Value::Array(array) => array.iter().for_each(|value| walk(value, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = BTreeSet::new();
    walk(&document, &mut found);
    assert!(found.len() > 40, "{}", found.len());
    for reference in found {
        assert!(document.pointer(&reference).is_some(), "{reference}");
    }
}

/// Whether a value has the fields of a schema, no more and no less, all the way down.
fn conforms(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        return conforms(document, document.pointer(reference.trim_start_matches('#')).unwrap(), value, at);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        if !value.is_null() {
            conforms(document, &choices[0], value, at);
        }
        return;
    }
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{at}: {value}");
    }
    match schema["type"].as_str() {
        Some("object") if schema.get("required").is_some() => {
            let expected: BTreeSet<_> = schema["properties"].as_object().unwrap().keys().collect();
            let found: BTreeSet<_> =
                value.as_object().unwrap_or_else(|| panic!("{at}: {value}")).keys().collect();
            assert_eq!(found, expected, "{at}");
            for (name, value) in value.as_object().unwrap() {
                conforms(document, &schema["properties"][name], value, &format!("{at}.{name}"));
            }
        }
        Some("array") => {
            for value in value.as_array().unwrap_or_else(|| panic!("{at}: {value}")) {
                conforms(document, &schema["items"], value, at);
            }
        }
        Some("string") => assert!(value.is_string(), "{at}: {value}"),
        Some("integer") => assert!(value.is_u64(), "{at}: {value}"),
        Some("number") => assert!(value.is_number(), "{at}: {value}"),
        Some("boolean") => assert!(value.is_boolean(), "{at}: {value}"),
        _ => {}
    }
}

#[tokio::test]
async fn what_is_served_has_the_documented_form() {
    let bench = Bench::new().await;
    let device =
        json!({ "name": "Press 7", "mac": "00:00:5e:00:53:07", "groups": ["lab"], "user": "press-7" });
    bench.put("/v1/ipwatch/devices/192.0.2.7", device).await;
    bench.heard("192.0.2.7", online());
    bench.heard("192.0.2.7", status("192.0.2.7", 45.2));
    bench.heard("192.0.2.66", online());
    bench.tick().await;
    bench.machines.answer("192.0.2.7", says(true, "ok", None));
    let schedule =
        json!({ "name": "n", "cron": "@daily", "zone": "UTC", "command": "status", "target": "all" });
    bench.send("POST", "/v1/ipwatch/schedules", &bench.administer, Some(&schedule.to_string())).await;
    bench.clock.advance(12 * 3600);
    bench.tick().await;
    let document = document();
    for (method, path, schema) in [
        ("POST", "/api/tracking/reboot/192.0.2.7", "Answer"),
        ("POST", "/v1/ipwatch/all/shutdown", "Broadcast"),
        ("GET", "/v1/ipwatch/devices", "DeviceList"),
        ("GET", "/v1/ipwatch/devices/192.0.2.7", "Device"),
        ("GET", "/v1/ipwatch/devices/192.0.2.7/history?from=2026-01-31T12:00:00Z", "History"),
        ("GET", "/v1/ipwatch/groups", "GroupList"),
        ("GET", "/v1/ipwatch/log", "LogPage"),
        ("GET", "/v1/ipwatch/schedules", "ScheduleList"),
        ("GET", "/v1/ipwatch/session", "Session"),
        ("GET", "/v1/ipwatch/devices/192.0.2.9", "Error"),
    ] {
        let reply = bench.send(method, path, &bench.control, None).await.json();
        conforms(&document, &document["components"]["schemas"][schema], &reply, path);
    }
}
