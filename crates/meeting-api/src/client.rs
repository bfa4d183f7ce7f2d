//! An HTTP client for the three kinds of callers: devices, proxies and operators.
//!
//! One method a route. Replies are bounded (1 MiB, host keys 64 KiB), a call takes at most 10 s, redirects are not
//! followed. Connections are kept and used again.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use http_exchange::{Body, Exchange, Limits, ServerUrl};

use crate::endpoint::{Method, api_status, device_pubkey, server_pubkey, ssh_hostkey};
use crate::http_signature::{self, SignedRequest};
use crate::{Refusal, Secret, SigningKey, TokenCode};

mod device;
mod error;
mod operator;
mod proxy;

pub use error::ClientError;

/// Most bytes of a reply that are read. Choice: MA-33.
pub const MAX_REPLY_BYTES: usize = 1024 * 1024;

/// How a client shows who it is.
///
/// Secrets go over https, to loopback, or with [`ClientBuilder::allow_insecure`].
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Credential {
    /// Not at all, as the document has it.
    #[default]
    None,
    /// `Authorization: Bearer …`: a device's secret, a proxy's or an operator's token.
    Bearer(Secret),
    /// Each request is signed with the device's SSH key, see [`http_signature`].
    Signed(Arc<SigningKey>),
    /// `X-Token-Code: …`, as one agent in the field does; servers ignore it unless told otherwise.
    TokenCode(TokenCode),
}

/// A client of one server. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    server: ServerUrl,
    /// The path that the API lies under, mostly none. Without a `/` at its end.
    prefix: String,
    credential: Credential,
    timeout: Duration,
    user_agent: HeaderValue,
    allow_insecure: bool,
    exchange: Exchange,
}

/// Sets a [`Client`] up.
#[derive(Debug)]
pub struct ClientBuilder {
    server: ServerUrl,
    prefix: String,
    credential: Credential,
    timeout: Duration,
    user_agent: String,
    allow_insecure: bool,
    connections: http_exchange::Settings,
}

impl ClientBuilder {
    /// How the client shows who it is. Default: not at all.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credential = credential;
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

    /// The `User-Agent` header. Default `meeting-api/<version>`.
    #[must_use]
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// Allows what https protects over plain http to other hosts too: sending secrets, and taking host keys and the
    /// server's public key (threat R4). Default no.
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

    /// The name that the server's certificate must bear. Default: the host of the base URL.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.connections.server_name = Some(name.into());
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when the URL is https and the feature `tls` is off, when a secret would be sent in clear,
    /// or the user agent is no header value; [`ClientError::Io`] when the platform's certificates cannot be used.
    pub fn build(self) -> Result<Client, ClientError> {
        let secret = matches!(self.credential, Credential::Bearer(_) | Credential::TokenCode(_));
        if secret && !self.server.is_protected() && !self.allow_insecure {
            return Err(ClientError::Usage("a secret is sent over https only, unless insecure is allowed"));
        }
        let user_agent = HeaderValue::from_str(&self.user_agent)
            .map_err(|_| ClientError::Usage("the user agent is not a header value"))?;
        let exchange = Exchange::open(&self.server, &self.connections)?;
        Ok(Client {
            inner: Arc::new(Inner {
                server: self.server,
                prefix: self.prefix,
                credential: self.credential,
                timeout: self.timeout,
                user_agent,
                allow_insecure: self.allow_insecure,
                exchange,
            }),
        })
    }
}

impl Client {
    /// A client of the server at `base_url`: `https://meeting.example.org`, perhaps with a port and a path that the
    /// API lies under.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when it is no http or https URL, or has a user, a query or a fragment.
    pub fn builder(base_url: &str) -> Result<ClientBuilder, ClientError> {
        let (server, path) = ServerUrl::parse(base_url)?;
        if path.query().is_some() {
            return Err(ClientError::Usage("the server's address has no query"));
        }
        Ok(ClientBuilder {
            server,
            prefix: path.path().trim_end_matches('/').to_owned(),
            credential: Credential::None,
            timeout: Duration::from_secs(10),
            user_agent: concat!("meeting-api/", env!("CARGO_PKG_VERSION")).to_owned(),
            allow_insecure: false,
            // Unused connections are kept for 90 s, longer than the 60 s between heartbeats.
            connections: http_exchange::Settings::default(),
        })
    }

