//! `docs/receiver.example.toml` is a configuration, and the defaults that it shows are the defaults.

use daemon::config::Settings;
use daemon::program::Configuration;
use receiver::Config;
use receiver::config::CheckIn;

const EXAMPLE: &str = include_str!("../../../../docs/receiver.example.toml");

fn load(text: &str) -> Config {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("receiver.toml");
    std::fs::write(&path, text).unwrap();
    let loaded = Settings::new("RECEIVER").file(path).load::<Config>().unwrap_or_else(|e| panic!("{e}"));
    Config::validate(&loaded).unwrap_or_else(|error| panic!("{error}"));
    loaded.settings
}

fn is_default(line: &str) -> bool {
    line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_lowercase()))
}

#[test]
fn the_example_is_the_default_but_for_the_place_of_the_database() {
    let mut expected = Config::default();
    expected.database.path = "/var/lib/meeting-receiver/receiver.db".into();
    assert_eq!(load(EXAMPLE), expected);
}

#[test]
fn the_defaults_shown_are_the_defaults() {
    let with_defaults: String = EXAMPLE
        .lines()
        .map(|line| if is_default(line) { &line[1..] } else { line })
        .flat_map(|line| [line, "\n"])
        .collect();
    assert!(EXAMPLE.lines().filter(|line| is_default(line)).count() > 15);
    assert_eq!(load(&with_defaults), load(EXAMPLE));
}

/// Every suggestion, taken, is understood; and nothing that can be set is missing.
#[test]
fn the_suggestions_are_understood_and_complete() {
    let home = tempfile::tempdir().unwrap();
    let key = home.path().join("key.pub");
    let line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBxGd0Vg4GZyBsdCZzGHi4ZBgX7kvtYtOGJrMZ2bnaZ5";
    std::fs::write(&key, line).unwrap();
    let mut taken = String::new();
    for line in EXAMPLE.lines() {
        let suggestion = line.strip_prefix("# ").filter(|rest| {
            let name = rest.split(" = ").next().unwrap_or_default();
            let setting = rest.contains(" = ") && !name.contains(' ');
            setting || rest.starts_with('[')
        });
        // The second form of the same setting, and the paths of this machine.
        let text = match suggestion {
            Some(rest) if rest.starts_with("postgres = {") => continue,
            Some(rest) => rest,
            None => line,
        };
        let text = text
            .replace("/etc/ssh/ssh_host_ed25519_key.pub", key.to_str().unwrap())
            .replace("/etc/meeting/operators.pub", key.to_str().unwrap())
            .replace("/etc/meeting/checkin-secret", key.to_str().unwrap())
            .replace("/etc/meeting/ipwatch-secret", key.to_str().unwrap());
        taken.push_str(&text);
        taken.push('\n');
    }
    let config = load(&taken);
    assert_eq!(config.meeting.host_keys.host, "meeting.example.org");
    assert_eq!(config.meeting.server_pubkey.as_ref().unwrap().usage.as_deref(), Some("maintenance"));
    assert!(config.http.tls.is_some() && config.admin.tls.is_some() && config.admin.listen.is_some());
    assert!(config.meeting.authorized_keys.command.is_some() && config.database.postgres.is_some());
    let check_in = config.checkin.as_ref().unwrap();
    assert_eq!(check_in.net[0].name, "Mesh Monday");
    let defaults = CheckIn::default();
    assert_eq!((&check_in.paths, &check_in.limits), (&defaults.paths, &defaults.limits));
    let json = serde_json::to_value(&config).unwrap();
    let mut missing = Vec::new();
    settings_of(&json, &mut |name| {
        let written = |line: &&str| line.trim_start_matches(['#', ' ']).starts_with(&format!("{name} = "));
        if !EXAMPLE.lines().any(|line| written(&line)) {
            missing.push(name.to_owned());
        }
    });
    assert_eq!(missing, Vec::<String>::new());
}

fn settings_of(value: &serde_json::Value, found: &mut impl FnMut(&str)) {
    if let serde_json::Value::Array(tables) = value {
        tables.iter().for_each(|table| settings_of(table, found));
    }
    let serde_json::Value::Object(fields) = value else { return };
    for (name, inner) in fields {
        let is_table = inner.is_object() || inner[0].is_object();
        if is_table {
            settings_of(inner, found);
        } else {
            found(name);
        }
    }
}
