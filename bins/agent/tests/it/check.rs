//! `agent check` and `agent once` against a server and a proxy in this process.

use agent::check::{Options, Report, Step, Verdict, check_on};
use agent::{Config, once};
use daemon::exit::Exit;
use tokio::net::TcpListener;

use crate::fake_meeting::Meeting;
use crate::fake_proxy::Proxy;
use crate::harness::{OneAddress, config, with_tunnel};

async fn check(config: Config) -> Report {
    let mut heard = Vec::new();
    let mut listen = |step: &Step| heard.push(step.clone());
    let report = check_on(config, Options::default(), &OneAddress::default(), &mut listen).await;
    assert_eq!(report.steps, heard);
    report
}

fn verdicts(report: &Report) -> Vec<(&'static str, Verdict)> {
    report.steps.iter().map(|step| (step.id, step.verdict)).collect()
}

fn step<'a>(report: &'a Report, id: &str) -> &'a Step {
    report.steps.iter().find(|step| step.id == id).unwrap()
}

#[tokio::test]
async fn a_device_that_is_set_up_right_passes_every_step() {
    use Verdict::{Note, Ok};
    let home = tempfile::tempdir().unwrap();
    let (meeting, proxy) = (Meeting::start().await, Proxy::start().await);
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = service.local_addr().unwrap().port();
    let config = with_tunnel(config(&home, &meeting.url()), proxy.address, &[("ssh", port)]);

    let parts = once::once(config.clone()).await.unwrap();
    let names: Vec<_> = parts.iter().map(|part| (part.name, part.result.is_ok())).collect();
    assert_eq!(names, [("heartbeat", true), ("key", true), ("host keys", true), ("tunnel", true)]);
    once::verdict(parts).unwrap();

    let report = check(config).await;
    let expected = [
        ("device_key", Ok),
        ("token", Ok),
        ("settings", Ok),
        ("name", Ok),
        ("tcp", Ok),
        // The test's server speaks plain http, which is worth a note.
        ("tls", Note),
        ("api", Ok),
        ("clock", Ok),
        ("known", Ok),
        ("authorized", Ok),
        ("heartbeat", Ok),
        ("host_keys", Ok),
        ("key", Ok),
        ("key_published", Ok),
        ("tunnel", Ok),
        ("tunnel_handshake", Ok),
        ("service", Ok),
    ];
    assert_eq!(verdicts(&report), expected, "{:#?}", report.steps);
    assert_eq!(report.exit(), Exit::Ok);
}

#[tokio::test]
async fn each_failure_names_its_step_and_what_to_try() {
    let home = tempfile::tempdir().unwrap();
    let (meeting, proxy) = (Meeting::start().await, Proxy::start().await);
    let good = with_tunnel(config(&home, &meeting.url()), proxy.address, &[]);

    meeting.set(|state| state.provisioned = false);
    let report = check(good.clone()).await;
    assert_eq!(step(&report, "known").verdict, Verdict::Failed);
    assert_eq!(step(&report, "heartbeat").verdict, Verdict::Skipped);
    assert!(step(&report, "known").advice.as_ref().unwrap().contains("receiver device add"));
    assert_eq!(report.exit(), Exit::Failed);

    meeting.set(|state| {
        state.provisioned = true;
        state.authorized = false;
        state.host_keys = "evil.example.org ssh-ed25519 AAAA\n".to_owned();
    });
    proxy.refuse(Some("not_authorized"));
    let report = check(good.clone()).await;
    for (id, word) in [
        ("authorized", "receiver device authorize"),
        ("host_keys", "known_hosts.hosts"),
        ("tunnel_handshake", "have the operator authorise"),
    ] {
        let step = step(&report, id);
        assert_eq!(step.verdict, Verdict::Failed, "{id}");
        assert!(step.advice.as_ref().unwrap().contains(word), "{step:?}");
    }
    assert_eq!(step(&report, "service").verdict, Verdict::Note);
}

#[tokio::test]
async fn a_server_without_host_keys_is_worth_a_note_and_no_failure() {
    let home = tempfile::tempdir().unwrap();
    let (meeting, proxy) = (Meeting::start().await, Proxy::start().await);
    meeting.set(|state| state.host_keys.clear());
    let report = check(with_tunnel(config(&home, &meeting.url()), proxy.address, &[])).await;
    let step = step(&report, "host_keys");
    assert_eq!(step.verdict, Verdict::Note);
    assert!(step.advice.as_ref().unwrap().contains("meeting.host_keys"), "{step:?}");
    assert_eq!(report.exit(), Exit::Ok);
}

#[tokio::test]
async fn what_cannot_be_reached_stops_the_steps_behind_it_and_no_others() {
    let home = tempfile::tempdir().unwrap();
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let config =
        with_tunnel(config(&home, &format!("http://{address}")), address, &[("ssh", address.port())]);
    let report = check(config).await;
    use Verdict::{Failed, Ok, Skipped};
    assert_eq!(
        verdicts(&report),
        [
            ("device_key", Ok),
            ("token", Ok),
            ("settings", Ok),
            ("name", Ok),
            ("tcp", Failed),
            ("device", Skipped),
            ("tunnel", Failed),
            ("tunnel_handshake", Skipped),
            ("service", Failed),
        ]
    );
}

#[tokio::test]
async fn without_a_device_key_the_check_says_where_it_looked() {
    let home = tempfile::tempdir().unwrap();
    let mut config = config(&home, "http://127.0.0.1:1");
    config.device_key = None;
    let report = check(config).await;
    let step = step(&report, "device_key");
    assert_eq!(step.verdict, Verdict::Failed);
    assert!(step.found.contains("device_info.json"), "{}", step.found);
}

/// A server without host keys to give is set up so; the device's round is not a failure for that.
#[tokio::test]
async fn a_server_without_host_keys_is_no_failure() {
    let home = tempfile::tempdir().unwrap();
    let meeting = Meeting::start().await;
    meeting.set(|state| state.host_keys.clear());
    let config = config(&home, &meeting.url());
    let parts = once::once(config.clone()).await.unwrap();
    let said = parts.iter().find(|part| part.name == "host keys").unwrap();
    assert_eq!(said.result.as_deref().unwrap(), "the server has none to give");
    once::verdict(parts).unwrap();
    assert_eq!(step(&check(config).await, "host_keys").verdict, Verdict::Note);
}

#[tokio::test]
async fn once_says_which_part_failed_by_its_exit_code() {
    let home = tempfile::tempdir().unwrap();
    let (meeting, proxy) = (Meeting::start().await, Proxy::start().await);
    let config = with_tunnel(config(&home, &meeting.url()), proxy.address, &[]);

    proxy.refuse(Some("invalid_token"));
    let failure = once::verdict(once::once(config.clone()).await.unwrap()).unwrap_err();
    assert_eq!(failure.exit(), Exit::NotPermitted);
    assert!(failure.to_string().contains("receiver device show"), "{failure}");

    meeting.set(|state| state.provisioned = false);
    let parts = once::once(config.clone()).await.unwrap();
    assert_eq!(parts.len(), 1);
    let failure = once::verdict(parts).unwrap_err();
    assert_eq!(failure.exit(), Exit::NotPermitted);
    assert!(failure.to_string().starts_with("device not provisioned"), "{failure}");

    let mut away = config;
    away.meeting.url = Some("http://127.0.0.1:1".to_owned());
    let failure = once::verdict(once::once(away).await.unwrap()).unwrap_err();
    assert_eq!(failure.exit(), Exit::Unavailable);
}
