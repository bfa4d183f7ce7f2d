//! The layers of settings, and what is printed of them.

use daemon::config::{ByteSize, HostPort, ListenAddress, Loaded, Period, SecretSource, Settings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sample {
    pub(crate) device_key: String,
    #[serde(default)]
    pub(crate) ports: Vec<u16>,
    #[serde(default)]
    pub(crate) verbose: bool,
    pub(crate) level: Option<Level>,
    #[serde(default)]
    pub(crate) tunnel: Tunnel,
    #[serde(default)]
    pub(crate) services: BTreeMap<String, Service>,
    #[serde(default)]
    pub(crate) rule: Vec<Service>,
}

#[derive(Debug, Deserialize, Serialize, PartialEq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Low,
    High,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct Tunnel {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) token: Option<SecretSource>,
    pub(crate) retry: Period,
    pub(crate) buffer: ByteSize,
    pub(crate) listen: Option<ListenAddress>,
    pub(crate) upstream: Option<HostPort>,
    pub(crate) share: Option<f64>,
}

impl Default for Tunnel {
    fn default() -> Self {
        Self {
            host: "tunnel.example.org".into(),
            port: 9001,
            token: None,
            retry: Period::from_secs(5),
            buffer: ByteSize::from_bytes(65_536),
            listen: None,
            upstream: None,
            share: None,
        }
    }
}

#[derive(Debug, Deserialize, Serialize, PartialEq)]
pub(crate) struct Service {
    pub(crate) port: u16,
    #[serde(default)]
    pub(crate) public: bool,
}

