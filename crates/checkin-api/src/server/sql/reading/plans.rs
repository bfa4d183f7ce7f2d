//! How SQLite goes about the questions: by an index, from the place where it starts to where its page ends.
#![allow(clippy::unwrap_used, reason = "tests may be blunt, their helpers too")]

use crate::server::store::{Direction, Filter, Keys, PageRequest, Reading};
use crate::server::{SqlStore, SqliteOptions};

use super::{records, survey};

/// A file with its tables, and what it says of a statement.
struct File(rusqlite::Connection, #[expect(dead_code, reason = "kept until the end")] tempfile::TempDir);

impl File {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkins.db");
        let store = SqlStore::open_sqlite(SqliteOptions::new(&path)).unwrap();
        assert_eq!(store.keys().await.unwrap(), []);
        let page = PageRequest { direction: Direction::NewestFirst, after: None, newest: None, limit: 1 };
        assert_eq!(store.records(Filter::default(), page).await.unwrap(), []);
        Self(rusqlite::Connection::open(path).unwrap(), folder)
    }

    fn plan(&self, statement: &str) -> String {
        let mut plan = self.0.prepare(&format!("EXPLAIN QUERY PLAN {statement}")).unwrap();
        for parameter in 1..=plan.parameter_count() {
            plan.raw_bind_parameter(parameter, 1).unwrap();
        }
        let mut rows = plan.raw_query();
        let mut lines = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            lines.push(row.get::<_, String>(3).unwrap());
        }
        lines.join("\n")
    }
}

#[tokio::test]
async fn a_page_is_read_from_an_index() {
    let file = File::new().await;
    let channel = "c USING INDEX check_ins_by_channel (<expr>=? AND at>? AND at<?)";
    let person = "c USING INDEX check_ins_by_person (<expr>=? AND username=? AND at>? AND at<?)";
    let anywhere = "c USING INDEX check_ins_by_person (ANY(<expr>) AND username=? AND at>? AND at<?)";
    let wanted = [
        ("all", "c USING INDEX check_ins_by_time (at>? AND at<?)", true),
        ("of a channel", channel, true),
        ("of a person on a channel", person, true),
        ("of a person", anywhere, false),
        ("of a bot", "b USING PRIMARY KEY", true),
    ];
    for ((name, (down, up)), (same, index, ordered)) in records::STATEMENTS.into_iter().zip(wanted) {
        assert_eq!(name, same);
        for statement in [down, up] {
            let plan = file.plan(statement);
            let index = if name == "of a bot" {
                "b USING COVERING INDEX heard_by_bot (bot=? AND check_in"
            } else {
                index
            };
            assert!(plan.contains(&format!("SEARCH {index}")), "{name}:\n{plan}");
            assert_eq!(!plan.contains("USE TEMP B-TREE FOR ORDER BY"), ordered, "{name}:\n{plan}");
            assert!(!plan.contains("SCAN c"), "{name}:\n{plan}");
        }
    }
}

#[tokio::test]
async fn people_are_surveyed_in_the_order_of_an_index() {
    let file = File::new().await;
    let [times, messages] = survey::STATEMENTS;
    let plan = file.plan(times);
    assert_eq!(plan, "SEARCH check_ins USING INDEX check_ins_by_person (<expr>=? AND (username,at)>(?,?))");
    assert_eq!(file.plan(messages), plan);
}

#[tokio::test]
async fn the_state_of_the_store_needs_no_check_in() {
    let file = File::new().await;
    let plan = file.plan(super::STATE);
    assert!(!plan.contains("SCAN check_ins") && plan.contains("SCAN bots"), "{plan}");
}
