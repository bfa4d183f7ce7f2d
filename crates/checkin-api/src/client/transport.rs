use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::ClientError;
use super::api_url::ApiUrl;

pub(super) type Body = Full<Bytes>;

/// How long an unused connection is kept: a flush is short, and the next one days away.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Connections that are kept for the next call.
const MAX_IDLE: usize = 4;
/// Most bytes of a reply's head.
const MAX_HEAD_BYTES: usize = 32 * 1024;

#[derive(Clone)]
pub(super) enum Transport {
    Plain(Client<HttpConnector, Body>),
    #[cfg(feature = "tls")]
    Tls(Client<hyper_rustls::HttpsConnector<HttpConnector>, Body>),
}

#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Transport {
    #[cfg(not(feature = "tls"))]
    pub(super) fn plain(base: &ApiUrl, connect_timeout: Duration) -> Result<Self, ClientError> {
        if base.is_https() {
            return Err(ClientError::Usage(
                "this program is built without https (feature tls of checkin-api)",
            ));
        }
        Ok(Self::Plain(settings().build(connector(connect_timeout))))
    }

    #[cfg(feature = "tls")]
    pub(super) fn with_tls(
        base: &ApiUrl,
        connect_timeout: Duration,
        config: Option<rustls::ClientConfig>,
        server_name: Option<&str>,
    ) -> Result<Self, ClientError> {
        if !base.is_https() {
            return Ok(Self::Plain(settings().build(connector(connect_timeout))));
        }
        let mut config = match config {
            Some(config) => config,
            None => platform_config()?,
        };
        // The connector sets them, and does not want to find any.
        config.alpn_protocols.clear();
        let mut builder = hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(config).https_only();
        if let Some(name) = server_name {
            let name = rustls::pki_types::ServerName::try_from(name.to_owned())
                .map_err(|_| ClientError::Usage("the server name is neither a host name nor an address"))?;
            builder = builder.with_server_name_resolver(hyper_rustls::FixedServerNameResolver::new(name));
        }
        let connector = builder.enable_http1().wrap_connector(connector(connect_timeout));
        Ok(Self::Tls(settings().build(connector)))
    }

    /// Sends the request and reads the whole reply, of which no more than `max_reply_bytes` are taken.
    pub(super) async fn exchange(
        &self,
        request: Request<Body>,
        max_reply_bytes: usize,
    ) -> Result<Reply, ClientError> {
        let response = match self {
            Self::Plain(client) => client.request(request),
            #[cfg(feature = "tls")]
            Self::Tls(client) => client.request(request),
        };
        let response = response.await.map_err(|error| ClientError::from_http(&error))?;
        collect(response, max_reply_bytes).await
    }
}

async fn collect(response: Response<Incoming>, max_reply_bytes: usize) -> Result<Reply, ClientError> {
    let (head, body) = response.into_parts();
    let collected = Limited::new(body, max_reply_bytes).collect().await;
    let body = collected.map_err(|error| {
        if error.is::<LengthLimitError>() {
            ClientError::Protocol("the reply is longer than allowed")
        } else {
            ClientError::from_http(&*error)
        }
    })?;
    Ok(Reply { status: head.status, headers: head.headers, body: body.to_bytes().to_vec() })
}

fn settings() -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_TIMEOUT)
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
fn platform_config() -> Result<rustls::ClientConfig, ClientError> {
    use rustls_platform_verifier::BuilderVerifierExt;
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(std::io::Error::other)?;
    Ok(config.with_no_client_auth())
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            #[cfg(feature = "tls")]
            Self::Tls(_) => "Tls",
        })
    }
}
