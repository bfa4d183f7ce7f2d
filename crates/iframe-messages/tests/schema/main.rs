//! The JSON Schema and the TypeScript definitions in the tree are those of the types.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::path::Path;

use iframe_messages::schema;

fn pretty(schema: &schemars::Schema) -> String {
    serde_json::to_string_pretty(schema).unwrap() + "\n"
}

/// Writes them instead, if `WRITE_SCHEMA` is set.
#[test]
fn the_files_are_what_the_types_say() {
    let files = [
        ("schema/host-message.json", pretty(&schema::host_message())),
        ("schema/iframe-message.json", pretty(&schema::iframe_message())),
        ("schema/process.json", pretty(&schema::process())),
        ("schema/merkle-proof.json", pretty(&schema::merkle_proof())),
        ("npm/types/messages.d.ts", schema::typescript()),
    ];
    let write = std::env::var_os("WRITE_SCHEMA").is_some();
    for (file, expected) in files {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        if write {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &expected).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == expected,
            "{file} is stale: WRITE_SCHEMA=1 cargo test -p iframe-messages --all-features --test schema"
        );
    }
}

/// Nothing is named that the file does not declare.
#[test]
fn the_definitions_are_complete() {
    let file = schema::typescript();
    let declared: Vec<&str> = file
        .lines()
        .filter_map(|line| line.strip_prefix("export type "))
        .filter_map(|line| line.split_once(" ="))
        .map(|(name, _)| name)
        .collect();
    let code: String = file.lines().filter(|line| !line.trim_start().starts_with(['*', '/'])).collect();
    let builtin = ["Array", "Record", "Uint8Array"];
    for word in code.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_') {
        let is_type = word.starts_with(|letter: char| letter.is_ascii_uppercase())
            && word.contains(|letter: char| letter.is_ascii_lowercase());
        assert!(
            !is_type || declared.contains(&word) || builtin.contains(&word),
            "{word} is declared nowhere"
        );
    }
}
