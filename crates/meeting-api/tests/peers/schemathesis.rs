//! The served OpenAPI document against the running server, by a tool that knows neither of us.

use std::process::Command;

use meeting_api::server::store::{Credentials, Devices, NewDevice, Role};
use meeting_api::server::{
    Clock, MeetingServer, Settings, SqliteOptions, SqliteStore, SystemClock, SystemRandom, mint_secret,
};

use crate::sockets::listen;

/// How many generated requests an operation gets in each phase.
const EXAMPLES: &str = "100";

async fn run(bearer: bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(SqliteOptions::new(folder.path().join("meeting.db"))).expect("a store");
    let now = SystemClock.now();
    let minted = mint_secret(Role::Operator, "schemathesis", now, &SystemRandom).expect("randomness");
    assert_eq!(store.create_credential(minted.credential).await, Ok(true));
    let device = NewDevice {
        device_key: "0123456789abcdef0123456789abcdef".parse().expect("a key"),
        device_name: None,
        product_serial: None,
        device_type: None,
        distribution: None,
        authorized: true,
        token_code: Some("a1b2c3".parse().expect("a code")),
        token_count: 1,
        note: None,
        services: vec![],
        registered_at: now,
    };
    assert_eq!(store.create_device(device).await, Ok(true));
    let mut settings = Settings::default();
    settings.host_keys = "meeting.example.org ssh-ed25519 \
                          AAAAC3NzaC1lZDI1NTE5AAAAIBxGd0Vg4GZyBsdCZzGHi4ZBgX7kvtYtOGJrMZ2bnaZ5\n"
        .to_owned();
    // Wrong credentials are part of what the tool tries, and it tries them often.
    settings.max_failures = u32::MAX;
    let listening = listen(MeetingServer::new(store, settings)).await;
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers");
    let program = std::env::var("SCHEMATHESIS").unwrap_or_else(|_| "schemathesis".to_owned());
    let mut command = Command::new(program);
    command
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", "schemathesis_hooks")
        .env("PYTHONPATH", here);
    command.args(["--config-file", &format!("{here}/schemathesis.toml"), "run"]);
    command.arg(format!("http://{}/api/openapi.json", listening.address));
    command.args(["--seed", "1", "--max-examples", EXAMPLES, "--no-color"]);
    if bearer {
        command.args(["-H", &format!("Authorization: Bearer {}", minted.secret.expose())]);
    }
    let status = tokio::task::spawn_blocking(move || command.status())
        .await
        .expect("no panic")
        .expect("schemathesis is installed: pip install schemathesis");
    assert!(status.success(), "schemathesis found something; see above");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs schemathesis; run by .ci/run"]
async fn schemathesis_finds_nothing_as_an_operator() {
    run(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs schemathesis; run by .ci/run"]
async fn schemathesis_finds_nothing_as_a_stranger() {
    run(false).await;
}
