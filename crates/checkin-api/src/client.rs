//! An HTTP client for bots, which submit check-ins, and for readers.
//!
//! ```no_run
//! # async fn submit(check_in: checkin_api::CheckIn) -> Result<(), Box<dyn std::error::Error>> {
//! use checkin_api::ApiKey;
//! use checkin_api::client::{Accepted, CheckInClient};
//!
//! let client = CheckInClient::builder("https://example.org/checkins")?.api_key(ApiKey::new("s3cret")?).build()?;
//! match client.submit(&check_in).await {
//!     Ok(Accepted::Created) => println!("heard first by us"),
//!     Ok(Accepted::AlreadyHeld) => println!("another bot was faster"),
//!     Err(error) if error.is_retryable() => println!("try again later: {error}"),
//!     Err(error) => println!("{error}"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Replies are bounded, a call takes at most 10 s, redirects are not followed, and no more than a few requests are under way at
//! once (4, unless set otherwise): all the bots of a region flush in the same minute. What must not be lost goes through an
//! [`Outbox`](crate::outbox::Outbox).

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use http_exchange::{Body, Exchange, Limits, Reply};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use crate::{ApiKey, DecodeError, Refusal};

mod api_url;
mod batch;
mod error;
mod random;
mod read;
mod submit;

use api_url::ApiUrl;
pub use batch::MAX_BATCH;
pub use error::ClientError;
pub(crate) use random::random;
pub use read::ListQuery;
pub use submit::Accepted;

/// Most bytes of a reply that are read: more than the largest board takes.
pub const MAX_REPLY_BYTES: usize = 16 * 1024 * 1024;

/// A client of one receiver. Clones share their connections, and the limit of requests under way.
#[derive(Debug, Clone)]
pub struct CheckInClient {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    url: ApiUrl,
    authorization: Option<HeaderValue>,
    timeout: Duration,
    user_agent: HeaderValue,
    exchange: Exchange,
    permits: Semaphore,
}

/// Sets a [`CheckInClient`] up.
#[derive(Debug)]
pub struct CheckInClientBuilder {
    url: ApiUrl,
    api_key: Option<ApiKey>,
    timeout: Duration,
    max_concurrent: usize,
    user_agent: String,
    allow_insecure: bool,
    connections: http_exchange::Settings,
}

impl CheckInClientBuilder {
    /// The key: the bot's own for submitting, a reader's for reading. Default: none, for what is public.
    #[must_use]
    pub fn api_key(mut self, key: ApiKey) -> Self {
        self.api_key = Some(key);
        self
    }

    /// The most time that a call takes, connecting included. Default 10 s.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The most time that one attempt to connect takes. Default 5 s.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connections.connect_timeout = timeout;
        self
    }

    /// How many requests are under way at once, 1 or more. Default 4.
    #[must_use]
    pub const fn max_concurrent(mut self, requests: usize) -> Self {
        self.max_concurrent = requests;
        self
    }

    /// The `User-Agent` header. Default `checkin-api/<version>`.
    #[must_use]
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// Allows to send the key over plain http to other hosts than this one. Default no. Source: checkin §1.
    #[must_use]
    pub const fn allow_insecure(mut self, allow: bool) -> Self {
        self.allow_insecure = allow;
        self
    }

    /// The TLS settings: roots, client certificate. Default: the platform's own verifier. ALPN is set by the client.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls_config(mut self, config: rustls::ClientConfig) -> Self {
        self.connections.tls = Some(config);
        self
    }

    /// The name that the receiver's certificate must bear. Default: the host of the URL.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.connections.server_name = Some(name.into());
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when the URL is https and the feature `tls` is off, when the key would be sent in clear, or the
    /// user agent is no header value; [`ClientError::Io`] when the platform's certificates cannot be used.
    pub fn build(self) -> Result<CheckInClient, ClientError> {
        if self.api_key.is_some() && !self.url.server.is_protected() && !self.allow_insecure {
            return Err(ClientError::Usage("a key is sent over https only, unless insecure is allowed"));
        }
        let user_agent = HeaderValue::from_str(&self.user_agent)
            .map_err(|_| ClientError::Usage("the user agent is not a header value"))?;
        let authorization = self.api_key.as_ref().map(bearer).transpose()?;
        let exchange = Exchange::open(&self.url.server, &self.connections)?;
        let permits = Semaphore::new(self.max_concurrent.clamp(1, Semaphore::MAX_PERMITS));
        let (url, timeout) = (self.url, self.timeout);
        Ok(CheckInClient {
            inner: Arc::new(Inner { url, authorization, timeout, user_agent, exchange, permits }),
        })
    }
}

