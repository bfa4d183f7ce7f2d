//! Every way to get settings wrong, and the exact words that answer it.

use crate::config::{Sample, variables, written};
use daemon::config::{ConfigError, Settings};

fn refuse(text: &str, environment: &[(&str, &str)], flags: &[&str]) -> (String, ConfigError) {
    let (_folder, path) = written(text);
    let mut settings = Settings::new("AGENT")
        .alias("MEETING_TOKEN", "tunnel.token")
        .file(&path)
        .environment(variables(environment));
    for flag in flags {
        settings = settings.set("--set", flag);
    }
    let error = settings.load::<Sample>().expect_err(text);
    (error.to_string().replace(&path.display().to_string(), "agent.toml"), error)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of known answers")]
fn bad_files() {
    let table: &[(&str, &str)] = &[
        (
            "device_key = \"a\"\ndevise_key = \"b\"\n",
            "agent.toml:2:1: unknown key `devise_key`; did you mean `device_key`?
  |
2 | devise_key = …
  | ^^^^^^^^^^
  try: one of device_key, ports, verbose, level, tunnel, services, rule",
        ),
        (
            "device_key = \"a\"\n[tunnel]\n  hots = \"x\"\n",
            "agent.toml:3:3: [tunnel]: unknown key `hots`; did you mean `host`?
  |
3 |   hots = …
  |   ^^^^
  try: one of host, port, token, retry, buffer, listen, upstream, share",
        ),
        (
            "device_key = \"a\"\n[tunel]\nhost = \"x\"\n",
            "agent.toml:2:2: unknown key `tunel`; did you mean `tunnel`?
  |
2 | [tunel]
  |  ^^^^^
  try: one of device_key, ports, verbose, level, tunnel, services, rule",
        ),
        (
            "device_key = \"a\"\ntunnel.colour = 1\n",
            "agent.toml:2:8: [tunnel]: unknown key `colour`
  |
2 | tunnel.colour = …
  |        ^^^^^^
  try: one of host, port, token, retry, buffer, listen, upstream, share",
        ),
        (
            "device_key = \"a\"\ntunnel = { port = \"ssh\" }\n",
            "agent.toml:2:19: `tunnel.port`: expected a whole number from 0 to 65535, found \"ssh\"
  |
2 | tunnel = { port = \"ssh\" }
  |                   ^^^^^",
        ),
        (
            "device_key = \"a\"\ntunnel.port = 65536\n",
            "agent.toml:2:15: `tunnel.port`: expected a whole number from 0 to 65535, found 65536
  |
2 | tunnel.port = 65536
  |               ^^^^^",
        ),
        (
            "device_key = 17\n",
            "agent.toml:1:14: `device_key`: expected text in quotes, found 17
  |
1 | device_key = 17
  |              ^^",
        ),
        (
            "device_key = \"a\"\nports = [22, \"http\"]\n",
            "agent.toml:2:14: `ports.1`: expected a whole number from 0 to 65535, found \"http\"
  |
2 | ports = [22, \"http\"]
  |              ^^^^^^",
        ),
        (
            "device_key = \"a\"\nverbose = 2\n",
            "agent.toml:2:11: `verbose`: expected true or false, found 2
  |
2 | verbose = 2
  |           ^",
        ),
        (
            "device_key = \"a\"\nlevel = \"hihg\"\n",
            "agent.toml:2:9: `level`: unknown value `hihg`; did you mean `high`?
  |
2 | level = \"hihg\"
  |         ^^^^^^
  try: one of low, high",
        ),
        (
            "device_key = \"a\"\ntunnel.retry = 60\n",
            "agent.toml:2:16: `tunnel.retry`: `60` has no unit; write a time like \"60s\", \"5m\" or \"1h30m\"
  |
2 | tunnel.retry = 60
  |                ^^",
        ),
        (
            "device_key = \"a\"\ntunnel.buffer = \"64k\"\n",
            "agent.toml:2:17: `tunnel.buffer`: `k` is not a unit of size; write a size like 65536, \"64KiB\" or \"10MB\"
  |
2 | tunnel.buffer = \"64k\"
  |                 ^^^^^",
        ),
        (
            "device_key = \"a\"\ntunnel.listen = \"::1:9001\"\n",
            "agent.toml:2:17: `tunnel.listen`: `::1:9001` needs brackets round its IPv6 address; write an address like \"127.0.0.1:9001\" or \"[::1]:9001\"
  |
2 | tunnel.listen = \"::1:9001\"
  |                 ^^^^^^^^^^",
        ),
        (
            "device_key = \"a\"\ntunnel.upstream = \"host:0\"\n",
            "agent.toml:2:19: `tunnel.upstream`: `host:0`: nobody listens on port 0
  |
2 | tunnel.upstream = \"host:0\"
  |                   ^^^^^^^^",
        ),
        (
            "device_key = \"a\"\nservices = [\"ssh\"]\n",
            "agent.toml:2:12: `services`: expected a table, found a list
  |
2 | services = [\"ssh\"]
  |            ^^^^^^^",
        ),
        (
            "device_key = \"a\"\nrule = 5\n",
            "agent.toml:2:8: `rule`: expected a list, found 5
  |
2 | rule = 5
  |        ^",
        ),
        (
            "device_key = \"a\"\nlevel = 2026-01-01\n",
            "agent.toml:2:9: no setting is a date; did you mean text in quotes?
  |
2 | level = 2026-01-01
  |         ^^^^^^^^^^",
        ),
        (
            "ports = [22]\n",
            "agent.toml: `device_key` is not set
  try: set it in the file, as AGENT_DEVICE_KEY=… or with --set device_key=…",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(refuse(text, &[], &[]).0, *expected, "for:\n{text}");
    }
}

#[test]
fn a_table_that_lacks_a_key_is_pointed_at() {
    let (message, _) = refuse("device_key = \"a\"\n\n[services.web]\npublic = true\n", &[], &[]);
    assert_eq!(
        message,
        "agent.toml:3:1: `services.web.port` is not set
  try: set it in the file, as AGENT_SERVICES__WEB__PORT=… or with --set services.web.port=…"
    );
}

#[test]
fn broken_toml_points_at_its_line() {
    let (message, _) = refuse("device_key = \"a\"\nports = [22,\n", &[], &[]);
    assert!(message.starts_with("agent.toml:"), "{message}");
    assert!(message.contains("unclosed array"), "{message}");
    let (message, _) = refuse("device_key = \"a\"\ndevice_key = \"b\"\n", &[], &[]);
    assert_eq!(message, "agent.toml:2:1: duplicate key\n  |\n2 | device_key = \"b\"\n  | ^^^^^^^^^^");
}

#[test]
fn t11_a_wrong_secret_is_never_repeated() {
    let table: &[(&str, &str)] = &[
        (
            "device_key = \"a\"\ntunnel.token = 123456\n",
            "agent.toml:2:16: `tunnel.token`: a secret must stand in quotes\n  |\n2 | tunnel.token = …\n  |                ^",
        ),
        (
            "device_key = \"a\"\n[tunnel]\ntoken = [\"canary\"]\n",
            "agent.toml:3:9: `tunnel.token`: expected a secret in quotes, { file = \"/path\" } or { credential = \"name\" }, found sequence\n  |\n3 | token = …\n  |         ^",
        ),
        (
            "device_key = \"a\"\n[tunnel]\ntoken = \"\"\n",
            "agent.toml:3:9: `tunnel.token`: a secret is empty\n  |\n3 | token = …\n  |         ^",
        ),
        (
            "device_key = \"a\"\n[tunnel]\ntoken = { credential = \"../canary\" }\n",
            "agent.toml:3:9: `tunnel.token`: a credential is a plain name, not a path\n  |\n3 | token = …\n  |         ^",
        ),
        (
            "device_key = \"a\"\n[tunnel]\ntokn = \"canary\"\n",
            "agent.toml:3:1: [tunnel]: unknown key `tokn`; did you mean `token`?\n  |\n3 | tokn = …\n  | ^^^^\n  try: one of host, port, token, retry, buffer, listen, upstream, share",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(refuse(text, &[], &[]).0, *expected, "for:\n{text}");
    }
    let (message, _) = refuse("device_key = \"a\"\n[tunnel]\ntoken = \"canary\n", &[], &[]);
    assert!(message.starts_with("agent.toml:3:"), "{message}");
    assert!(!message.contains("canary"), "{message}");
}

#[test]
fn bad_environment_and_flags() {
    let good = "device_key = \"a\"\n";
    let environment: &[(&str, &str, &str)] = &[
        (
            "AGENT_TUNNEL__PORT",
            "ssh",
            "environment variable AGENT_TUNNEL__PORT: `tunnel.port`: expected a whole number from 0 to 65535, found \"ssh\"",
        ),
        (
            "AGENT_TUNNEL__HOTS",
            "x",
            "environment variable AGENT_TUNNEL__HOTS: [tunnel]: unknown key `hots`; did you mean `host`?\n  try: one of host, port, token, retry, buffer, listen, upstream, share",
        ),
        (
            "AGENT_TUNEL__HOST",
            "x",
            "environment variable AGENT_TUNEL__HOST: unknown key `tunel`; did you mean `tunnel`?\n  try: one of device_key, ports, verbose, level, tunnel, services, rule",
        ),
        (
            "AGENT_TUNNEL____HOST",
            "x",
            "environment variable AGENT_TUNNEL____HOST: has an empty part between its underscores",
        ),
        (
            "AGENT_VERBOSE",
            "maybe",
            "environment variable AGENT_VERBOSE: `verbose`: expected true or false, found \"maybe\"",
        ),
        ("MEETING_TOKEN", "", "environment variable MEETING_TOKEN: `tunnel.token`: a secret is empty"),
    ];
    for (name, value, expected) in environment {
        assert_eq!(refuse(good, &[(name, value)], &[]).0, *expected);
    }
    let flags: &[(&str, &str)] = &[
        ("tunnel.port", "--set: has no `=`\n  try: --set tunnel.host=example.org"),
        ("tunnel..port=1", "--set tunnel..port: has an empty part in its key"),
        (
            "tunnel.prot=1",
            "--set tunnel.prot: [tunnel]: unknown key `prot`; did you mean `port`?\n  try: one of host, port, token, retry, buffer, listen, upstream, share",
        ),
        (
            "tunnel.port=70000",
            "--set tunnel.port: `tunnel.port`: expected a whole number from 0 to 65535, found \"70000\"",
        ),
        (
            "colour=blue",
            "--set colour: unknown key `colour`\n  try: one of device_key, ports, verbose, level, tunnel, services, rule",
        ),
    ];
    for (flag, expected) in flags {
        assert_eq!(refuse(good, &[], &[flag]).0, *expected);
    }
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("none.toml");
    let error = Settings::new("AGENT").file(&path).load::<Sample>().unwrap_err();
    assert_eq!(error.message(), "there is no such file");
    assert_eq!(daemon::exit::Failure::from(error).exit().code(), 78);
    let error = Settings::new("AGENT").optional_file(&path).load::<Sample>().unwrap_err();
    assert!(error.to_string().starts_with("settings: `device_key` is not set"), "{error}");
    std::fs::write(&path, b"device_key = \"a\"\n# \xff\n").unwrap();
    let error = Settings::new("AGENT").file(&path).load::<Sample>().unwrap_err();
    assert_eq!(error.message(), "line 2 is not UTF-8 text");
    std::fs::write(&path, vec![b'#'; 1_100_000]).unwrap();
    let error = Settings::new("AGENT").file(&path).load::<Sample>().unwrap_err();
    assert_eq!(error.message(), "is larger than 1 MiB");
    let error = Settings::new("AGENT").file(folder.path()).load::<Sample>().unwrap_err();
    assert!(error.message().starts_with("cannot be read: "), "{error}");
}
