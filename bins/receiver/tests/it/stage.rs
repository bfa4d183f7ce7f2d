//! A receiver in this process, on ports of the system's choice.

use std::path::Path;

use daemon::exit::Failure;
use daemon::lifecycle::Stop;
use meeting_api::Secret;
use meeting_api::client::{Client, Credential};
use receiver::{Config, Listeners, Receiver};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A receiver that runs until it is told to stop.
pub(crate) struct Stage {
    pub(crate) http: String,
    pub(crate) admin: String,
    pub(crate) config: Config,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) reload: mpsc::Sender<Config>,
    stop: Stop,
    task: JoinHandle<Result<(), Failure>>,
}

pub(crate) fn config_in(folder: &Path) -> Config {
    let mut config = Config::default();
    config.database.path = folder.join("receiver.db");
    config
}

impl Stage {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config_in(folder.path());
        Self::with(folder, config).await
    }

    pub(crate) async fn with(folder: tempfile::TempDir, config: Config) -> Self {
        let http = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let admin = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if config.http.tls.is_some() { "https" } else { "http" };
        let (http_url, admin_url) = (
            format!("{scheme}://{}", http.local_addr().unwrap()),
            format!("http://{}", admin.local_addr().unwrap()),
        );
        let (reload, reloads) = mpsc::channel(1);
        let stop = Stop::default();
        let receiver = Receiver::new(config.clone())
            .listeners(Listeners { http: Some(http), admin: Some(admin) })
            .reloads(reloads);
        let task = tokio::spawn(receiver.run(stop.clone()));
        let stage = Self { http: http_url, admin: admin_url, config, folder, reload, stop, task };
        // The listener is open already: the first answer comes when the receiver serves.
        if scheme == "http" {
            stage.client(None).api_status().await.unwrap();
        }
        stage
    }

    pub(crate) fn client(&self, secret: Option<&str>) -> Client {
        let credential = match secret {
            Some(secret) => Credential::Bearer(Secret::new(secret)),
            None => Credential::None,
        };
        Client::builder(&self.http).unwrap().credential(credential).build().unwrap()
    }

    /// The secret that the first start left in a file.
    pub(crate) fn operator_secret(&self) -> String {
        let path = self.folder.path().join("operator.secret");
        std::fs::read_to_string(path).unwrap().trim().to_owned()
    }

    pub(crate) fn operator(&self) -> Client {
        self.client(Some(&self.operator_secret()))
    }

    /// Ends the receiver in order, and gives its folder back.
    pub(crate) async fn end(self) -> tempfile::TempDir {
        self.stop.gently.cancel();
        self.task.await.unwrap().unwrap();
        self.folder
    }

    /// What a command prints that works on the check-ins of this receiver.
    pub(crate) async fn check_in_command(&self, line: &[&str]) -> Result<String, Failure> {
        run_check_in_command(&self.config, line).await
    }

    /// What a command prints that works on the machines of this receiver.
    pub(crate) async fn ipwatch_command(&self, line: &[&str]) -> Result<String, Failure> {
        run_ipwatch_command(&self.config, line).await
    }

    /// What a command prints, on the database of this receiver.
    pub(crate) async fn command(&self, line: &[&str]) -> Result<String, Failure> {
        run_command(&self.config, line).await
    }
}

/// A command line without the program's name.
#[derive(Debug, clap::Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(subcommand)]
    command: receiver::command::Command,
}

pub(crate) async fn run_command(config: &Config, line: &[&str]) -> Result<String, Failure> {
    let parsed = <Line as clap::Parser>::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
    parsed.command.run(config, None).await
}

/// What stands behind `receiver checkin`.
#[derive(Debug, clap::Parser)]
#[command(no_binary_name = true)]
struct CheckInLine {
    #[command(subcommand)]
    work: receiver::command::check_in::Work,
}

pub(crate) async fn run_check_in_command(config: &Config, line: &[&str]) -> Result<String, Failure> {
    let parsed =
        <CheckInLine as clap::Parser>::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
    let mut out = Vec::new();
    parsed.work.run(config.checkin.as_ref().unwrap(), None, &mut out).await?;
    Ok(String::from_utf8(out).unwrap())
}

/// What stands behind `receiver ipwatch`.
#[derive(Debug, clap::Parser)]
#[command(no_binary_name = true)]
struct IpWatchLine {
    #[command(subcommand)]
    command: receiver::command::ipwatch::IpWatchCommand,
}

pub(crate) async fn run_ipwatch_command(config: &Config, line: &[&str]) -> Result<String, Failure> {
    let parsed =
        <IpWatchLine as clap::Parser>::try_parse_from(line).unwrap_or_else(|error| panic!("{error}"));
    parsed.command.run(config, None).await
}
