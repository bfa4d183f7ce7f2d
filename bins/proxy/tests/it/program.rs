//! The command line and the settings, as an operator meets them.

use clap::Parser;
use daemon::config::Settings;
use daemon::exit::Exit;
use daemon::program::Configuration;
use proxy::Config;
use proxy::cli::Cli;

use crate::fake_meeting::{FakeMeeting, PROXY_SECRET};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/proxy.example.toml");

#[test]
fn the_annotated_example_can_be_used_and_shows_the_defaults() {
    let loaded = Settings::new("PROXY").file(EXAMPLE).load::<Config>().unwrap();
    assert_eq!(loaded.settings.problem(), None);
    let mut expected = Config::default();
    // What has no default that could be shown.
    expected.meeting.url.clone_from(&loaded.settings.meeting.url);
    expected.meeting.secret.clone_from(&loaded.settings.meeting.secret);
    expected.admin.listen.clone_from(&loaded.settings.admin.listen);
    expected.lockout.state_file.clone_from(&loaded.settings.lockout.state_file);
    assert_eq!(loaded.settings, expected);
    // Every key of the defaults stands in the example, commented out or not.
    let text = std::fs::read_to_string(EXAMPLE).unwrap();
    for line in toml_keys(&loaded.print().unwrap()) {
        let (key, table) = (format!("{line} ="), format!("[{line}]"));
        let mut shown = text.lines().map(|found| found.trim_start_matches("# "));
        assert!(
            shown.any(|found| found.starts_with(&key) || found == table),
            "`{line}` is not in the example"
        );
    }
}

fn toml_keys(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.trim().to_owned()).collect()
}

#[test]
fn settings_that_do_not_fit_together_point_at_their_line() {
    for (text, expected) in [
        ("", "`meeting.url`"),
        (
            "[meeting]\nurl = \"https://meeting.example.org\"\n[control]\nrequire_tls = true\n",
            "`control.require_tls`: needs",
        ),
        (
            "[meeting]\nurl = \"https://meeting.example.org\"\npoll_intervall = \"5s\"\n",
            "did you mean `poll_interval`?",
        ),
        (
            "[meeting]\nurl = \"https://meeting.example.org\"\npoll_interval = \"1ms\"\n",
            "`meeting.poll_interval`",
        ),
        (
            "[meeting]\nurl = \"https://meeting.example.org\"\n[tunnels]\nports = \"9-8\"\n",
            "write it like \"9050-9130\"",
        ),
        (
            "[meeting]\nurl = \"https://meeting.example.org\"\n[lockout]\nper_minute = 1\n",
            "`lockout.per_minute`",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("proxy.toml");
        std::fs::write(&path, text).unwrap();
        let loaded = Settings::new("PROXY").file(&path).load::<Config>();
        let error = loaded.and_then(|loaded| Config::validate(&loaded)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// Runs the command line as `main` does, beside a Meeting server on a runtime of its own.
fn run(meeting: &FakeMeeting, arguments: &[&str]) -> Result<(), daemon::exit::Failure> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxy.toml");
    let text = format!(
        "[meeting]\nurl = {:?}\nsecret = {PROXY_SECRET:?}\n[control]\nlisten = \"127.0.0.1:0\"\n[tunnels]\nports = \"9050\"\n",
        meeting.url()
    );
    std::fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    let all = ["proxy", "--config", &path].into_iter().chain(arguments.iter().copied());
    Cli::try_parse_from(all).unwrap().run()
}

#[test]
fn check_succeeds_when_all_is_well_and_names_the_missing_right() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let meeting = runtime.block_on(FakeMeeting::start());
    meeting.device("d", "c0ffee");
    meeting.tunnel("d", 9050, 22, None);
    run(&meeting, &["check", "--json"]).unwrap();
    meeting.set_mute(true);
    let failure = run(&meeting, &["check", "--json"]).unwrap_err();
    assert_eq!(failure.exit(), Exit::Failed);
    assert!(failure.to_string().contains("1 of "), "{failure}");
    meeting.set_down(true);
    assert_eq!(run(&meeting, &["check"]).unwrap_err().exit(), Exit::Failed);
    run(&meeting, &["--print-config"]).unwrap();
}

#[test]
fn settings_that_cannot_be_used_end_with_78_and_a_taken_port_with_69() {
    let failure =
        Cli::try_parse_from(["proxy", "--meeting", "ftp://example.org"]).unwrap().run().unwrap_err();
    assert_eq!(failure.exit(), Exit::Configuration, "{failure}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut config = Config::default();
    config.meeting.url = "http://127.0.0.1:9".into();
    config.control.listen = taken.local_addr().unwrap().into();
    let failure = runtime
        .block_on(proxy::run(config, proxy::Listeners::default(), daemon::lifecycle::Stop::default()))
        .unwrap_err();
    assert_eq!(failure.exit(), Exit::Unavailable, "{failure}");
}
