use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{HttpConnector, capture_connection};
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::{ExchangeError, Reply, ServerUrl};

/// The body of a request: bytes.
pub type Body = Full<Bytes>;

/// Connections that are kept for the next exchange.
const MAX_IDLE: usize = 4;
/// Most bytes of a reply's head.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// How connections are made and kept.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The most time that one attempt to connect takes. Default 5 s.
    pub connect_timeout: Duration,
    /// How long an unused connection is kept. Default 90 s.
    pub idle_timeout: Duration,
    /// The TLS settings: roots, client certificate. Default: the platform's own verifier. ALPN is set by the exchange.
    #[cfg(feature = "tls")]
    pub tls: Option<rustls::ClientConfig>,
    /// The name that the server's certificate must bear. Default: the host of the URL.
    #[cfg(feature = "tls")]
    pub server_name: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(90),
            #[cfg(feature = "tls")]
            tls: None,
            #[cfg(feature = "tls")]
            server_name: None,
        }
    }
}

/// What one exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of the reply's body.
    pub reply_bytes: usize,
    /// Most time, connecting included.
    pub time: Duration,
}

/// The connections to one server. Clones share them.
#[derive(Clone)]
pub struct Exchange(Connections);

#[derive(Clone)]
enum Connections {
    Plain(Client<HttpConnector, Body>),
    #[cfg(feature = "tls")]
    Tls(Client<hyper_rustls::HttpsConnector<HttpConnector>, Body>),
}

impl Exchange {
    /// Prepares connections to the server; the first is made when it is needed.
    ///
    /// # Errors
    /// [`ExchangeError::Usage`] when the URL is https and the feature `tls` is off, or the server name is none;
    /// [`ExchangeError::Io`] when the platform's certificates cannot be used.
    pub fn open(server: &ServerUrl, settings: &Settings) -> Result<Self, ExchangeError> {
        let connector = connector(settings.connect_timeout);
        let client = client(settings.idle_timeout);
        if !server.is_https() {
            return Ok(Self(Connections::Plain(client.build(connector))));
        }
        #[cfg(not(feature = "tls"))]
        return Err(ExchangeError::Usage("this program is built without https (feature `tls`)"));
        #[cfg(feature = "tls")]
        Ok(Self(Connections::Tls(client.build(encrypted(connector, settings)?))))
    }

    /// Sends the request and reads the whole reply.
    ///
    /// The connection of a request that was refused (4xx, but for 429) is not used again: a careless server refuses without reading
    /// the body, takes it for the next request, and answers that too.
    ///
    /// # Errors
    /// [`ExchangeError::Io`] when the network fails or the time is over, [`ExchangeError::Protocol`] when the reply is no HTTP
    /// or longer than allowed.
    pub async fn run(&self, mut request: Request<Body>, limits: Limits) -> Result<Reply, ExchangeError> {
        let connection = capture_connection(&mut request);
        let exchange = async {
            let response = match &self.0 {
                Connections::Plain(client) => client.request(request),
                #[cfg(feature = "tls")]
                Connections::Tls(client) => client.request(request),
            };
            let response = response.await.map_err(|error| ExchangeError::of(&error))?;
            let status = response.status();
            if status.is_client_error()
                && status != StatusCode::TOO_MANY_REQUESTS
                && let Some(connection) = &*connection.connection_metadata()
            {
                connection.poison();
            }
            collect(response, limits.reply_bytes).await
        };
        tokio::time::timeout(limits.time, exchange).await.map_err(|_| ExchangeError::timed_out())?
    }
}

async fn collect(response: Response<Incoming>, most: usize) -> Result<Reply, ExchangeError> {
    let (head, body) = response.into_parts();
    let collected = Limited::new(body, most).collect().await;
    let body = collected.map_err(|error| {
        if error.is::<LengthLimitError>() {
            ExchangeError::Protocol("the reply is longer than allowed")
        } else {
            ExchangeError::of(&*error)
        }
    })?;
    Ok(Reply { status: head.status, headers: head.headers, body: body.to_bytes() })
}

fn client(idle_timeout: Duration) -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(idle_timeout)
        .pool_max_idle_per_host(MAX_IDLE)
        .http1_max_buf_size(MAX_HEAD_BYTES);
    builder
}

fn connector(connect_timeout: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(connect_timeout));
    connector.set_keepalive(Some(Duration::from_secs(30)));
    connector
}

#[cfg(feature = "tls")]
fn encrypted(
    connector: HttpConnector,
    settings: &Settings,
) -> Result<hyper_rustls::HttpsConnector<HttpConnector>, ExchangeError> {
    let mut config = match &settings.tls {
        Some(config) => config.clone(),
        None => platform_config()?,
    };
    // The connector sets them, and does not want to find any.
    config.alpn_protocols.clear();
    let mut builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config).https_only();
    if let Some(name) = &settings.server_name {
        let name = rustls::pki_types::ServerName::try_from(name.clone())
            .map_err(|_| ExchangeError::Usage("the server name is neither a host name nor an address"))?;
        builder = builder.with_server_name_resolver(hyper_rustls::FixedServerNameResolver::new(name));
    }
    Ok(builder.enable_http1().wrap_connector(connector))
}

#[cfg(feature = "tls")]
fn platform_config() -> Result<rustls::ClientConfig, ExchangeError> {
    use rustls_platform_verifier::BuilderVerifierExt;
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(std::io::Error::other)?;
    Ok(config.with_no_client_auth())
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Connections::Plain(_) => "Exchange(plain)",
            #[cfg(feature = "tls")]
            Connections::Tls(_) => "Exchange(tls)",
        })
    }
}