/// The header, which `Debug` does not print.
fn bearer(key: &ApiKey) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose()))
        .map_err(|_| ClientError::Usage("the key is not a header value"))?;
    value.set_sensitive(true);
    Ok(value)
}

impl CheckInClient {
    /// A client of the receiver that takes check-ins at `api_url`, for example `https://example.org/checkins`.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when it is no http or https URL, or has a user or a fragment.
    pub fn builder(api_url: &str) -> Result<CheckInClientBuilder, ClientError> {
        Ok(CheckInClientBuilder {
            url: ApiUrl::parse(api_url)?,
            api_key: None,
            timeout: Duration::from_secs(10),
            max_concurrent: 4,
            user_agent: concat!("checkin-api/", env!("CARGO_PKG_VERSION")).to_owned(),
            allow_insecure: false,
            // Unused connections are not kept for long: a flush is short, and the next one days away.
            connections: http_exchange::Settings {
                idle_timeout: Duration::from_secs(30),
                ..http_exchange::Settings::default()
            },
        })
    }

    /// The receiver's name or address as it stands in the URL, IPv6 without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.inner.url.server.host()
    }

    /// Whether the receiver is there: what it says to a `GET` of the submission path, `ok`. No key is needed.
    ///
    /// # Errors
    /// [`ClientError`] when it is not, or is something else.
    pub async fn status(&self) -> Result<String, ClientError> {
        #[derive(serde::Deserialize)]
        struct Status {
            status: String,
        }
        let uri = self.inner.url.submission()?;
        let reply = self.call(Method::GET, uri, None).await?;
        decode::<Status>(&reply.body).map(|body| body.status)
    }

    /// Reads JSON from a path of the receiver, which begins with `/v1/checkins/`.
    async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let reply = self.call(Method::GET, self.inner.url.join(path)?, None).await?;
        decode(&reply.body)
    }

    /// Makes one request, and returns a 2xx answer.
    async fn call(
        &self,
        method: Method,
        uri: Uri,
        body: Option<(&'static str, Vec<u8>)>,
    ) -> Result<Reply, ClientError> {
        // The semaphore is never closed.
        let _permit = self.inner.permits.acquire().await;
        let request = self.request(method, uri, body);
        let limits = Limits { reply_bytes: MAX_REPLY_BYTES, time: self.inner.timeout };
        let reply = self.inner.exchange.run(request, limits).await?;
        if reply.status.is_success() {
            return Ok(reply);
        }
        let mut refusal = Refusal::decode(reply.status.as_u16(), &reply.body);
        if let Some(target) = reply.redirected_to() {
            refusal.error = format!("redirected to {target}, which is not followed");
        }
        refusal.retry_after = reply.retry_after(SystemTime::now());
        Err(ClientError::Refused(refusal))
    }

    fn request(&self, method: Method, uri: Uri, body: Option<(&'static str, Vec<u8>)>) -> Request<Body> {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, self.inner.user_agent.clone());
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(authorization) = &self.inner.authorization {
            headers.insert(header::AUTHORIZATION, authorization.clone());
        }
        let (kind, body) = body.map_or((None, Vec::new()), |(kind, body)| (Some(kind), body));
        if let Some(kind) = kind {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        request
    }
}

fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(body).map_err(|error| ClientError::Malformed(DecodeError::from_json(&error)))
}
