//! The settings of `[checkin]` made ready for use.

use std::path::PathBuf;
use std::time::Duration;

use checkin_api::ApiKey;
use checkin_api::client::{CheckInClient, ClientError};
use checkin_api::outbox::{Outbox, OutboxError, OutboxOptions};
use daemon::exit::{Exit, Failure};
use daemon::tls::Connector;

use crate::config::Config;
use crate::plan::is_https;

/// Everything that forwarding works with.
#[derive(Clone, Debug)]
pub(crate) struct CheckInPlan {
    pub(crate) client: CheckInClient,
    pub(crate) source_bot: Option<String>,
    pub(crate) spool: Option<PathBuf>,
    pub(crate) poll_every: Duration,
    outbox: PathBuf,
    options: OutboxOptions,
}

impl CheckInPlan {
    /// Makes the settings ready; `None` without a `url`.
    ///
    /// # Errors
    /// A setting or a file that it names cannot be used; the failure names it.
    pub(crate) fn make(config: &Config) -> Result<Option<Self>, Failure> {
        let settings = &config.checkin;
        if let Some(problem) = settings.problem() {
            return Err(Failure::new(Exit::Configuration, format!("{} {}", problem.key, problem.message)));
        }
        let Some(url) = &settings.url else { return Ok(None) };
        let mut options = OutboxOptions::default();
        options.max_entries = usize::try_from(settings.max_waiting.get()).unwrap_or(usize::MAX);
        options.policy.spread = settings.spread.duration();
        options.batches = settings.batches;
        Ok(Some(Self {
            client: client(config, url)?,
            source_bot: settings.source_bot.clone(),
            spool: settings.spool.clone(),
            poll_every: settings.poll_every.duration(),
            outbox: outbox_path(config),
            options,
        }))
    }

    /// The same without a wait before the first check-in: somebody sits before the screen.
    pub(crate) const fn at_once(mut self) -> Self {
        self.options.policy.spread = Duration::ZERO;
        self
    }

    /// Opens the outbox; blocks for a moment.
    pub(crate) fn outbox(&self) -> Result<Outbox, OutboxError> {
        Outbox::open(&self.outbox, self.options)
    }
}

/// Where the outbox is.
pub(crate) fn outbox_path(config: &Config) -> PathBuf {
    config.state_directory.join(&config.checkin.outbox)
}

fn client(config: &Config, url: &str) -> Result<CheckInClient, Failure> {
    let settings = &config.checkin;
    let unusable = |error: ClientError| {
        let exit = if matches!(error, ClientError::Io(_)) { Exit::Unavailable } else { Exit::Configuration };
        Failure::new(exit, format!("checkin.url {url}")).because(error)
    };
    let timeout = settings.timeout.duration();
    let mut builder = CheckInClient::builder(url)
        .map_err(unusable)?
        .timeout(timeout)
        .connect_timeout(timeout)
        .user_agent(concat!("meeting-agent/", env!("CARGO_PKG_VERSION")))
        .allow_insecure(settings.allow_insecure);
    if let Some(source) = &settings.api_key {
        let secret = source.read().map_err(|error| Failure::io("checkin.api_key", error))?;
        let key = ApiKey::new(secret.expose_secret());
        builder = builder.api_key(
            key.map_err(|error| Failure::new(Exit::Configuration, "checkin.api_key").because(error))?,
        );
    }
    if is_https(url) {
        let connector = Connector::new(&settings.tls, &[])?;
        builder = builder.tls_config((*connector.config()).clone());
        if let Some(name) = &settings.tls.server_name {
            builder = builder.server_name(name);
        }
    }
    builder.build().map_err(unusable)
}
