//! The served document says what the tables of routes say.

use std::collections::BTreeSet;

use checkin_api::server::{Access, OPENAPI, RULES, Rule, SUBMISSION_RULES, Settings};
use serde_json::{Value, json};

use crate::support::Bench;

/// Every rule, those of the usual submission paths among them.
fn rules() -> Vec<(String, Rule)> {
    let paths = Settings::default().submission_paths;
    let submission = paths.iter().flat_map(|path| SUBMISSION_RULES.iter().map(|rule| (path.clone(), *rule)));
    submission.chain(RULES.iter().map(|rule| (rule.path.to_owned(), *rule))).collect()
}

#[tokio::test]
async fn the_document_and_the_tables_have_the_same_routes() {
    let bench = Bench::new();
    let served = bench.get("/v1/checkins/openapi.json").await;
    assert_eq!((served.status.as_u16(), served.text.as_str()), (200, OPENAPI));
    let document = served.json();
    let mut documented = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in item.as_object().expect("an item").keys() {
            documented.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let ruled: BTreeSet<_> = rules().iter().map(|(path, rule)| format!("{} {path}", rule.method)).collect();
    assert_eq!(documented, ruled);
}

#[test]
fn the_document_asks_for_keys_where_the_tables_do() {
    let document: Value = serde_json::from_str(OPENAPI).expect("JSON");
    for (path, rule) in rules() {
        let security = &document["paths"][&path][rule.method.to_lowercase()]["security"];
        let expected = match rule.access {
            Access::Public => json!([]),
            Access::Submit => json!([{"key": []}]),
            // The operator may make reading public.
            Access::Read => json!([{"key": []}, {}]),
        };
        assert_eq!(*security, expected, "{} {path}", rule.method);
    }
}
