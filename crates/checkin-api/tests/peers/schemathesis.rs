//! The served OpenAPI document against the running server, by a tool that knows neither of us (threat C5).

use std::process::Command;

use checkin_api::ApiKey;
use checkin_api::net::{Definition, Net};
use checkin_api::server::store::{Role, Submissions};
use checkin_api::server::{CheckInServer, RateLimit, Settings, SharedSecret, SqlStore, SqliteOptions};

use crate::sockets::listen;
use crate::store_suite::copy;

const SECRET: &str = "the-secret-of-schemathesis";
/// How many generated requests an operation gets in each phase.
const EXAMPLES: &str = "60";

async fn run(with_key: bool) {
    let folder = tempfile::tempdir().expect("a folder");
    let store =
        SqlStore::open_sqlite(SqliteOptions::new(folder.path().join("checkins.db"))).expect("a store");
    store.submit(vec![copy("A1B2C3D4E5F67890", "HOWL", None, "k")]).await.expect("stored");
    let mut settings = Settings::default();
    let secret = SharedSecret::new(&ApiKey::new(SECRET).expect("a key"));
    settings.secret = Some(secret.with_role(Role::Operator));
    settings.nets = vec![
        Net::new(Definition {
            name: "monday".to_owned(),
            channel: "#meshmonday".to_owned(),
            weekday: "monday".to_owned(),
            opens: "08:00".parse().expect("a time"),
            closes: "20:00".parse().expect("a time"),
            zone: "America/Denver".to_owned(),
            phrase: None,
        })
        .expect("a net"),
    ];
    settings.rate = RateLimit { burst: u32::MAX, per_second: u32::MAX };
    let listening = listen(CheckInServer::new(store, settings)).await;
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers");
    let program = std::env::var("SCHEMATHESIS").unwrap_or_else(|_| "schemathesis".to_owned());
    let mut command = Command::new(program);
    command
        .current_dir(folder.path())
        .env("SCHEMATHESIS_HOOKS", "schemathesis_hooks")
        .env("PYTHONPATH", here);
    command.args(["--config-file", &format!("{here}/schemathesis.toml"), "run"]);
    command.arg(format!("http://{}/v1/checkins/openapi.json", listening.address));
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
async fn c5_schemathesis_finds_nothing_with_a_key() {
    run(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs schemathesis; run by .ci/run"]
async fn c5_schemathesis_finds_nothing_as_a_stranger() {
    run(false).await;
}