    /// The server's name or address as it stands in the base URL, IPv6 without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.inner.server.host()
    }

    /// The same server by a client with another credential, over the same connections.
    ///
    /// # Errors
    /// [`ClientError::Usage`] when a secret would be sent in clear.
    pub fn with_credential(&self, credential: Credential) -> Result<Self, ClientError> {
        let secret = matches!(credential, Credential::Bearer(_) | Credential::TokenCode(_));
        if secret && !self.inner.server.is_protected() && !self.inner.allow_insecure {
            return Err(ClientError::Usage("a secret is sent over https only, unless insecure is allowed"));
        }
        Ok(Self {
            inner: Arc::new(Inner {
                server: self.inner.server.clone(),
                prefix: self.inner.prefix.clone(),
                credential,
                timeout: self.inner.timeout,
                user_agent: self.inner.user_agent.clone(),
                allow_insecure: self.inner.allow_insecure,
                exchange: self.inner.exchange.clone(),
            }),
        })
    }

    /// Refuses to take keys that somebody on the way could have exchanged (threat R4).
    fn require_protection(&self) -> Result<(), ClientError> {
        if self.inner.server.is_protected() || self.inner.allow_insecure {
            Ok(())
        } else {
            Err(ClientError::Usage("keys are taken over https only, unless insecure is allowed"))
        }
    }

    /// Calls a route, and returns the body of a 2xx answer.
    async fn call(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Vec<u8>, ClientError> {
        self.call_capped(method, path, body, MAX_REPLY_BYTES).await
    }

    async fn call_capped(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        max_reply_bytes: usize,
    ) -> Result<Vec<u8>, ClientError> {
        let request = self.request(method, path, body)?;
        let limits = Limits { reply_bytes: max_reply_bytes, time: self.inner.timeout };
        let reply = self.inner.exchange.run(request, limits).await?;
        if reply.status.is_success() {
            return Ok(reply.body.into());
        }
        let mut refusal = Refusal::decode(reply.status.as_u16(), &reply.body);
        if let Some(target) = reply.redirected_to() {
            refusal.error = format!("redirected to {target}, which is not followed");
        }
        refusal.retry_after = reply.retry_after(SystemTime::now());
        Err(ClientError::Refused(refusal))
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Request<Body>, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, self.inner.user_agent.clone());
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, text/plain"));
        if body.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let body = body.unwrap_or_default();
        self.authenticate(&mut headers, method, path, &body)?;
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = match method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
            Method::Put => http::Method::PUT,
            Method::Delete => http::Method::DELETE,
        };
        *request.uri_mut() = self.inner.server.join(&format!("{}{path}", self.inner.prefix))?;
        *request.headers_mut() = headers;
        Ok(request)
    }

    fn authenticate(
        &self,
        headers: &mut HeaderMap,
        method: Method,
        path: &str,
        body: &[u8],
    ) -> Result<(), ClientError> {
        match &self.inner.credential {
            Credential::None => {}
            Credential::Bearer(secret) => {
                headers.insert(header::AUTHORIZATION, hidden(&format!("Bearer {}", secret.expose()))?);
            }
            Credential::TokenCode(code) => {
                headers.insert(HeaderName::from_static("x-token-code"), hidden(code.expose())?);
            }
            // What the server says about itself and published keys are for everybody, also for a device whose key it does not have yet.
            Credential::Signed(_) if is_public(path) => {}
            Credential::Signed(key) => {
                let (path, query) =
                    path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
                let request = SignedRequest { method: method.as_str(), path, query, body };
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                let mut nonce = [0; 16];
                getrandom::fill(&mut nonce)
                    .map_err(|_| ClientError::Usage("this system gives no random numbers"))?;
                let created = i64::try_from(now).unwrap_or(i64::MAX);
                let signed = http_signature::sign(key, &request, created, nonce)
                    .ok_or(ClientError::Usage("the key cannot sign"))?;
                headers.insert(http_signature::CONTENT_DIGEST, value(&signed.content_digest)?);
                headers.insert(http_signature::SIGNATURE_INPUT, value(&signed.signature_input)?);
                headers.insert(http_signature::SIGNATURE, value(&signed.signature)?);
            }
        }
        Ok(())
    }
}

fn is_public(path: &str) -> bool {
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    [api_status::ROUTE, ssh_hostkey::ROUTE, server_pubkey::ROUTE, device_pubkey::ROUTE]
        .iter()
        .any(|route| route.template == path)
}

fn value(text: &str) -> Result<HeaderValue, ClientError> {
    HeaderValue::from_str(text).map_err(|_| ClientError::Usage("the credential is not a header value"))
}

/// A header value that `Debug` does not print.
fn hidden(text: &str) -> Result<HeaderValue, ClientError> {
    let mut value = value(text)?;
    value.set_sensitive(true);
    Ok(value)
}
