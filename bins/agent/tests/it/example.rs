//! `docs/agent.example.toml` is a configuration, and the defaults that it shows are the defaults.

use agent::Config;
use daemon::config::Settings;

const EXAMPLE: &str = include_str!("../../../../docs/agent.example.toml");

fn load(text: &str) -> Config {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("agent.toml");
    std::fs::write(&path, text).unwrap();
    Settings::new("AGENT").file(path).load::<Config>().unwrap_or_else(|error| panic!("{error}")).settings
}

#[test]
fn the_example_is_a_configuration_without_problems() {
    assert_eq!(load(EXAMPLE).problem(), None);
}

/// A line `#key = value` shows a default: set, it changes nothing.
#[test]
fn the_defaults_shown_are_the_defaults() {
    let is_default = |line: &str| {
        line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase()))
    };
    let with_defaults: String = EXAMPLE
        .lines()
        .map(|line| if is_default(line) { &line[1..] } else { line })
        .flat_map(|line| [line, "\n"])
        .collect();
    assert!(EXAMPLE.lines().filter(|line| is_default(line)).count() > 20);
    assert_eq!(load(&with_defaults), load(EXAMPLE));
}

/// Every setting there is stands in the example, as an active line, a default or a suggestion.
#[test]
fn every_setting_is_shown() {
    let mut config = load(EXAMPLE);
    config.meeting.secret = Some(daemon::config::SecretSource::File("/s".into()));
    let shown = toml_keys(&config);
    let mut section = String::new();
    let mut written = Vec::new();
    for line in EXAMPLE.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = format!("{}.", name.trim_end_matches(']'));
        }
        let line = line.trim_start_matches(['#', ' ']);
        if let Some((key, _)) = line.split_once(" = ") {
            written.push(format!("{section}{key}"));
        }
    }
    for key in shown {
        assert!(written.contains(&key), "{key} is not in the example");
    }
}

fn toml_keys(config: &Config) -> Vec<String> {
    let table = toml::Table::try_from(config).unwrap();
    let mut keys = Vec::new();
    collect(&table, "", &mut keys);
    keys.retain(|key| !key.starts_with("services.") && key != "token.file" && key != "meeting.secret.file");
    keys
}

fn collect(table: &toml::Table, prefix: &str, keys: &mut Vec<String>) {
    for (key, value) in table {
        match value {
            toml::Value::Table(inner) => collect(inner, &format!("{prefix}{key}."), keys),
            _ => keys.push(format!("{prefix}{key}")),
        }
    }
}
