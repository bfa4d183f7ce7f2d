//! The served document says what the table of routes says.

use std::collections::BTreeSet;

use meeting_api::endpoint;
use meeting_api::server::{Access, OPENAPI, RULES, Settings};

use crate::support::Bench;

#[tokio::test]
async fn the_document_the_table_and_the_endpoints_have_the_same_routes() {
    let bench = Bench::new(Settings::default()).await;
    let served = bench.call("GET", "/api/openapi.json", "", None).await;
    assert_eq!(served.text, OPENAPI);
    let document = served.json();
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("an item").keys().filter(|key| *key != "parameters") {
            documented.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let line = |route: &endpoint::Route| format!("{} {}", route.method.as_str(), route.template);
    let ruled: BTreeSet<_> = RULES.iter().map(|rule| line(&rule.route)).collect();
    let listed: BTreeSet<_> = endpoint::ROUTES.iter().map(line).collect();
    assert_eq!(documented, ruled);
    assert_eq!(listed, ruled);
}

#[test]
fn the_document_asks_for_credentials_where_the_table_does() {
    let document: serde_json::Value = serde_json::from_str(OPENAPI).expect("JSON");
    for rule in RULES {
        let method = rule.route.method.as_str().to_lowercase();
        let security = document["paths"][rule.route.template][&method]["security"].clone();
        let security = security.as_array().expect("a list").clone();
        let anonymous = security.is_empty() || security.contains(&serde_json::json!({}));
        assert_eq!(anonymous, rule.access != Access::Operate, "{method} {}", rule.route.template);
    }
}
