//! The connecting side: whom to trust, and who we are.

use super::{Stream, pem, provider};
use crate::exit::{Exit, Failure};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, TlsStream};

/// The `[tls]` table of a connection that we open. All of it may be left out: then the system's authorities are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientTls {
    /// PEM file with the only authorities to trust, instead of the system's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// PEM file with the certificate that we show, and its chain; together with `key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// PEM file with the key of `certificate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
    /// The name that the server's certificate must bear, when it is not the host that we connect to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
}

/// Opens TLS connections. Make a new one on a reload; connections that stand are not touched.
#[derive(Clone, Debug)]
pub struct Connector {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

impl Connector {
    /// Reads the files. `alpn` names the protocols spoken inside; it may be empty.
    ///
    /// # Errors
    /// A file is missing, unreadable or not PEM, only one of certificate and key is given, `server_name` is no name, or
    /// the system has no authorities.
    pub fn new(settings: &ClientTls, alpn: &[&str]) -> Result<Self, Failure> {
        let mut config = config(settings)?;
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        let server_name =
            settings.server_name.as_deref().map(|name| parse_name(name, Exit::Configuration)).transpose()?;
        Ok(Self { config: Arc::new(config), server_name })
    }

    /// The configuration for a client library that makes its own connections.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        self.config.clone()
    }

    /// Does the handshake within `limit`. The server must prove to be `host`, or the configured `server_name`.
    ///
    /// # Errors
    /// `InvalidInput` when `host` is no name, `InvalidData` when the server's certificate is not accepted or ours is
    /// not, `TimedOut` after `limit`.
    pub async fn connect<S>(&self, host: &str, stream: S, limit: Duration) -> io::Result<Stream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = match &self.server_name {
            Some(name) => name.clone(),
            None => parse_name(host, Exit::Usage)
                .map_err(|failure| io::Error::new(io::ErrorKind::InvalidInput, failure))?,
        };
        let handshake = TlsConnector::from(self.config.clone()).connect(name, stream);
        let stream = tokio::time::timeout(limit, handshake).await.map_err(|_| {
            io::Error::new(io::ErrorKind::TimedOut, "no TLS handshake within the time limit")
        })??;
        Ok(Stream::Tls(Box::new(TlsStream::Client(stream))))
    }
}

fn parse_name(name: &str, exit: Exit) -> Result<ServerName<'static>, Failure> {
    let plain = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    ServerName::try_from(plain.to_owned())
        .map_err(|_| Failure::new(exit, format!("`{name}` is neither a host name nor an address")))
}

fn config(settings: &ClientTls) -> Result<ClientConfig, Failure> {
    let internal = |error: rustls::Error| Failure::new(Exit::Software, "cannot set up TLS").because(error);
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(internal)?;
    let builder = match &settings.ca {
        Some(path) => builder.with_root_certificates(pem::authorities(path)?),
        None => builder.with_platform_verifier().map_err(|error| {
            Failure::new(Exit::Unavailable, "the system's certificate authorities cannot be used")
                .because(error)
                .advise("install ca-certificates, or name a file with `tls.ca`")
        })?,
    };
    match (&settings.certificate, &settings.key) {
        (None, None) => Ok(builder.with_no_client_auth()),
        (Some(certificate), Some(key)) => {
            let chain = pem::certificates("TLS certificate", certificate)?;
            let secret = pem::private_key(key)?;
            builder
                .with_client_auth_cert(chain, secret)
                .map_err(|error| pem::pair_error(certificate, key, &error))
        }
        (certificate, _) => {
            let (has, lacks) =
                if certificate.is_some() { ("certificate", "key") } else { ("key", "certificate") };
            Err(Failure::new(Exit::Configuration, format!("TLS client `{has}` is set without `{lacks}`")))
        }
    }
}
