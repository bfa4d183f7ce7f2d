//! `receiver checkin` alone: what the document's script does, under the same environment.

use daemon::cli::Common;
use daemon::config::{ConfigError, Loaded, Settings};
use daemon::exit::{Exit, Failure};
use daemon::logging::LogSettings;
use daemon::program::{self, Configuration};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::config::{CheckIn, Config, Problem};
use crate::run::Receiver;

/// The settings of which only `[checkin]`, `[http.limits]`, `[admin]`, `[log]` and `[shutdown]` count: files that Meeting needs may be missing.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct CheckInsOnly(Config);

impl Configuration for CheckInsOnly {
    fn log(&self) -> &LogSettings {
        &self.0.log
    }

    fn validate(loaded: &Loaded<Self>) -> Result<(), ConfigError> {
        let refuse = |Problem { key, message }: Problem| loaded.refuse(&key, &message);
        loaded.settings.0.checkin.as_ref().map(CheckIn::settings).transpose().map_err(refuse)?;
        Ok(())
    }
}

/// Source: checkin §7.2. Choice: CI-80.
pub(super) fn run(common: &Common, settings: Settings, port: u16) -> Result<(), Failure> {
    let settings = settings.set("--port", &format!("http.listen=127.0.0.1:{port}"));
    let Some(loaded) = common.load::<CheckInsOnly>(&settings)? else { return Ok(()) };
    if loaded.settings.0.checkin.as_ref().is_none_or(|check_ins| check_ins.secret.is_none()) {
        return Err(Failure::new(
            Exit::Configuration,
            "CHECKIN_API_SECRET is not set, and without it no bot could send anything",
        )
        .advise("set it to the `api_key` of your bots; a new one: head -c 32 /dev/urandom | base64"));
    }
    CheckInsOnly::validate(&loaded)?;
    let serve =
        program::serve(env!("CARGO_PKG_VERSION"), loaded, settings, |CheckInsOnly(config), reloads, stop| {
            let config = Config { http: crate::config::Http { tls: None, ..config.http }, ..config };
            Receiver::new(config).reloads(unwrapped(reloads)).as_service().run_check_ins(stop)
        });
    program::runtime()?.block_on(serve)
}

fn unwrapped(mut reloads: mpsc::Receiver<CheckInsOnly>) -> mpsc::Receiver<Config> {
    let (forward, configs) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Some(CheckInsOnly(config)) = reloads.recv().await {
            if forward.send(config).await.is_err() {
                return;
            }
        }
    });
    configs
}
