//! The accepting side: certificate files, client certificates, and reload of both.

use super::{Stream, TLS_FIRST_BYTE, first_byte, pem, provider};
use crate::exit::{Exit, Failure};
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsStream};

/// The `[tls]` table of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerTls {
    /// PEM file with our certificate first and then its chain.
    pub certificate: PathBuf,
    /// PEM file with the unencrypted key (PKCS#8, PKCS#1 or SEC1).
    pub key: PathBuf,
    /// PEM file with the authorities whose client certificates are accepted. Without it none is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
    /// Whether a client must show a certificate; only with `client_ca`.
    #[serde(default)]
    pub client_certificates: ClientCertificates,
}

/// What a listener with a `client_ca` asks of its clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    /// No certificate, no connection.
    #[default]
    Required,
    /// One is verified if shown; who has none is let in and is nobody.
    Optional,
}

impl ServerTls {
    fn build(&self, alpn: &[Vec<u8>]) -> Result<ServerConfig, Failure> {
        let chain = pem::certificates("TLS certificate", &self.certificate)?;
        let key = pem::private_key(&self.key)?;
        let internal =
            |error: rustls::Error| Failure::new(Exit::Software, "cannot set up TLS").because(error);
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = builder.map_err(internal)?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let roots = Arc::new(pem::authorities(path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
                let verifier = match self.client_certificates {
                    ClientCertificates::Required => verifier,
                    ClientCertificates::Optional => verifier.allow_unauthenticated(),
                };
                builder.with_client_cert_verifier(verifier.build().map_err(|error| {
                    Failure::new(
                        Exit::Configuration,
                        format!("TLS authority file {}: {error}", path.display()),
                    )
                })?)
            }
        };
        let pair = builder.with_single_cert(chain, key);
        let mut config = pair.map_err(|error| pem::pair_error(&self.certificate, &self.key, &error))?;
        config.alpn_protocols = alpn.to_vec();
        // Tickets let an agent that reconnects skip a round trip; their keys die with this configuration.
        config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(internal)?;
        Ok(config)
    }

    fn stamp(&self) -> Vec<Option<(SystemTime, u64, u64)>> {
        [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()]
            .into_iter()
            .flatten()
            .map(|path| stamp(path))
            .collect()
    }
}

/// What changes when a file is edited or replaced: time, length, inode.
fn stamp(path: &Path) -> Option<(SystemTime, u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}

/// Accepts TLS connections with the certificate in force. Clones share it.
#[derive(Clone, Debug)]
pub struct Acceptor {
    settings: Arc<ServerTls>,
    alpn: Arc<[Vec<u8>]>,
    current: Arc<Mutex<Current>>,
}

#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    stamp: Vec<Option<(SystemTime, u64, u64)>>,
}

impl Acceptor {
    /// Reads the files. `alpn` names the protocols spoken inside, such as `http/1.1`; it may be empty.
    ///
    /// # Errors
    /// A file is missing, unreadable or not PEM, or key and certificate do not belong together.
    pub fn new(settings: ServerTls, alpn: &[&str]) -> Result<Self, Failure> {
        let alpn: Arc<[Vec<u8>]> = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        // The stamp first: a file that changes in between is then read once more, not missed.
        let stamp = settings.stamp();
        let current = Current { config: Arc::new(settings.build(&alpn)?), stamp };
        Ok(Self { settings: Arc::new(settings), alpn, current: Arc::new(Mutex::new(current)) })
    }

    /// Reads the files again for connections to come. On an error the old certificate stays in force.
    ///
    /// # Errors
    /// As [`Acceptor::new`].
    pub fn reload(&self) -> Result<(), Failure> {
        let stamp = self.settings.stamp();
        let config = Arc::new(self.settings.build(&self.alpn)?);
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Current { config, stamp };
        Ok(())
    }

    /// Reloads if a file looks different from what was read; says whether it did.
    ///
    /// # Errors
    /// As [`Acceptor::new`]. It is reported once per change, not at each call.
    pub fn reload_if_changed(&self) -> Result<bool, Failure> {
        let stamp = self.settings.stamp();
        {
            let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            if current.stamp == stamp {
                return Ok(false);
            }
            current.stamp = stamp;
        }
        self.reload().map(|()| true)
    }

    /// Does the handshake within `limit`.
    ///
    /// # Errors
    /// The peer speaks no TLS, shows no acceptable certificate, or is slower than `limit` (`TimedOut`).
    pub async fn accept<S>(&self, stream: S, limit: Duration) -> io::Result<Stream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let config = self.current.lock().unwrap_or_else(PoisonError::into_inner).config.clone();
        let handshake = TlsAcceptor::from(config).accept(stream);
        let stream = tokio::time::timeout(limit, handshake).await.map_err(|_| late())??;
        Ok(Stream::Tls(Box::new(TlsStream::Server(stream))))
    }

    /// Serves TLS and plain peers on one port: 0x16 begins a handshake, anything else is passed on as it is.
    ///
    /// # Errors
    /// As [`Acceptor::accept`]; or the peer says nothing within `limit`, or leaves.
    pub async fn accept_either(&self, stream: TcpStream, limit: Duration) -> io::Result<Stream<TcpStream>> {
        let first = tokio::time::timeout(limit, first_byte(&stream)).await.map_err(|_| late())??;
        match first {
            TLS_FIRST_BYTE => self.accept(stream, limit).await,
            _ => Ok(Stream::Plain(stream)),
        }
    }
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no TLS handshake within the time limit")
}
