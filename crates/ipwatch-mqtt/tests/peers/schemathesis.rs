//! The served OpenAPI document against the running server, by a tool that knows neither of us.

use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

use ipwatch_mqtt::server::store::{Devices, NewDevice, Role};
use ipwatch_mqtt::server::{
    Answer, Fleet, IpWatchServer, PowerRate, Settings, SharedSecret, SqlStore, SqliteOptions,
};
use ipwatch_mqtt::{CommandName, Response};
use jiff::Timestamp;

use crate::sockets::listen;

const SECRET: &str = "the-secret-of-schemathesis";
/// How many generated requests an operation gets in each phase.
const EXAMPLES: &str = "5";

/// Machines that do whatever they are told.
#[derive(Debug)]
struct Willing;

impl Fleet for Willing {
    async fn command(&self, _: IpAddr, _: CommandName, _: Duration) -> Answer {
        let message = "ok".to_owned();
        Answer::Answered(Response { success: true, message, timestamp: None, id: None, code: None })
    }

    async fn broadcast(&self, devices: Vec<IpAddr>, command: CommandName, within: Duration) -> Vec<Answer> {
        let mut answers = Vec::new();
        for device in devices {
            answers.push(self.command(device, command, within).await);
        }
        answers
    }
}

async fn run(with_key: bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let options = SqliteOptions::new(folder.path().join("ipwatch.db"));
    let store = SqlStore::open_sqlite(options).expect("a store");
    let device = NewDevice {
        address: "192.0.2.7".parse().expect("an address"),
        name: "Press 7".to_owned(),
        mac: None,
        groups: vec!["lab".parse().expect("a name")],
        user: None,
    };
    store.put_device(device, Timestamp::UNIX_EPOCH).await.expect("stored");
    let mut settings = Settings::default();
    settings.secret = Some(SharedSecret::new(SECRET, "schemathesis", Role::Administer));
    settings.power_rate = PowerRate { burst: u32::MAX, per_minute: u32::MAX };
    // Nothing leaves this machine, and a stream ends with what there is.
    settings.wake_destinations = vec!["127.0.0.1:9".parse().expect("an address")];
    settings.stream_for = Duration::from_millis(100);
    let server = IpWatchServer::open(store, Willing, settings).await.expect("opened");
    let listening = listen(server).await;
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers");
    let program = std::env::var("SCHEMATHESIS").unwrap_or_else(|_| "schemathesis".to_owned());
    let mut command = Command::new(program);
    command
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", "schemathesis_hooks")
        .env("PYTHONPATH", here);
    command.args(["--config-file", &format!("{here}/schemathesis.toml"), "run"]);
    command.arg(format!("http://{}/v1/ipwatch/openapi.json", listening.address));
    command.args(["--seed", "1", "--max-examples", EXAMPLES, "--no-color"]);
    if with_key {
        command.args(["-H", &format!("Authorization: Bearer {SECRET}")]);
    }
    let status = tokio::task::spawn_blocking(move || command.status())
        .await
        .expect("no panic")
        .expect("schemathesis is installed: pip install schemathesis");
    assert!(status.success(), "schemathesis found something; see above");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs schemathesis; run by .ci/run"]
async fn schemathesis_finds_nothing_with_a_key() {
    run(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs schemathesis; run by .ci/run"]
async fn schemathesis_finds_nothing_as_a_stranger() {
    run(false).await;
}