pub(crate) fn variables(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

pub(crate) fn written(text: &str) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("agent.toml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn settings(path: &Path) -> Settings {
    Settings::new("AGENT")
        .alias("MEETING_TOKEN", "tunnel.token")
        .alias("MEETING_DEVICE_KEY", "device_key")
        .file(path)
}

const FILE: &str = r#"device_key = "0a1b"
ports = [22, 80]
level = "high"

[tunnel]
host = "file.example.org"
port = 9002
token = "canary-file"
retry = "1m30s"
buffer = 4096
listen = "[::1]:9001"

[services.ssh]
port = 22

[[rule]]
port = 1
[[rule]]
port = 2
public = true
"#;

#[test]
fn a_file_is_read() {
    let (_folder, path) = written(FILE);
    let loaded: Loaded<Sample> = settings(&path).load().unwrap();
    let sample = &loaded.settings;
    assert_eq!((sample.device_key.as_str(), sample.ports.as_slice()), ("0a1b", [22, 80].as_slice()));
    assert_eq!(sample.level, Some(Level::High));
    assert_eq!((sample.tunnel.host.as_str(), sample.tunnel.port), ("file.example.org", 9002));
    assert_eq!(sample.tunnel.retry.duration().as_secs(), 90);
    assert_eq!(sample.tunnel.buffer.bytes(), 4096);
    assert_eq!(sample.tunnel.listen, Some(ListenAddress::Host { host: "::1".into(), port: 9001 }));
    assert_eq!(sample.services["ssh"], Service { port: 22, public: false });
    assert_eq!(sample.rule[1], Service { port: 2, public: true });
    assert_eq!(sample.tunnel.token.as_ref().unwrap().read().unwrap().expose_secret(), "canary-file");
    assert_eq!(loaded.file(), Some(path.as_path()));
}

#[test]
fn environment_stands_over_the_file_and_flags_over_both() {
    let (_folder, path) = written(FILE);
    let environment = variables(&[
        ("AGENT_TUNNEL__HOST", "env.example.org"),
        ("AGENT_TUNNEL__PORT", "9003"),
        ("AGENT_PORTS", "443, 8080"),
        ("AGENT_VERBOSE", "yes"),
        ("AGENT_LEVEL", "low"),
        ("AGENT_TUNNEL__SHARE", "0.5"),
        ("MEETING_TOKEN", "123456"),
        ("MEETING_DEVICE_KEY", "alias"),
        ("AGENT_DEVICE_KEY", "prefixed"),
        ("AGENTS_HOME", "/nobody"),
    ]);
    let settings = settings(&path)
        .environment(environment)
        .set("--set", "tunnel.port=9004")
        .set("--public", "rule=[{ port = 7 }]");
    let sample: Sample = settings.load().unwrap().settings;
    assert_eq!((sample.tunnel.host.as_str(), sample.tunnel.port), ("env.example.org", 9004));
    assert_eq!(
        (sample.ports.as_slice(), sample.verbose, sample.level),
        ([443, 8080].as_slice(), true, Some(Level::Low))
    );
    assert_eq!(sample.device_key, "prefixed");
    assert_eq!(sample.tunnel.share, Some(0.5));
    assert_eq!(sample.rule, [Service { port: 7, public: false }]);
    assert_eq!(sample.tunnel.token.unwrap().read().unwrap().expose_secret(), "123456");
}

#[test]
fn a_variable_of_somebody_else_is_a_warning_not_an_error() {
    let (_folder, path) = written(FILE);
    let environment = variables(&[("AGENT_PORT_80_TCP", "tcp://192.0.2.1:80"), ("AGENT_HOME", "/x")]);
    let loaded: Loaded<Sample> = settings(&path).environment(environment).load().unwrap();
    assert_eq!(loaded.stray_variables(), ["AGENT_HOME", "AGENT_PORT_80_TCP"]);
}

#[test]
fn t11_what_is_in_force_is_printed_without_secrets() {
    let (_folder, path) = written(FILE);
    let environment = variables(&[("AGENT_TUNNEL__PORT", "9003")]);
    let loaded: Loaded<Sample> =
        settings(&path).environment(environment).set("--verbose", "verbose=true").load().unwrap();
    let name = path.display();
    let expected = format!(
        r#"device_key = "0a1b"                      # {name}:1
ports = [22, 80]                         # {name}:2
verbose = true                           # flag --verbose
level = "high"                           # {name}:3

[tunnel]
host = "file.example.org"                # {name}:6
port = 9003                              # environment AGENT_TUNNEL__PORT
token = "(hidden)"                       # {name}:8
retry = "1m30s"                          # {name}:9
buffer = "4KiB"                          # {name}:10
listen = "[::1]:9001"                    # {name}:11

[services.ssh]
port = 22                                # {name}:14
public = false

[[rule]]
port = 1                                 # {name}:17
public = false

[[rule]]
port = 2                                 # {name}:19
public = true                            # {name}:20
"#
    );
    assert_eq!(loaded.print().unwrap(), expected);
}

#[test]
fn t11_debug_output_and_the_memory_of_places_hold_no_secret() {
    let (_folder, path) = written(FILE);
    let settings =
        settings(&path).environment(variables(&[("AGENT_RULE", "[]"), ("MEETING_TOKEN", "canary-env")]));
    let from_file: Loaded<Sample> = Settings::new("AGENT").file(&path).load().unwrap();
    let from_environment: Loaded<Sample> = settings.load().unwrap();
    for shown in [format!("{settings:?}"), format!("{from_file:?}"), format!("{from_environment:?}")] {
        daemon::logging::testing::assert_no_secret(&shown, "canary-file");
        daemon::logging::testing::assert_no_secret(&shown, "canary-env");
    }
    assert_eq!(
        from_file.refuse("tunnel.retry", "is long").to_string().lines().next().unwrap().split(':').nth(1),
        Some("9")
    );
}

#[test]
fn what_is_printed_can_be_loaded_again_except_for_secrets() {
    let (_folder, path) =
        written(&FILE.replace("token = \"canary-file\"", "token = { file = \"/run/token\" }"));
    let printed = settings(&path).load::<Sample>().unwrap().print().unwrap();
    let (_other, again) = written(&printed);
    let sample: Sample = settings(&again).load().unwrap().settings;
    assert_eq!(sample.tunnel.token, Some(SecretSource::File("/run/token".into())));
    assert_eq!(sample.rule.len(), 2);
}

#[test]
fn a_rule_between_settings_points_at_the_line() {
    let (_folder, path) = written(FILE);
    let loaded: Loaded<Sample> = settings(&path).load().unwrap();
    let name = path.display();
    assert_eq!(
        loaded.refuse("tunnel.port", "is the port of the receiver").to_string(),
        format!("{name}:7:8: `tunnel.port`: is the port of the receiver\n  |\n7 | port = …\n  |        ^")
    );
    assert_eq!(loaded.refuse("tls.key", "is needed").to_string(), format!("{name}: `tls.key`: is needed"));
}

#[test]
fn a_secret_file_is_read_when_it_is_asked_for() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("token");
    let source = SecretSource::File(path.clone());
    let missing = source.read().unwrap_err().to_string();
    assert!(missing.starts_with(&format!("secret file {}: ", path.display())), "{missing}");
    std::fs::write(&path, "s3cret\r\n").unwrap();
    assert_eq!(source.read().unwrap().expose_secret(), "s3cret");
    std::fs::write(&path, "\n").unwrap();
    assert_eq!(source.read().unwrap_err().to_string(), format!("secret file {}: is empty", path.display()));
    std::fs::write(&path, "x".repeat(70_000)).unwrap();
    assert!(source.read().unwrap_err().to_string().ends_with("is larger than 64 KiB"));
    let credential = SecretSource::Credential("token".into()).read().unwrap_err().to_string();
    assert!(credential.contains("LoadCredential=token"), "{credential}");
}

proptest::proptest! {
    #[test]
    fn no_file_and_no_variable_makes_loading_panic(text: String, name in "AGENT_[A-Z_]{0,20}", value: String) {
        let (_folder, path) = written(&text);
        let _ = settings(&path).load::<Sample>().map_err(|error| error.to_string());
        let (_folder, path) = written(FILE);
        let environment = variables(&[(&name, &value)]);
        let _ = settings(&path).environment(environment).set("--set", &value).load::<Sample>().map_err(|error| error.to_string());
    }
}
