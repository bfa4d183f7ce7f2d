//! The documents agree with the code: citations, choices, links, example files.
#![allow(missing_docs, reason = "tests")]

use docs::{
    Citation, choice_entries, choices, files, headings, links, protocol_sections, read, root, sources,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

fn code() -> Vec<std::path::PathBuf> {
    ["crates", "bins", "fuzz", "examples", "benches"]
        .iter()
        .flat_map(|folder| ["rs", "toml"].iter().flat_map(|extension| files(folder, extension)))
        .collect()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

fn unresolved(cited: impl Fn(&Path, &str) -> Vec<Citation>, known: &BTreeSet<String>) -> Vec<String> {
    let citations = code().into_iter().flat_map(|path| cited(&path, &read(&path)));
    let lost = citations.filter(|citation| !known.contains(&citation.cited));
    lost.map(|lost| format!("{}:{}: {}", shown(&lost.path), lost.line, lost.cited)).collect()
}

fn protocol_documents() -> Vec<(String, String)> {
    files("docs/protocols", "md").into_iter().map(|path| (shown(&path), read(&path))).collect()
}

#[test]
fn every_source_is_a_section_of_a_protocol_document() {
    let index = read(&root().join("docs/protocols/README.md"));
    let mut known: BTreeSet<String> = protocol_sections(&index).into_iter().collect();
    assert!(known.contains("meeting §3.1"), "docs/protocols/README.md lists the sections");
    let documents: Vec<_> =
        known.iter().filter_map(|section| section.split(' ').next().map(str::to_owned)).collect();
    known.extend(documents);
    let lost = unresolved(sources, &known);
    assert!(lost.is_empty(), "not in docs/protocols/README.md:\n{}", lost.join("\n"));
}

#[test]
fn every_choice_is_an_entry_of_a_protocol_document() {
    let known: BTreeSet<String> =
        protocol_documents().iter().flat_map(|(_, text)| choice_entries(text)).collect();
    let lost = unresolved(choices, &known);
    assert!(lost.is_empty(), "no entry under \"Gaps and choices\" in docs/protocols:\n{}", lost.join("\n"));
}

#[test]
fn every_choice_has_one_entry() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in protocol_documents() {
        for entry in choice_entries(&text) {
            places.entry(entry).or_default().push(path.clone());
        }
    }
    let doubled: Vec<_> = places.into_iter().filter(|(_, places)| places.len() > 1).collect();
    assert!(doubled.is_empty(), "entries that stand twice: {doubled:?}");
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut dead = Vec::new();
    for path in files("", "md") {
        let text = read(&path);
        for link in links(&text) {
            let (file, anchor) = link.target.split_once('#').unwrap_or((&link.target, ""));
            if file.contains("://") || file.starts_with("mailto:") {
                continue;
            }
            let target =
                if file.is_empty() { path.clone() } else { path.parent().unwrap_or(&path).join(file) };
            let markdown = target.extension().is_some_and(|extension| extension == "md");
            let lost = !target.exists()
                || (markdown && !anchor.is_empty() && !headings(&read(&target)).contains(&anchor.to_owned()));
            if lost {
                dead.push(format!("{}:{}: {}", shown(&path), link.line, link.target));
            }
        }
    }
    assert!(dead.is_empty(), "links that lead nowhere:\n{}", dead.join("\n"));
}

/// The parsing itself is a test of the program, which alone knows its settings; here it is held to exist.
#[test]
fn every_program_has_an_example_configuration_and_a_test_that_reads_it() {
    for program in ["agent", "proxy", "receiver"] {
        let name = format!("{program}.example.toml");
        assert!(root().join("docs").join(&name).exists(), "docs/{name} is missing");
        let sources = files(&format!("bins/{program}"), "rs");
        let read_by_a_test = sources.iter().any(|path| read(path).contains(&format!("docs/{name}")));
        assert!(read_by_a_test, "no test of {program} reads docs/{name}");
    }
}

#[test]
fn every_example_configuration_belongs_to_a_program() {
    for path in files("docs", "toml") {
        let Some(name) =
            path.file_name().and_then(|name| name.to_str()?.strip_suffix(".example.toml").map(str::to_owned))
        else {
            continue;
        };
        assert!(root().join("bins").join(&name).is_dir(), "{} belongs to no program", shown(&path));
    }
}

#[test]
fn the_files_that_a_reader_looks_for_are_there() {
    let wanted = [
        "README.md",
        "CHANGELOG.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "docs/ARCHITECTURE.md",
        "docs/VENDORS.md",
        "docs/OPERATORS.md",
        "docs/SECURITY.md",
        "docs/BENCHMARKS.md",
        "docs/CONTRIBUTING.md",
        "docs/protocols/meeting-api.md",
        "docs/protocols/tunnel-frame.md",
    ];
    let missing: Vec<_> = wanted.iter().filter(|path| !root().join(path).is_file()).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
}
