//! The settings in force as a TOML file, each line with its source.

use super::file::Document;
use super::tree::{Node, Origin};
use std::fmt::Write;
use toml::{Table, Value};

/// Renders settings. Secrets are hidden by their own `Serialize`.
pub(crate) fn render(table: &Table, tree: &Node, document: Option<&Document>) -> String {
    let mut out = String::new();
    section(&mut out, table, "", "", tree, document);
    out
}

fn section(
    out: &mut String,
    table: &Table,
    header: &str,
    path: &str,
    tree: &Node,
    document: Option<&Document>,
) {
    let join =
        |prefix: &str, key: &str| if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") };
    for (key, value) in table {
        if is_section(value) {
            continue;
        }
        let line = format!("{} = {value}", quoted(key));
        let source = source(tree, &join(path, key), document);
        let _ =
            if source.is_empty() { writeln!(out, "{line}") } else { writeln!(out, "{line:<40} # {source}") };
    }
    for (key, value) in table {
        let (header, path) = (join(header, &quoted(key)), join(path, key));
        match value {
            Value::Table(inner) if is_section(value) => {
                // A table of tables alone needs no line of its own.
                if inner.is_empty() || !inner.values().all(is_section) {
                    let _ = writeln!(out, "\n[{header}]");
                }
                section(out, inner, &header, &path, tree, document);
            }
            Value::Array(items) if is_section(value) => {
                for (index, item) in items.iter().enumerate() {
                    let Value::Table(inner) = item else { continue };
                    let _ = writeln!(out, "\n[[{header}]]");
                    section(out, inner, &header, &join(&path, &index.to_string()), tree, document);
                }
            }
            _ => {}
        }
    }
}

/// Small tables of one scalar (`{ file = "…" }`) stay on their line.
fn is_section(value: &Value) -> bool {
    match value {
        Value::Table(table) => {
            table.len() != 1 || table.values().any(|inner| inner.is_table() || inner.is_array())
        }
        Value::Array(items) => !items.is_empty() && items.iter().all(Value::is_table),
        _ => false,
    }
}

fn quoted(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    if bare { key.to_owned() } else { Value::String(key.to_owned()).to_string() }
}

fn source(tree: &Node, path: &str, document: Option<&Document>) -> String {
    let (node, found) = tree.find(path);
    match (&node.origin, found, document) {
        (Origin::File(span), true, Some(document)) => {
            let place = document.place(span).to_string();
            // Line is enough here; a column is for errors.
            place.rsplit_once(':').map_or(place.clone(), |(line, _)| line.to_owned())
        }
        (Origin::Environment(name), true, _) => format!("environment {name}"),
        (Origin::Flag(flag), true, _) => format!("flag {flag}"),
        _ => String::new(),
    }
}
