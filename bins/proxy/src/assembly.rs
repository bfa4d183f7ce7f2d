//! Settings into what runs on them.

use std::time::Instant;

use daemon::exit::{Exit, Failure};
use daemon::lifecycle::Stop;
use daemon::tls::{Acceptor, Certificates, Connector, ServerTls};
use meeting_api::Secret;
use meeting_api::client::{Client, Credential};
use tokio::sync::mpsc;

use crate::config::{Config, Meeting as MeetingSettings};
use crate::edge::{CONTROL, Edge, Parts};
use crate::event::Events;
use crate::known;
use crate::lockout::Lockout;
use crate::meeting::Meeting;
use crate::metrics::Metrics;
use crate::ports::Command;

/// The state that the tasks share, from the settings.
pub(crate) fn edge(
    config: Config,
    metrics: Metrics,
    events: Events,
    ports: mpsc::Sender<Command>,
    certificates: Certificates,
    stop: Stop,
) -> Result<Edge, Failure> {
    let client = client(&config.meeting)?;
    certificates.load(CONTROL, config.control.tls.as_ref(), &[])?;
    let mut lockout = Lockout::new(config.lockout.limits());
    if let Some(path) = &config.lockout.state_file {
        let text = known::read(path)
            .map_err(|error| Failure::io(format!("`lockout.state_file` {}", path.display()), error))?;
        let unreadable = known::decode(&text, &mut lockout, Instant::now());
        if unreadable > 0 {
            tracing::warn!(path = %path.display(), lines = unreadable, "lines of the state file cannot be read");
        }
    }
    if config.meeting.secret.is_none() && !config.meeting.accept_without_token_check {
        tracing::warn!(
            "`meeting.secret` is not set: a Meeting server that tells tokens to nobody leaves no agent to accept"
        );
    }
    if config.meeting.accept_without_token_check {
        tracing::warn!(
            "`meeting.accept_without_token_check` is on: whoever knows a device's key can pass for a device whose token is not told"
        );
    }
    let meeting = Meeting::new(client, config.meeting.cache.duration(), metrics.clone(), events.clone());
    Ok(Edge::new(Parts { config, certificates, lockout, meeting, metrics, events, ports, stop }))
}

/// A client of the Meeting server with the proxy's own secret.
pub(crate) fn client(settings: &MeetingSettings) -> Result<Client, Failure> {
    let usage =
        |error| Failure::new(Exit::Configuration, format!("Meeting server {}", settings.url)).because(error);
    let mut builder = Client::builder(&settings.url)
        .map_err(usage)?
        .timeout(settings.timeout.duration())
        .connect_timeout(settings.timeout.duration())
        .user_agent(concat!("meeting-proxy/", env!("CARGO_PKG_VERSION")))
        .allow_insecure(settings.allow_insecure);
    if settings.url.starts_with("https:") {
        let connector = Connector::new(&settings.tls, &[])?;
        builder = builder.tls_config((*connector.config()).clone());
    }
    if let Some(source) = &settings.secret {
        let secret = source.read().map_err(|error| Failure::io("`meeting.secret`", error))?;
        builder = builder.credential(Credential::Bearer(Secret::new(secret.expose_secret())));
    }
    builder.build().map_err(usage)
}

pub(crate) fn acceptor(settings: Option<&ServerTls>) -> Result<Option<Acceptor>, Failure> {
    settings.map(|tls| Acceptor::new(tls.clone(), &[])).transpose()
}
