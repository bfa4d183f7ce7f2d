//! A question to the receiver that runs: with a key that is made for it and withdrawn right after.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use daemon::config::ListenAddress;
use daemon::exit::{Exit, Failure};
use daemon::tls::{ClientTls, Connector};
use http::header::AUTHORIZATION;
use http::{Method, Request};
use http_exchange::{Exchange, Limits, ServerUrl, Settings};
use ipwatch_mqtt::server::store::{Keys, Role};
use ipwatch_mqtt::server::{SqlStore, mint_key};
use jiff::Timestamp;

use super::database;
use crate::config::Config;

/// An answer may name ten thousand machines.
const MAX_REPLY_BYTES: usize = 16 * 1024 * 1024;

/// Where the receiver is that runs.
#[derive(Debug, Default, Args)]
pub(super) struct Running {
    /// Its address, such as https://receiver.example.org; without it, that of `http.listen`
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// PEM file with the authority of its certificate, instead of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// What it said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) body: serde_json::Value,
}

impl Said {
    /// Its words for what went wrong.
    pub(super) fn words(&self) -> &str {
        let text = |name: &str| self.body.get(name).and_then(serde_json::Value::as_str);
        text("error").or_else(|| text("message")).unwrap_or("no reason was given")
    }
}

impl Running {
    fn url(&self, config: &Config) -> Result<String, Failure> {
        if let Some(url) = &self.url {
            return Ok(url.clone());
        }
        let scheme = if config.http.tls.is_some() { "https" } else { "http" };
        match &config.http.listen {
            ListenAddress::Host { host, port } if *port != 0 => {
                // Whoever listens everywhere is here too.
                let host = match host.as_str() {
                    "0.0.0.0" => "127.0.0.1".to_owned(),
                    "::" => "[::1]".to_owned(),
                    host if host.contains(':') => format!("[{host}]"),
                    host => host.to_owned(),
                };
                Ok(format!("{scheme}://{host}:{port}"))
            }
            other => Err(Failure::new(
                Exit::Usage,
                format!("`http.listen` is {other}, which is no address to ask"),
            )
            .advise("say where the receiver is: --url http://127.0.0.1:8080")),
        }
    }

    /// Asks, with a key of this role.
    pub(super) async fn ask(
        &self,
        config: &Config,
        store: &SqlStore,
        role: Role,
        (method, path): (Method, &str),
        within: Duration,
    ) -> Result<Said, Failure> {
        let url = self.url(config)?;
        let unreachable = |error: http_exchange::ExchangeError| {
            Failure::new(Exit::Unavailable, format!("no receiver answers at {url}"))
                .because(error)
                .advise("start it with `receiver serve`, or say where it is with --url")
        };
        let (server, _) = ServerUrl::parse(&url).map_err(|error| {
            Failure::new(Exit::Usage, format!("`{url}` is no address of a receiver")).because(error)
        })?;
        let mut settings = Settings::default();
        if server.is_https() {
            let tls = ClientTls { ca: self.ca.clone(), ..ClientTls::default() };
            settings.tls = Some(Connector::new(&tls, &["http/1.1"])?.config().as_ref().clone());
        }
        let exchange = Exchange::open(&server, &settings).map_err(unreachable)?;
        let now = Timestamp::now();
        let ends = now.checked_add(within + Duration::from_secs(60)).ok();
        let random =
            mint_key(role, "", now, ends).map_err(|error| Failure::io("no random numbers", error))?;
        let key = ipwatch_mqtt::server::store::NewKey {
            name: format!("command line {}", random.key.id),
            ..random.key
        };
        let id = key.id.clone();
        store.add_key(key).await.map_err(database)?;
        let asked = async {
            let mut request = Request::new(Vec::new().into());
            *request.method_mut() = method;
            *request.uri_mut() = server.join(path)?;
            let bearer = format!("Bearer {}", *random.secret);
            if let Ok(mut value) = http::HeaderValue::try_from(bearer) {
                value.set_sensitive(true);
                request.headers_mut().insert(AUTHORIZATION, value);
            }
            exchange.run(request, Limits { reply_bytes: MAX_REPLY_BYTES, time: within }).await
        };
        let reply = asked.await;
        // Whatever came of it, the key is good for nothing more.
        store.revoke_key(&id, Timestamp::now()).await.map_err(database)?;
        let reply = reply.map_err(unreachable)?;
        Ok(Said {
            status: reply.status.as_u16(),
            body: serde_json::from_slice(&reply.body).unwrap_or_default(),
        })
    }
}
